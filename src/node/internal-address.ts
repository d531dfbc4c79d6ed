/** Core's internal addresses. One identifies the source of an address that did not come from a peer (a DNS seed, the fixed list). */
import { BIP155, type NetAddress, sha256 } from '../wire/index.js';

/** The internal IPv6 address of a named source: fd6b:88c0:8724::/48 and the start of SHA-256 of the name (Core: `CNetAddr::SetInternal`). */
export function internalSource(name: string): NetAddress {
  const prefix = [0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24];
  const hash = sha256(new TextEncoder().encode(name)).subarray(0, 16 - prefix.length);
  return { networkID: BIP155.ipv6.id, addr: Uint8Array.of(...prefix, ...hash) };
}
