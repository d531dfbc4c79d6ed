/** Determines the network of a host from its text. */
import { isIP, isIPv4 } from 'node:net';

/** The networks of Core's `-onlynet`. */
export const NETWORKS_OF_ADDRESSES = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'] as const;
/** A network of addresses, named as in `getpeerinfo`. */
export type Network = (typeof NETWORKS_OF_ADDRESSES)[number];
/** `name`: a DNS name. `internal`: a name that neither DNS nor a proxy can resolve. */
export type TargetKind = Network | 'name' | 'internal';

/** The port of all I2P peers: SAM 3.1 has no ports, and Core uses 0. */
export const I2P_PORT = 0;

const CJDNS = /^fc[0-9a-f]{2}:/i;
/** Names that are not in DNS. Querying one would reveal to a DNS server where we connect (RFC 7686). */
const NOT_DNS = /\.(onion|i2p|internal)\.?$/i;

/**
 * The kind of a host. `.onion` and `.i2p` addresses are not validated: the proxy does that. With `cjdnsreachable`, fc00::/8 is
 * `cjdns`, else `ipv6`.
 */
export function kindOfHost(host: string, cjdnsreachable = false): TargetKind {
  if (isIPv4(host)) return 'ipv4';
  if (isIP(host)) return cjdnsreachable && CJDNS.test(host) ? 'cjdns' : 'ipv6';
  const [, last = ''] = NOT_DNS.exec(host) ?? [];
  return (last.toLowerCase() || 'name') as TargetKind;
}

/** The port of a target without one: 0 for I2P, `port` otherwise. */
export const defaultPortOf = (host: string, port: number): number =>
  kindOfHost(host) === 'i2p' ? I2P_PORT : port;
