/** Which IP addresses are public, by Core's rules (`CNetAddr::IsRoutable`, `IsValid`). */

/** The first `bits` bits of an address. They are in `bytes`, most significant first; further bits of the last byte are 0. */
interface Prefix {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Not routed, IPv4. */
const UNROUTED_V4: readonly Prefix[] = [
  { bytes: [0], bits: 8 }, // IsLocal; includes INADDR_ANY
  { bytes: [10], bits: 8 }, // RFC 1918
  { bytes: [100, 64], bits: 10 }, // RFC 6598, carrier-grade NAT
  { bytes: [127], bits: 8 }, // IsLocal
  { bytes: [169, 254], bits: 16 }, // RFC 3927, link-local
  { bytes: [172, 16], bits: 12 }, // RFC 1918
  { bytes: [192, 0, 2], bits: 24 }, // RFC 5737, documentation
  { bytes: [192, 168], bits: 16 }, // RFC 1918
  { bytes: [198, 18], bits: 15 }, // RFC 2544, benchmarks
  { bytes: [198, 51, 100], bits: 24 }, // RFC 5737
  { bytes: [203, 0, 113], bits: 24 }, // RFC 5737
  { bytes: [255, 255, 255, 255], bits: 32 }, // INADDR_NONE
];

/** Not routed, IPv6. Mapped IPv4 and OnionCat are included because they encode addresses of other networks; Core skips such entries. */
const UNROUTED_V6: readonly Prefix[] = [
  { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], bits: 128 }, // unspecified
  { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], bits: 128 }, // loopback
  { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], bits: 96 }, // IPv4, mapped
  { bytes: [0x20, 0x01, 0x00, 0x10], bits: 28 }, // RFC 4843, ORCHID
  { bytes: [0x20, 0x01, 0x00, 0x20], bits: 28 }, // RFC 7343, ORCHIDv2
  { bytes: [0x20, 0x01, 0x0d, 0xb8], bits: 32 }, // RFC 3849, documentation
  { bytes: [0xfc], bits: 7 }, // RFC 4193, unique local; includes OnionCat and Core's internal names
  { bytes: [0xfe, 0x80, 0, 0, 0, 0, 0, 0], bits: 64 }, // RFC 4862, link-local
];

/** For each byte, the bits that are compared. */
const maskOf = ({ bytes, bits }: Prefix): number[] =>
  bytes.map((_, i) => 0xff & (0xff00 >>> Math.min(8, bits - 8 * i)));

interface MaskedPrefix {
  readonly bytes: readonly number[];
  readonly mask: readonly number[];
}

const masked = (prefix: Prefix): MaskedPrefix => ({ bytes: prefix.bytes, mask: maskOf(prefix) });

/** The masks are computed once, because every address of every `addr` message is compared. */
const MASKED_V4 = UNROUTED_V4.map(masked);
const MASKED_V6 = UNROUTED_V6.map(masked);

function hasPrefix(addr: Uint8Array, { bytes, mask }: MaskedPrefix): boolean {
  return bytes.every((byte, i) => (addr[i]! & mask[i]!) === byte);
}

/** Whether Core considers this IPv4 (4 bytes) or IPv6 (16 bytes) address public. */
export function isRoutable(addr: Uint8Array): boolean {
  const unrouted = addr.length === 4 ? MASKED_V4 : MASKED_V6;
  return !unrouted.some((prefix) => hasPrefix(addr, prefix));
}
