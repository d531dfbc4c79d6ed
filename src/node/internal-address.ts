/** Core's internal addresses: the source of an address that no peer gave (a DNS seed, a fixed list). */
import { BIP155, type NetAddress, sha256 } from '../wire/index.js';

/** Core's address of a named source: `CNetAddr::SetInternal`. */
export function internalSource(name: string): NetAddress {
  const prefix = [0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24];
  const hash = sha256(new TextEncoder().encode(name)).subarray(0, 16 - prefix.length);
  return { networkID: BIP155.ipv6.id, addr: Uint8Array.of(...prefix, ...hash) };
}
