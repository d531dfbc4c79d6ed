/** Which network a host belongs to, by its text alone. */
import { isIP, isIPv4 } from 'node:net';

/** The networks of Core's `-onlynet`. */
export const NETWORKS_OF_ADDRESSES = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'] as const;
/** The networks of addresses, in the words of `getpeerinfo`. */
export type Network = (typeof NETWORKS_OF_ADDRESSES)[number];
/** `internal`: a name that exists in no DNS and on no proxy. */
export type TargetKind = Network | 'name' | 'internal';

/** I2P peers have no ports (SAM 3.1): Core writes 0. */
export const I2P_PORT = 0;

const CJDNS = /^fc[0-9a-f]{2}:/i;
/** Names outside DNS: a question for one would show a DNS server where we connect (RFC 7686). */
const NOT_DNS = /\.(onion|i2p|internal)\.?$/i;

/** What a host is by its text alone. Whether an `.onion` or `.i2p` address is valid, its proxy says. */
export function kindOfHost(host: string, cjdnsreachable = false): TargetKind {
  if (isIPv4(host)) return 'ipv4';
  if (isIP(host)) return cjdnsreachable && CJDNS.test(host) ? 'cjdns' : 'ipv6';
  const [, last = ''] = NOT_DNS.exec(host) ?? [];
  return (last.toLowerCase() || 'name') as TargetKind;
}

/** The port of a target that names none: I2P has 0, the others that of the chain. */
export const defaultPortOf = (host: string, port: number): number =>
  kindOfHost(host) === 'i2p' ? I2P_PORT : port;
