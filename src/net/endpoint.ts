/** Endpoints as people write them: `1.2.3.4`, `1.2.3.4:8333`, `[::1]:8333`, `::1`, `name`, `name:8333`. */
import { isIPv4, isIPv6 } from 'node:net';

import ipaddr from 'ipaddr.js';

import { VerackError } from '../reasons.js';
import type { Endpoint } from './link.js';

/** What the host of an endpoint is. */
export type HostKind = 'ipv4' | 'ipv6' | 'name';

/** An endpoint whose host may still be a DNS name; `kind` says so. */
export interface NamedEndpoint extends Endpoint {
  readonly kind: HostKind;
}

/** What {@link parseEndpoint} accepts. */
export interface EndpointOptions {
  /** Accept port 0, which asks the system to choose one. Off by default: only listeners may. */
  readonly allowZero?: boolean;
}

const MAX_NAME = 253;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** A last label like this makes the whole a number, never a name (as in browsers): `999.1.1.1`, `1.2.3`, `0x7f.1`. */
const NUMERIC_LABEL = /^(\d+|0x[0-9a-f]*)$/;

function refuse(value: string, why: string): never {
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value: value.slice(0, 80), why });
}

/** Both must agree: one is what dials, the other what spells; they differ in odd zones (`::%:`). */
function isAddress6(text: string): boolean {
  return isIPv6(text) && ipaddr.IPv6.isValid(text);
}

/** Splits off the port; a bare IPv6 address has none, since its last group cannot be distinguished from one. */
function splitPort(text: string): [host: string, port: string | undefined] {
  const bracketed = text.startsWith('[') && /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed) {
    if (!isAddress6(bracketed[1] ?? '')) refuse(text, 'what stands in brackets is not an IPv6 address');
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

/** Lower case, zeros compressed (RFC 5952), and IPv4 inside IPv6 taken out, so that one address has one spelling. */
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
    refuse(text, 'not an IPv4 address: that is four numbers from 0 to 255');
  if (name.length > MAX_NAME) refuse(text, `a host name has at most ${MAX_NAME} characters`);
  if (!labels.every((label) => LABEL.test(label))) {
    refuse(text, 'not a host name: labels of letters, digits and hyphens, with single dots between');
  }
  return name;
}

function hostOf(text: string, host: string): Pick<NamedEndpoint, 'host' | 'kind'> {
  if (!isIPv4(host) && !isAddress6(host)) return { host: nameOf(text, host), kind: 'name' };
  const address = canonicalAddress(host);
  return { host: address, kind: isIPv4(address) ? 'ipv4' : 'ipv6' };
}

/**
 * Reads one endpoint. The host comes back in its canonical spelling: addresses in the text of RFC 5952, names
 * in lower case. `::1:8333` is the address `::1:8333`, without a port: write `[::1]:8333`.
 *
 * @param defaultPort - for a text that names no port
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` (at most 80 characters of the text) and `why`
 */
export function parseEndpoint(
  text: string,
  defaultPort: number,
  options: EndpointOptions = {},
): NamedEndpoint {
  if (text === '') refuse(text, 'no host given');
  const [named, port] = splitPort(text);
  if (named === '') refuse(text, 'no host before the port');
  const { host, kind } = hostOf(text, named);
  return { host, kind, port: port === undefined ? defaultPort : portOf(text, port, options) };
}

/** `host:port`, an IPv6 host in brackets: what {@link parseEndpoint} reads back unchanged. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { host, port } = endpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
