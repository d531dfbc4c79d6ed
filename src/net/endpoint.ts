/** Parses and formats endpoints: `1.2.3.4`, `1.2.3.4:8333`, `[::1]:8333`, `::1`, `name`, `name:8333`. */
import { isIPv4, isIPv6 } from 'node:net';

import ipaddr from 'ipaddr.js';

import { VerackError } from '../reasons.js';
import type { Endpoint } from './link.js';
import { checkOptionNames } from './option-names.js';

/** The kind of an endpoint's host. */
export type HostKind = 'ipv4' | 'ipv6' | 'name';

/** An endpoint whose host may be a DNS name, as `kind` tells. */
export interface NamedEndpoint extends Endpoint {
  readonly kind: HostKind;
}

/** What {@link parseEndpoint} accepts. */
export interface EndpointOptions {
  /** Accept port 0, with which a listener lets the system choose a port. Default false. */
  readonly allowZero?: boolean;
}

const OPTION_NAMES: Readonly<Record<keyof EndpointOptions, true>> = { allowZero: true };

const MAX_NAME = 253;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** If the last label is numeric, the text is not a name, as in the URL standard: `999.1.1.1`, `1.2.3`, `0x7f.1`. */
const NUMERIC_LABEL = /^(\d+|0x[0-9a-f]*)$/;

function refuse(value: string, why: string): never {
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value: value.slice(0, 80), why });
}

/** Node.js dials the address and `ipaddr.js` formats it, so both must accept it; they differ in unusual zones (`::%:`). */
function isAddress6(text: string): boolean {
  return isIPv6(text) && ipaddr.IPv6.isValid(text);
}

/** Splits off the port. An IPv6 address without brackets has none, because a port could not be distinguished from its last group. */
function splitPort(text: string): [host: string, port: string | undefined] {
  const bracketed = text.startsWith('[') && /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed) {
    if (!isAddress6(bracketed[1] ?? '')) refuse(text, 'the text in brackets is not an IPv6 address');
    return [bracketed[1] ?? '', bracketed[2]];
  }
  const colon = text.indexOf(':');
  if (colon < 0) return [text, undefined];
  if (colon === text.lastIndexOf(':')) return [text.slice(0, colon), text.slice(colon + 1)];
  if (!isAddress6(text)) refuse(text, 'more than one colon, but not an IPv6 address');
  return [text, undefined];
}

function portOf(text: string, port: string, options: EndpointOptions): number {
  const lowest = options.allowZero ? 0 : 1;
  const value = /^\d{1,5}$/.test(port) ? Number(port) : -1;
  return value >= lowest && value <= 65_535
    ? value
    : refuse(text, `a port is a number from ${lowest} to 65535`);
}

/** The canonical notation of an address (RFC 5952: lower case, zeros compressed); an IPv4-mapped address becomes IPv4. */
export function canonicalAddress(address: string): string {
  // Four numbers without leading zeros have one spelling.
  if (isIPv4(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv6' ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}

function nameOf(text: string, host: string): string {
  const name = host.toLowerCase();
  const labels = name.replace(/\.$/, '').split('.');
  if (NUMERIC_LABEL.test(labels.at(-1) ?? ''))
    refuse(text, 'not an IPv4 address, which has four numbers from 0 to 255');
  if (name.length > MAX_NAME) refuse(text, `a host name has at most ${MAX_NAME} characters`);
  if (!labels.every((label) => LABEL.test(label))) {
    refuse(
      text,
      'not a host name, which has labels of letters, digits and hyphens, separated by single dots',
    );
  }
  return name;
}

function hostOf(text: string, host: string): Pick<NamedEndpoint, 'host' | 'kind'> {
  if (!isIPv4(host) && !isAddress6(host)) return { host: nameOf(text, host), kind: 'name' };
  const address = canonicalAddress(host);
  return { host: address, kind: isIPv4(address) ? 'ipv4' : 'ipv6' };
}

/**
 * Parses one endpoint. The host of the result is in canonical notation: addresses as in RFC 5952, names in lower case.
 * `::1:8333` is the address `::1:8333` without a port; with a port it is `[::1]:8333`.
 *
 * @param defaultPort - the port of a text without one
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` (at most 80 characters of the text) and `why`
 */
export function parseEndpoint(
  text: string,
  defaultPort: number,
  options: EndpointOptions = {},
): NamedEndpoint {
  checkOptionNames(options, OPTION_NAMES);
  if (text === '') refuse(text, 'no host given');
  const [named, port] = splitPort(text);
  if (named === '') refuse(text, 'no host before the port');
  const { host, kind } = hostOf(text, named);
  return { host, kind, port: port === undefined ? defaultPort : portOf(text, port, options) };
}

/** Formats an endpoint as `host:port`, an IPv6 host in brackets; {@link parseEndpoint} reads it back. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { host, port } = endpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
