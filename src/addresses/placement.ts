/**
 * Computes the slot of an address in the tables of the book, with the hashes of Core's `AddrInfo::GetTriedBucket`,
 * `GetNewBucket` and `GetBucketPosition`. The key is secret, so that nobody else can choose an address for a given bucket.
 */
import type { Netgroups } from '../net/netgroup.js';
import { BIP155, hash256, type NetAddress } from '../wire/index.js';
import type { NetService } from './entry.js';

/** Buckets of the table of new addresses (Core: `ADDRMAN_NEW_BUCKET_COUNT`). */
export const NEW_BUCKETS = 1_024;
/** Buckets of the table of tried addresses (Core: `ADDRMAN_TRIED_BUCKET_COUNT`). */
export const TRIED_BUCKETS = 256;
/** Slots of a bucket (Core: `ADDRMAN_BUCKET_SIZE`). */
export const BUCKET_SIZE = 64;
/** Number of buckets for the new addresses of one source group (`ADDRMAN_NEW_BUCKETS_PER_SOURCE_GROUP`). */
export const NEW_BUCKETS_PER_SOURCE_GROUP = 64;
/** Number of buckets for the tried addresses of one group (`ADDRMAN_TRIED_BUCKETS_PER_GROUP`). */
export const TRIED_BUCKETS_PER_GROUP = 8;

/** Size of the book's key, bytes. */
export const KEY_SIZE = 32;

/** The key of `bitcoind -test=addrman`: the number 1. Only for tests, because anybody can fill a book with a known key. */
export const DETERMINISTIC_KEY: Uint8Array = Uint8Array.of(1, ...new Uint8Array(KEY_SIZE - 1));

/** Slot numbers: bucket × {@link BUCKET_SIZE} + position in the bucket. */
export interface Placement {
  /** The slot in the new table for an address that `source` announced. */
  newSlot(service: NetService, source: NetAddress): number;
  /** The slot in a given bucket of the new table. */
  newSlotIn(bucket: number, service: NetService): number;
  triedSlot(service: NetService): number;
}

const IPV4_MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const ASCII_N = 0x4e;
const ASCII_K = 0x4b;

/** A byte vector as Core serialises it; keys and groups are shorter than 253 bytes. */
const vector = (bytes: Uint8Array): number[] => [bytes.length, ...bytes];
const u32 = (value: number): number[] => [value, value >>> 8, value >>> 16, value >>> 24];
/** A number below 2^32 as 64 bits, little-endian. */
const u64 = (value: number): number[] => [...u32(value), 0, 0, 0, 0];

/** Core's `GetCheapHash` modulo a power of two. The modulus is at most 2^16, so the first two bytes of the hash suffice. */
function cheapHash(key: Uint8Array, parts: readonly number[], modulus: number): number {
  const input = new Uint8Array(key.length + parts.length);
  input.set(key);
  input.set(parts, key.length);
  const [low, high] = hash256(input);
  return (low! | (high! << 8)) & (modulus - 1);
}

/** Core's `CService::GetKey` as a vector: the address (IPv4 in its mapped form, 16 bytes), then the port, big-endian. */
function serviceKey(service: NetService): number[] {
  const { networkID, addr, port } = service;
  const prefix = networkID === BIP155.ipv4.id ? IPV4_MAPPED : [];
  return [prefix.length + addr.length + 2, ...prefix, ...addr, port >>> 8, port & 0xff];
}

/** Creates the functions for a key. @param key - 32 secret bytes */
export function createPlacement(key: Uint8Array, netgroups: Netgroups): Placement {
  const position = (table: number, bucket: number, service: NetService): number =>
    cheapHash(key, [table, ...u32(bucket), ...serviceKey(service)], BUCKET_SIZE);
  const newSlotIn = (bucket: number, service: NetService): number =>
    bucket * BUCKET_SIZE + position(ASCII_N, bucket, service);
  return {
    newSlotIn,
    newSlot(service, source) {
      const sourceGroup = vector(netgroups.groupOf(source));
      const group = vector(netgroups.groupOf(service));
      const choice = cheapHash(key, [...group, ...sourceGroup], NEW_BUCKETS_PER_SOURCE_GROUP);
      return newSlotIn(cheapHash(key, [...sourceGroup, ...u64(choice)], NEW_BUCKETS), service);
    },
    triedSlot(service) {
      const choice = cheapHash(key, serviceKey(service), TRIED_BUCKETS_PER_GROUP);
      const group = vector(netgroups.groupOf(service));
      const bucket = cheapHash(key, [...group, ...u64(choice)], TRIED_BUCKETS);
      return bucket * BUCKET_SIZE + position(ASCII_K, bucket, service);
    },
  };
}
