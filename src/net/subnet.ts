/** Subnets in the notations of Bitcoin Core's `CSubNet`: `1.2.3.0/24`, `1.2.3.0/255.255.255.0`, `2001:db8::/32`, a single address. */
import ipaddr from 'ipaddr.js';

export interface Subnet {
  /** The normalised notation with the number of bits, as Core writes it. It identifies the subnet. */
  readonly text: string;
  readonly address: ipaddr.IPv4 | ipaddr.IPv6;
  readonly bits: number;
}

/** The longest text that can be a subnet: two IPv6 addresses and a slash. */
const MAX_TEXT = 91;

/** Parses a subnet; undefined for any other text. An IPv4-mapped address is IPv4. Zones, names and .onion addresses are not accepted. */
export function parseSubnet(text: string): Subnet | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const slash = text.lastIndexOf('/');
  const address = addressOf(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const bits = slash < 0 ? address.toByteArray().length * 8 : bitsOf(text.slice(slash + 1), address);
  return bits === undefined ? undefined : subnetOf(address, bits);
}

/** Whether a text is an address or a subnet, as the whitelist and bans accept them. */
export const isSubnet = (text: string): boolean => parseSubnet(text) !== undefined;

/** Returns a function that tells whether `host` (an address as text) is in a subnet; it parses the host only once. */
export function matcherOf(host: string): (subnet: Subnet) => boolean {
  const [bare = ''] = host.split('%');
  const candidate = addressOf(bare);
  return ({ address, bits }) => candidate?.kind() === address.kind() && candidate.match(address, bits);
}

/** Parses an address. IPv4 needs four decimal numbers: `ipaddr.js` accepts `127.1` and `0x7f.1` too, and Core does not. */
function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text.includes('%')) return undefined;
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  return isAddress ? ipaddr.process(text) : undefined;
}

/** Parses the number of bits, or a netmask of the same family whose ones are contiguous. */
function bitsOf(text: string, address: ipaddr.IPv4 | ipaddr.IPv6): number | undefined {
  const most = address.toByteArray().length * 8;
  if (/^\d{1,3}$/.test(text)) return Number(text) <= most ? Number(text) : undefined;
  const mask = addressOf(text);
  const bits = mask?.kind() === address.kind() ? mask.prefixLengthFromSubnetMask() : null;
  return bits ?? undefined;
}

/** The subnet of an address; the bits after the prefix are cleared. */
function subnetOf(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): Subnet {
  const bytes = address
    .toByteArray()
    .map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 - bits + index * 8))));
  const network = ipaddr.fromByteArray(bytes.map((byte) => byte & 0xff));
  return { text: `${network.toString()}/${bits}`, address: network, bits };
}

/** The normalised text of a host: an address without its zone, IPv4-mapped as IPv4; other text in lower case. */
export function normalHost(host: string): string {
  const [bare = ''] = host.split('%');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : host.toLowerCase();
}
