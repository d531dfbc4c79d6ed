/**
 * Addresses of every network of BIP155: text, bytes, the legacy 16-byte form, and which network they belong to.
 *
 * Sources: BIP155 appendices A–E, Core's `netaddress.cpp` (`SetLegacyIPv6`, `SetTor`, `SetI2P`, `IsRoutable`), Tor's
 * rend-spec-v3. An address consists of its BIP155 id and its raw bytes, so an entry of `addrv2` can be passed unchanged.
 */
import { sha3_256 } from '@noble/hashes/sha3.js';
import { base32, base32nopad } from '@scure/base';
import ipaddr from 'ipaddr.js';
import { BIP155, bip155NetworkName, type Bip155Network } from './bip155.js';
import { isRoutable } from './address-ranges.js';
import { hexOf } from './display-text.js';

/** `networkID` is the id in BIP155, `addr` the bytes of the address in network byte order (4 for IPv4, the public key for Tor v3 …). */
export interface NetAddress {
  readonly networkID: number;
  readonly addr: Uint8Array;
}

/**
 * Why a text is not an address: `syntax`: no known form; `checksum` or `version`: an `.onion` of 56 characters whose
 * checksum or version byte is wrong.
 */
export type AddressFault = 'syntax' | 'checksum' | 'version';

/** The result of {@link parseAddress}: the address, or a fault. */
export type AddressParse =
  { readonly ok: true; readonly value: NetAddress } | { readonly ok: false; readonly fault: AddressFault };

/** The values of `network` in `getpeerinfo`. */
export type AddressNetwork = 'ipv4' | 'ipv6' | 'onion' | 'i2p' | 'cjdns' | 'not_publicly_routable';

/** Four decimal numbers up to 255 without leading zeros. Most addresses are IPv4, and ipaddr.js takes several times as long. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=\d)|$)){4}$/;
/** The character code of the digit 0; that of a dot is lower. */
const ZERO = 0x30;
const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
const ONIONCAT = Uint8Array.of(0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43);
const TORV3_VERSION = 3;
const TORV3_SALT = new TextEncoder().encode('.onion checksum');
const failure = (fault: AddressFault): AddressParse => ({ ok: false, fault });

/**
 * Parses an address: IPv4 in four decimal parts, IPv6 without zone and brackets (fc00::/8 becomes CJDNS, 0200::/7 Yggdrasil, a
 * mapped IPv4 address IPv4), `.onion` of 16 or 56 characters, or `.b32.i2p`. Upper and lower case are accepted. Ports and
 * DNS names are not; nothing is looked up. Never throws.
 */
export function parseAddress(text: string): AddressParse {
  if (IPV4.test(text)) return success('ipv4', bytesOfIpv4(text));
  const name = text.toLowerCase();
  if (name.endsWith('.onion')) return parseOnion(name.slice(0, -'.onion'.length));
  if (name.endsWith('.b32.i2p')) return parseI2p(name.slice(0, -'.b32.i2p'.length));
  if (!name.includes('%') && ipaddr.IPv6.isValid(name)) {
    return { ok: true, value: classify(Uint8Array.from(ipaddr.IPv6.parse(name).toByteArray())) };
  }
  return failure('syntax');
}

/** The 4 bytes of a text that matches `IPV4`. Using `split` would take eight times as long as this loop. */
function bytesOfIpv4(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0) at += 1;
    else bytes[at] = 10 * bytes[at]! + digit;
  }
  return bytes;
}

/** The text of an address, in lower case; `id:hex` for a network id that BIP155 does not list or a wrong length. */
export function formatAddress({ networkID, addr }: NetAddress): string {
  const network = bip155NetworkName(networkID);
  if (network === undefined || BIP155[network].length !== addr.length) return `${networkID}:${hexOf(addr)}`;
  return FORMATS[network](addr);
}

/** The address in a 16-byte `ip` field: IPv4 if mapped, TorV2 if OnionCat, otherwise IPv6, CJDNS or Yggdrasil by prefix. */
export function fromLegacy(ip: Uint8Array): NetAddress {
  return startsWith(ip, ONIONCAT) ? address('torv2', ip.subarray(ONIONCAT.length)) : classify(ip);
}

/** The 16-byte form of `addr` messages (IPv4 mapped); undefined for addresses that have none (Tor v3, I2P). */
export function toLegacy({ networkID, addr }: NetAddress): Uint8Array | undefined {
  if (networkID === BIP155.ipv4.id && addr.length === 4) return joined(V4_MAPPED, addr);
  if (networkID === BIP155.torv2.id && addr.length === 10) return joined(ONIONCAT, addr);
  return addr.length === 16 ? addr : undefined;
}

/**
 * The network of an address, with the names of `getpeerinfo` (Core: `GetNetClass`). Private, local, documentation and obsolete
 * addresses (Tor v2), and networks that Core does not know (Yggdrasil), are `not_publicly_routable`.
 */
export function networkOfNetAddress({ networkID, addr }: NetAddress): AddressNetwork {
  const network = bip155NetworkName(networkID);
  if (network === undefined || BIP155[network].length !== addr.length) return 'not_publicly_routable';
  if (network === 'ipv4' || network === 'ipv6') return isRoutable(addr) ? network : 'not_publicly_routable';
  if (network === 'cjdns') return addr[0] === 0xfc ? 'cjdns' : 'not_publicly_routable';
  return network === 'torv3' ? 'onion' : network === 'i2p' ? 'i2p' : 'not_publicly_routable';
}

/** {@link networkOfNetAddress} of a text; a text that is no address (a DNS name) is `not_publicly_routable`. */
export function networkOfAddress(text: string): AddressNetwork {
  const parsed = parseAddress(text);
  return parsed.ok ? networkOfNetAddress(parsed.value) : 'not_publicly_routable';
}

function address(network: Bip155Network, addr: Uint8Array): NetAddress {
  return { networkID: BIP155[network].id, addr };
}

function success(network: Bip155Network, addr: Uint8Array): AddressParse {
  return { ok: true, value: address(network, addr) };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The network of 16 bytes by their prefix; OnionCat is not looked for. */
function classify(ip: Uint8Array): NetAddress {
  if (startsWith(ip, V4_MAPPED)) return address('ipv4', ip.subarray(V4_MAPPED.length));
  if (ip[0] === 0xfc) return address('cjdns', ip);
  return address(ip[0] === 0x02 || ip[0] === 0x03 ? 'yggdrasil' : 'ipv6', ip);
}

/** Decodes RFC 4648 base32 without padding, in lower case; undefined for anything else, also if unused bits are left. */
function fromBase32(text: string): Uint8Array | undefined {
  if (!/^[a-z2-7]+$/.test(text)) return undefined;
  try {
    return base32nopad.decode(text.toUpperCase());
  } catch {
    return undefined;
  }
}

function parseOnion(label: string): AddressParse {
  const bytes = fromBase32(label);
  if (bytes?.length === BIP155.torv2.length) return success('torv2', bytes);
  if (bytes?.length !== 35) return failure('syntax');
  const key = bytes.subarray(0, 32);
  if (bytes[34] !== TORV3_VERSION) return failure('version');
  const [first, second] = torv3Checksum(key);
  return bytes[32] === first && bytes[33] === second ? success('torv3', key) : failure('checksum');
}

function torv3Checksum(key: Uint8Array): Uint8Array {
  return sha3_256(joined(TORV3_SALT, key, Uint8Array.of(TORV3_VERSION))).subarray(0, 2);
}

function parseI2p(label: string): AddressParse {
  const bytes = fromBase32(label);
  return bytes?.length === BIP155.i2p.length ? success('i2p', bytes) : failure('syntax');
}

function formatIpv6(addr: Uint8Array): string {
  return (ipaddr.fromByteArray([...addr]) as ipaddr.IPv6).toRFC5952String();
}

function formatTorv3(key: Uint8Array): string {
  return `${base32.encode(joined(key, torv3Checksum(key), Uint8Array.of(TORV3_VERSION))).toLowerCase()}.onion`;
}

const FORMATS: Readonly<Record<Bip155Network, (addr: Uint8Array) => string>> = {
  ipv4: (addr) => addr.join('.'),
  ipv6: formatIpv6,
  torv2: (addr) => `${base32.encode(addr).toLowerCase()}.onion`,
  torv3: formatTorv3,
  i2p: (addr) => `${base32nopad.encode(addr).toLowerCase()}.b32.i2p`,
  cjdns: formatIpv6,
  yggdrasil: formatIpv6,
};
