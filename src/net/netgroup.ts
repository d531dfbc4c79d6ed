/**
 * Network groups: addresses of which one party can easily have many are in one group (Core: `netgroup.cpp`, `GetGroup`).
 *
 * The address book places addresses by group, automatic outbound connections use each group once, and eviction protects
 * peers by group. With an asmap (`asmap.ts`) the group of an IP address is its autonomous system.
 */
import {
  BIP155,
  hash256,
  hexOf,
  isRoutable,
  networkOfNetAddress,
  type AddressNetwork,
  type NetAddress,
} from '../wire/index.js';
import { lookupAsn } from './asmap.js';

/** The network of an address by Core's `GetNetClass`; `internal` is a hashed name (Core's internal address of a DNS seed). */
export type NetClass = AddressNetwork | 'internal';

/** The first byte of a group: Core's `enum Network`. */
const CLASS_IDS: Readonly<Record<NetClass, number>> = {
  not_publicly_routable: 0,
  ipv4: 1,
  ipv6: 2,
  onion: 3,
  i2p: 4,
  cjdns: 5,
  internal: 6,
};

const INTERNAL_PREFIX = [0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24];
const HE_NET_PREFIX = [0x20, 0x01, 0x04, 0x70];
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** IPv6 prefixes of addresses that contain an IPv4 address: its offset in bytes, and whether its bits are inverted. */
const TUNNELS = [
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: 12, inverted: false }, // RFC 6145, SIIT
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: 12, inverted: false }, // RFC 6052, NAT64
  { prefix: [0x20, 0x02], at: 2, inverted: false }, // RFC 3964, 6to4
  { prefix: [0x20, 0x01, 0, 0], at: 12, inverted: true }, // RFC 4380, Teredo
] as const;

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

const isIpv6 = ({ networkID, addr }: NetAddress): boolean =>
  networkID === BIP155.ipv6.id && addr.length === BIP155.ipv6.length;

/** Whether the address is one of Core's hashed names (`IsInternal`): `fd6b:88c0:8724::/48`. */
export function isInternal(address: NetAddress): boolean {
  return isIpv6(address) && startsWith(address.addr, INTERNAL_PREFIX);
}

/**
 * The IPv4 address (4 bytes) that a routable address is or contains: IPv4, 6to4, Teredo, NAT64, SIIT. Undefined for others.
 * Core: `GetLinkedIPv4`.
 */
export function linkedIpv4(address: NetAddress): Uint8Array | undefined {
  if (networkOfNetAddress(address) === 'ipv4') return address.addr;
  if (!isIpv6(address) || !isRoutable(address.addr)) return undefined;
  const tunnel = TUNNELS.find(({ prefix }) => startsWith(address.addr, prefix));
  if (tunnel === undefined) return undefined;
  const ipv4 = address.addr.slice(tunnel.at, tunnel.at + 4);
  return tunnel.inverted ? ipv4.map((byte) => ~byte) : ipv4;
}

/** The network of an address; an IPv6 address that contains an IPv4 address is `ipv4`. Core: `GetNetClass`. */
export function netClassOf(address: NetAddress): NetClass {
  if (isInternal(address)) return 'internal';
  const network = networkOfNetAddress(address);
  return network === 'ipv6' && linkedIpv4(address) !== undefined ? 'ipv4' : network;
}

/** The first `bits` bits of `bytes`; the rest of the last byte is filled with ones. */
function prefixOf(bytes: Uint8Array, bits: number): number[] {
  const prefix = [...bytes.subarray(0, Math.ceil(bits / 8))];
  if (bits % 8 > 0) prefix[prefix.length - 1]! |= 0xff >> (bits % 8);
  return prefix;
}

/** The part of the address that distinguishes its group from others of its network. */
function groupBytes(address: NetAddress, netClass: NetClass): readonly number[] {
  const { addr } = address;
  if (netClass === 'not_publicly_routable') return [];
  if (netClass === 'internal') return [...addr.subarray(INTERNAL_PREFIX.length)];
  if (netClass === 'ipv4') return [...linkedIpv4(address)!.subarray(0, 2)];
  if (netClass === 'ipv6') return prefixOf(addr, startsWith(addr, HE_NET_PREFIX) ? 36 : 32);
  // The addresses are public keys: the first four bits are the group; in CJDNS they follow the constant first byte.
  return prefixOf(addr, netClass === 'cjdns' ? 12 : 4);
}

/**
 * The group of an address without an asmap: Core's network number (1 byte), then the first 16 bits of an IPv4 address, 32 of an
 * IPv6 address (36 for he.net), 4 of a public key, the hashed name of an internal address, or nothing for an address that is
 * not routable.
 */
export function netgroupOf(address: NetAddress): Uint8Array {
  const netClass = netClassOf(address);
  return Uint8Array.from([CLASS_IDS[netClass], ...groupBytes(address, netClass)]);
}

/** The network groups, with or without an asmap. */
export interface Netgroups {
  /** The group as bytes, which the address book hashes. */
  groupOf(address: NetAddress): Uint8Array;
  /** The group as hex, to compare groups. */
  keyOf(address: NetAddress): string;
  /** The ASN of an IP address; 0 without an asmap, for an address that is not in it, and for other addresses. */
  asnOf(address: NetAddress): number;
  /** The hash of the asmap in `peers.dat`, 32 bytes; zeros without an asmap. Core: `AsmapVersion`. */
  readonly version: Uint8Array;
}

/** The 16 bytes to look up in the asmap, an IPv4 address in its mapped form; undefined when it is not an IP address. */
function lookupBytes(address: NetAddress, netClass: NetClass): Uint8Array | undefined {
  if (netClass === 'ipv4') return Uint8Array.from([...MAPPED_PREFIX, ...linkedIpv4(address)!]);
  return netClass === 'ipv6' ? address.addr : undefined;
}

/**
 * Creates the functions that determine network groups (Core: `NetGroupManager`).
 *
 * @param asmap - the bytes of an asmap file that {@link isAsmap} accepts; empty for none
 */
export function createNetgroups(asmap: Uint8Array = new Uint8Array(0)): Netgroups {
  const used = asmap.length > 0;
  const asnOf = (address: NetAddress): number => {
    const bytes = used ? lookupBytes(address, netClassOf(address)) : undefined;
    return bytes === undefined ? 0 : lookupAsn(asmap, bytes);
  };
  const groupOf = (address: NetAddress): Uint8Array => {
    const asn = asnOf(address);
    if (asn === 0) return netgroupOf(address);
    return Uint8Array.of(CLASS_IDS.ipv6, asn, asn >>> 8, asn >>> 16, asn >>> 24);
  };
  return {
    asnOf,
    groupOf,
    keyOf: (address) => hexOf(groupOf(address)),
    version: used ? hash256(asmap) : new Uint8Array(32),
  };
}
