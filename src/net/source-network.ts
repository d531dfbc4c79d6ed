/**
 * The source network of an inbound connection: the /24 of an IPv4 address, the /64 of an IPv6 address, which usually have one
 * owner. The prefix lengths are those of btcd (internal/inbound/admission.go).
 */
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

const BITS = { ipv4: 24, ipv6: 64 } as const;
const LOOPBACK = { ipv4: ['127.0.0.0', 8], ipv6: ['::1', 128] } as const;

/**
 * The source network as text: `203.0.113.0/24`, `2001:db8::/64`. An IPv4-mapped address counts as IPv4, a zone is ignored, and
 * text that is not an address is returned unchanged.
 */
export function sourceOf(host: string): string {
  // Without ipaddr.js, because this runs for every accepted connection and the library would dominate its cost.
  if (isIPv4(host)) return `${host.slice(0, host.lastIndexOf('.'))}.0/24`;
  const address = addressOf(host);
  if (!address) return host;
  const bits = BITS[address.kind()];
  const bytes = address.toByteArray().map((byte, at) => (at * 8 < bits ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}

/** Whether an address is a loopback address: 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  const address = addressOf(host);
  if (!address) return false;
  const [net, bits] = LOOPBACK[address.kind()];
  return address.match(ipaddr.parse(net), bits);
}

function addressOf(host: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [bare = ''] = host.split('%');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}
