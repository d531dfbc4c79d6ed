/**
 * Netgroups of the crawl: addresses that probably belong to one owner. Limits on contacts and on gossip apply to a netgroup. It
 * is the /16 of an IPv4 address, the /32 of an IPv6 address, 4 bits of an onion or I2P key, 12 bits of a CJDNS address (Core:
 * netgroup.cpp without an asmap). An address that is not publicly routable, as in test networks, is a group of its own.
 */
import { BIP155, hexOf, networkOfNetAddress, parseAddress, type AddressNetwork } from '../wire/index.js';

const BITS: Readonly<Record<AddressNetwork, number>> = {
  ipv4: 16,
  ipv6: 32,
  onion: 4,
  i2p: 4,
  cjdns: 12,
  not_publicly_routable: 0,
};

/** The network of a host, named as in `getpeerinfo`, and its netgroup. */
export interface HostClass {
  readonly network: AddressNetwork;
  readonly group: string;
}

const IPV4 = BIP155.ipv4.id;

/** Determines network and netgroup of a host. Text that is not an address is `not_publicly_routable`. */
export function classifyHost(host: string): HostClass {
  const parsed = parseAddress(host);
  if (!parsed.ok) return { network: 'not_publicly_routable', group: host };
  const { networkID, addr } = parsed.value;
  const network = networkOfNetAddress(parsed.value);
  if (network === 'not_publicly_routable') return { network, group: host };
  if (networkID === IPV4) return { network, group: `ipv4 ${addr[0]}.${addr[1]}` };
  const bits = BITS[network];
  const bytes = addr.slice(0, Math.ceil(bits / 8));
  const last = bytes.length - 1;
  bytes[last] = bytes[last]! & (0xff00 >> (bits % 8 || 8));
  return { network, group: `${network} ${hexOf(bytes)}` };
}
