/** Parsers of option values. Each throws one sentence about the values that it accepts; commander adds the option's name. */
import { InvalidArgumentError } from 'commander';
import { isIP } from 'node:net';
import {
  type Endpoint,
  type Fault,
  FAULT_NAMES,
  FAULTS,
  formatEndpoint,
  nearestName,
  parseEndpoint,
  parseFault,
} from '../net/index.js';
import { isSubnet, networkOf, VerackError } from '../index.js';
import { isV2Fault, parseV2Fault, V2_FAULT_NAMES, type V2FaultName } from '../connection/index.js';
import { SERVICE_BITS, type ServiceName } from '../wire/index.js';
import { checkHost } from './host-targets.js';

function refuse(why: string): never {
  throw new InvalidArgumentError(why);
}

/** Turns an `ERR_LOCAL_ARGUMENT` of the library into commander's error. */
/** Runs `read`; an error about its argument becomes one that commander reports with the name of the option. */
export function withCommanderError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof VerackError) refuse(`${sentence(String(error.facts.why))}.`);
    throw error;
  }
}

/** A whole number from `low` to `high`. */
export const whole =
  (low: number, high: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    return value >= low && value <= high ? value : refuse(`It takes a whole number from ${low} to ${high}.`);
  };

/** About 23 days, just below the longest timeout of a Node.js timer. */
const MAX_SECONDS = 2_000_000;

/** A number of seconds above 0, with or without a fraction. */
export function seconds(text: string): number {
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  return value > 0 && value <= MAX_SECONDS
    ? value
    : refuse(`It takes a number of seconds above 0, at most ${MAX_SECONDS}.`);
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time with its unit (`90s`, `30m`, `1h`, `1d`) in milliseconds; at most 24 days, the longest timeout of a Node.js timer. */
export function duration(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const value = Number(count) * (UNITS[unit] ?? 0);
  return value > 0 && value <= 24 * UNITS.d! ? value : refuse('It takes a time such as 90s, 30m, 1h or 1d.');
}

/** The values collected so far; false after `--no-NAME`. */
type Before<T> = readonly T[] | false | undefined;
const listOf = <T>(before: Before<T>): readonly T[] =>
  before === undefined || before === false ? [] : before;

/** Collects the values of an option that may be given more than once. */
export const repeatable =
  <T>(read: (text: string) => T) =>
  (text: string, before: Before<T>): T[] => [...listOf(before), read(text)];

/** As `repeatable`, and one occurrence may have several values: `ipv4,ipv6`. */
export const commaSeparated =
  <T>(read: (text: string) => T) =>
  (text: string, before: Before<T>): T[] => [...listOf(before), ...text.split(',').map(read)];

/** The name of a chain. Two different chains are refused, as Core does. */
export function chainName(text: string, before: string | undefined): string {
  const chain = networkOf(text)?.chain;
  if (chain === undefined) refuse('The chains are main, test, testnet4, signet and regtest.');
  if (before !== undefined && before !== chain)
    refuse(`Only one chain can be given, and ${before} was given already.`);
  return chain;
}

/** A fault of v1 messages or of v2. */
export function fault(text: string): Fault | V2FaultName {
  const [name = ''] = text.split('=', 1);
  if (isV2Fault(name)) return withCommanderError(() => parseV2Fault(text));
  if (!Object.hasOwn(FAULTS, name)) refuse(unknownFault(name));
  return withCommanderError(() => parseFault(text));
}

/** The error for an unknown fault: suggests the fault with the nearest name, and lists all of them. */
function unknownFault(name: string): string {
  const near = nearestName(name.slice(0, 40).toLowerCase(), [...FAULT_NAMES, ...V2_FAULT_NAMES]);
  const hint = near === undefined ? '' : `did you mean "${near}"? `;
  const names = [...FAULT_NAMES.map((each) => each + FAULTS[each].value), ...V2_FAULT_NAMES];
  return `No such fault: ${hint}the faults are ${names.join(', ')}.`;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One of a closed list of words. */
export const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string): T =>
    words.find((word) => word === text) ?? refuse(`It takes one of ${words.join(', ')}.`);

/** A host with or without a port, unchanged. */
export function hostText(text: string): string {
  withCommanderError(() => checkHost(text));
  return text;
}

/** An address to listen on; port -1 when none is named. */
export function bindAddress(text: string): Endpoint {
  const { host, port, kind } = withCommanderError(() => parseEndpoint(text, -1, { allowZero: true }));
  return kind === 'name'
    ? refuse('It takes an address of this machine, for example 0.0.0.0 or [::]:8333.')
    : { host, port };
}

/** An address or a subnet. */
export const subnet = (text: string): string =>
  isSubnet(text) ? text : refuse('It takes an address or a subnet, for example 192.0.2.0/24.');

/** A value of Core's `-whitelist`: a subnet, optionally after a permission and `@`. */
export function whitelisted(text: string): string {
  const [, permission, rest = ''] = /^(?:([^@]*)@)?(.*)$/s.exec(text) ?? [];
  if (permission !== undefined && permission !== 'noban') refuse('The only supported permission is noban.');
  return subnet(rest);
}

/** A DNS server, as `Resolver.setServers` takes it. */
export function dnsServer(text: string): string {
  const endpoint = withCommanderError(() => parseEndpoint(text, 53));
  return isIP(endpoint.host) === 0
    ? refuse('It takes an IP address, for example 1.1.1.1.')
    : formatEndpoint(endpoint);
}

/** A port; 0, which stands for any free port, when the value is empty. */
export const portOrAny = (text: string): number => (text === '' ? 0 : whole(0, 65_535)(text));

/**
 * The default port of `--metrics`: next to Bitcoin's ports 8332 to 8334. Not between 9100 and 9999, which Prometheus
 * allocates to exporters (9332 belongs to a Bitcoin exporter), and where Litecoin uses 9333.
 */
export const METRICS_PORT = 8_335;

/** A UNIX socket, given by its path. */
export interface SocketPath {
  readonly path: string;
}

/** Where to serve metrics: empty for the default port, a port on loopback (0 for any free one), `ADDR`, `ADDR:PORT`, or `unix:PATH`. */
export function metricsAddress(text: string): Endpoint | SocketPath {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) };
  if (/^\d*$/.test(text))
    return { host: '127.0.0.1', port: text === '' ? METRICS_PORT : whole(0, 65_535)(text) };
  const { host, port, kind } = withCommanderError(() =>
    parseEndpoint(text, METRICS_PORT, { allowZero: true }),
  );
  return kind === 'name'
    ? refuse('It takes a port, or an address of this machine with or without one: 0.0.0.0:8335.')
    : { host, port };
}

/** What a probed node must announce, from `--require`. */
export interface Requirements {
  readonly services?: readonly ServiceName[];
  readonly version?: number;
}

/** `services=NETWORK,WITNESS` or `version=70016`; a node must meet all that are given. */
export function requirements(text: string, before: Requirements | undefined): Requirements {
  const [, what, value = ''] = /^(services|version)=(.+)$/.exec(text) ?? [];
  if (what === 'version') return { ...before, version: whole(1, 2_147_483_647)(value) };
  if (what === 'services') return { ...before, services: serviceList(value) };
  return refuse('It takes services=NETWORK,WITNESS or version=70016.');
}

/** Names of service bits, separated by commas. */
export const serviceList = (text: string): ServiceName[] => text.split(',').map(service);

function service(name: string): ServiceName {
  const known = Object.keys(SERVICE_BITS) as ServiceName[];
  const upper = name.toUpperCase().replace(/^NODE_/, '');
  return known.find((word) => word === upper) ?? refuse(`The services are ${known.join(', ')}.`);
}
