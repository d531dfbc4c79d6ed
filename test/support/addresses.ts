/** Addresses of all five networks, the same for the same seed: for the tests of the address book. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { AddressRecord, NetService } from '../../src/addresses/index.js';
import { BIP155, networkOfNetAddress, parseAddress, type NetAddress } from '../../src/wire/index.js';

/** An endless source of bytes from a seed. */
export function seededRandom(seed: string): (count: number) => Uint8Array {
  let block = 0;
  let pool = new Uint8Array(0);
  return (count) => {
    while (pool.length < count) {
      const next = sha256(new TextEncoder().encode(`${seed} ${block++}`));
      pool = Uint8Array.from([...pool, ...next]);
    }
    const drawn = pool.slice(0, count);
    pool = pool.subarray(count);
    return drawn;
  };
}

/** The address of a text. */
export function addressOf(text: string): NetAddress {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(`${text} is not an address: ${parsed.fault}`);
  return parsed.value;
}

/** What the address book takes. */
export function recordAt(service: NetService, time: number, services = '0000000000000009'): AddressRecord {
  return { ...service, time, services };
}

/** IPv6 prefixes that the network groups treat in their own way: he.net, 6to4, Teredo, NAT64, SIIT; and plain ones. */
const IPV6_PREFIXES = [
  [0x20, 0x01, 0x04, 0x70],
  [0x20, 0x02],
  [0x20, 0x01, 0, 0],
  [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0],
  [0x2a, 0x01, 0x04, 0xf8],
  [0x2a],
];

type Network = 'ipv4' | 'ipv6' | 'torv3' | 'i2p' | 'cjdns';
const NETWORKS: readonly Network[] = ['ipv4', 'ipv6', 'torv3', 'i2p', 'cjdns'];

/** What the first bytes are; half of the IPv4 addresses share a few /16. */
function prefixOf(network: Network, choice: number): readonly number[] {
  if (network === 'ipv4') return choice < 128 ? [0x2d, choice & 3] : [];
  if (network === 'ipv6') return IPV6_PREFIXES[choice % IPV6_PREFIXES.length]!;
  return network === 'cjdns' ? [0xfc] : [];
}

/** `count` different addresses, network by network in turn, all of them routable. */
export function services(count: number, seed: string): NetService[] {
  const random = seededRandom(seed);
  const found: NetService[] = [];
  while (found.length < count) {
    const network = NETWORKS[found.length % NETWORKS.length]!;
    const addr = random(BIP155[network].length);
    addr.set(prefixOf(network, random(1)[0]!));
    const [high, low] = random(2);
    const port = network === 'i2p' ? 0 : (high! << 8) | low!;
    const service = { networkID: BIP155[network].id, addr, port };
    if (networkOfNetAddress(service) !== 'not_publicly_routable') found.push(service);
  }
  return found;
}
