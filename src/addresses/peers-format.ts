/**
 * Encodes and decodes `peers.dat` and `anchors.dat` in Bitcoin Core's format (`addrdb.cpp`, `AddrManImpl::Serialize`): the magic
 * of the chain, the data, the double SHA-256 of both. Integers are little-endian except ports.
 *
 * `peers.dat` is written in format 4. Formats 3 and 4 (Bitcoin Core 0.21 and later) can be read, and later formats that declare
 * that programs for format 4 can read them.
 */
import { hash256, type NetAddress } from '../wire/index.js';
import {
  bytes,
  compactHex,
  decode,
  encode,
  hex64,
  i32,
  i64,
  list,
  signedOf,
  u16be,
  u32,
  u8,
  varBytes,
  type Codec,
  type Cursor,
  type Sink,
} from '../wire/codec.js';
import { struct } from '../wire/struct.js';
import type { AddressRecord, SavedEntry } from './entry.js';
import { BUCKET_SIZE, KEY_SIZE, NEW_BUCKETS, TRIED_BUCKETS } from './placement.js';
import type { SavedBook } from './saved-book.js';

/** The result of decoding a file; `why` completes the sentence "the file …". */
export type FileDecoding<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const MAGIC_SIZE = 4;
/** The format and the compatible format, one byte each. */
const FORMATS_SIZE = 2;
const CHECKSUM_SIZE = 32;
const FORMAT = 4;
const OLDEST_FORMAT = 3;
/** Added to the oldest format that can read the file (`INCOMPATIBILITY_BASE`). */
const COMPATIBILITY_BASE = 32;
/** A bit in the number of buckets, which makes the oldest programs refuse the file. */
const BUCKETS_MARK = 2 ** 30;
/** The version number of an address on disk: a flag for BIP155's encoding, and a number that Core ignores (`DISK_VERSION_*`). */
const DISK_ADDRV2 = 2 ** 29;
const DISK_VERSION = 220_000;
const DISK_IGNORED = 0x7ffff;
/** The longest address of any network id, bytes (BIP155). */
const MAX_ADDRESS = 512;
/** Number of anchors that are read and written, as in Core. */
export const MAX_ANCHORS = 2;
/** A file with more anchors is refused: Core writes no such file. */
const MAX_LISTED_ANCHORS = 1_000;

const netAddress: Codec<NetAddress> = struct({ networkID: u8, addr: varBytes(MAX_ADDRESS) });

const record: Codec<AddressRecord & { readonly version: number }> = struct({
  version: u32,
  time: u32,
  services: compactHex,
  networkID: u8,
  addr: varBytes(MAX_ADDRESS),
  port: u16be,
});

const version = DISK_ADDRV2 + DISK_VERSION;
const isAddrv2 = (stored: number): boolean => (stored & ~DISK_IGNORED) === DISK_ADDRV2;

/** Marks a fault in the value that was just read. */
function refuse(cursor: Cursor): void {
  if (cursor.code !== '') return;
  cursor.code = 'ERR_CODEC_RANGE';
  cursor.at = cursor.offset;
}

const MAX_TIME = 0xffffffff;
const MAX_ATTEMPTS = 2 ** 31 - 1;
const clamped = (value: number, max: number): number => Math.min(Math.max(Math.trunc(value), 0), max);

const diskAddress: Codec<AddressRecord> = {
  read(cursor) {
    const { version: stored, ...address } = record.read(cursor);
    if (cursor.code === '' && !isAddrv2(stored)) refuse(cursor);
    return address;
  },
  write(sink, { networkID, addr, port, time, services }) {
    record.write(sink, { version, time: clamped(time, MAX_TIME), services, networkID, addr, port });
  },
};

const success = struct({ lastSuccess: i64, attempts: i32 });

const savedEntry: Codec<SavedEntry> = {
  read(cursor) {
    const address = diskAddress.read(cursor);
    const source = netAddress.read(cursor);
    const { lastSuccess, attempts } = success.read(cursor);
    if (cursor.code !== '') return { ...address, source, lastSuccess: 0, attempts: 0 };
    return {
      ...address,
      source,
      lastSuccess: clamped(Number(signedOf(lastSuccess)), Number.MAX_SAFE_INTEGER),
      attempts: Math.max(0, attempts),
    };
  },
  write(sink, entry) {
    diskAddress.write(sink, entry);
    netAddress.write(sink, entry.source);
    success.write(sink, {
      lastSuccess: hex64(entry.lastSuccess),
      attempts: clamped(entry.attempts, MAX_ATTEMPTS),
    });
  },
};

/** `count` items without a count in front. */
function readItems<T>(cursor: Cursor, item: Codec<T>, count: number): T[] {
  const items: T[] = [];
  while (cursor.code === '' && items.length < count) items.push(item.read(cursor));
  return items;
}

/** Reads a count of at most `max` and removes the bit `mark`. A negative number is refused too. */
function readCount(cursor: Cursor, max: number, mark = 0): number {
  const count = i32.read(cursor) ^ mark;
  if (count < 0 || count > max) refuse(cursor);
  return count;
}

function readBuckets(cursor: Cursor, count: number): number[][] {
  const buckets: number[][] = [];
  while (cursor.code === '' && buckets.length < count) {
    buckets.push(readItems(cursor, i32, readCount(cursor, BUCKET_SIZE)));
  }
  return buckets;
}

const checksum = bytes(CHECKSUM_SIZE);
const key = bytes(KEY_SIZE);

/** The data between the format and the checksum. */
const book: Codec<SavedBook> = {
  read(cursor) {
    const savedKey = key.read(cursor);
    const newCount = readCount(cursor, NEW_BUCKETS * BUCKET_SIZE);
    const triedCount = readCount(cursor, TRIED_BUCKETS * BUCKET_SIZE);
    const bucketCount = readCount(cursor, NEW_BUCKETS, BUCKETS_MARK);
    return {
      key: savedKey,
      newEntries: readItems(cursor, savedEntry, newCount),
      triedEntries: readItems(cursor, savedEntry, triedCount),
      newBuckets: readBuckets(cursor, bucketCount),
      asmapVersion: checksum.read(cursor),
    };
  },
  write(sink, saved) {
    key.write(sink, saved.key);
    i32.write(sink, saved.newEntries.length);
    i32.write(sink, saved.triedEntries.length);
    i32.write(sink, saved.newBuckets.length ^ BUCKETS_MARK);
    for (const entry of saved.newEntries) savedEntry.write(sink, entry);
    for (const entry of saved.triedEntries) savedEntry.write(sink, entry);
    for (const indexes of saved.newBuckets) writeBucket(sink, indexes);
    checksum.write(sink, saved.asmapVersion);
  },
};

function writeBucket(sink: Sink, indexes: readonly number[]): void {
  i32.write(sink, indexes.length);
  for (const index of indexes) i32.write(sink, index);
}

const anchors = list(diskAddress, MAX_LISTED_ANCHORS);
const formats = struct({ format: u8, compatible: u8 });

const BAD = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

/** Checks and removes the magic and the checksum. */
function unwrapped(file: Uint8Array, magic: Uint8Array): FileDecoding<Uint8Array> {
  const end = file.length - CHECKSUM_SIZE;
  if (end < MAGIC_SIZE) return BAD('is too short');
  if (!isEqual(file.subarray(0, MAGIC_SIZE), magic)) return BAD('begins with the magic of another chain');
  if (!isEqual(hash256(file.subarray(0, end)), file.subarray(end))) return BAD('has a wrong checksum');
  return { ok: true, value: file.subarray(MAGIC_SIZE, end) };
}

function wrapped(magic: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const data = Buffer.concat([magic, ...parts]);
  return new Uint8Array(Buffer.concat([data, hash256(data)]));
}

/** @param start - the offset of `body` in the file */
function decodeBody<T>(codec: Codec<T>, body: Uint8Array, start: number): FileDecoding<T> {
  const decoded = decode(codec, body);
  if (decoded.ok) return decoded;
  const { code, path, offset } = decoded.fault;
  return BAD(`cannot be read at byte ${start + offset} (${code}${path === '' ? '' : `, ${path}`})`);
}

/** Why the format cannot be read; undefined when it can. */
function formatFault({ format, compatible }: { format: number; compatible: number }): string | undefined {
  if (compatible < COMPATIBILITY_BASE) return 'does not declare which programs can read it';
  if (format < OLDEST_FORMAT) return `has format ${format}, of a Bitcoin Core before 0.21`;
  const needed = compatible - COMPATIBILITY_BASE;
  return needed > FORMAT ? `has format ${format}, for programs that know format ${needed}` : undefined;
}

/** Decodes `peers.dat`. `magic`: that of the chain, 4 bytes. Byte fields of the result are views of `file`. Never throws. */
export function decodePeers(file: Uint8Array, magic: Uint8Array): FileDecoding<SavedBook> {
  const body = unwrapped(file, magic);
  if (!body.ok) return body;
  const head = decode(formats, body.value);
  if (!head.ok) return BAD('is too short');
  const why = formatFault(head.value);
  if (why !== undefined) return BAD(why);
  const decoded = decodeBody(book, head.rest, MAGIC_SIZE + FORMATS_SIZE);
  return decoded.ok && decoded.value.key.every((byte) => byte === 0) ? BAD('has no key') : decoded;
}

/** Encodes `peers.dat`: about 9 MB for a full book. */
export function encodePeers(saved: SavedBook, magic: Uint8Array): Uint8Array {
  const head = encode(formats, { format: FORMAT, compatible: COMPATIBILITY_BASE + FORMAT });
  return wrapped(magic, head, encode(book, saved));
}

/** Decodes `anchors.dat`: the first {@link MAX_ANCHORS} addresses, as in Core. Never throws. */
export function decodeAnchors(file: Uint8Array, magic: Uint8Array): FileDecoding<readonly AddressRecord[]> {
  const body = unwrapped(file, magic);
  const decoded = body.ok ? decodeBody(anchors, body.value, MAGIC_SIZE) : body;
  return decoded.ok ? { ok: true, value: decoded.value.slice(0, MAX_ANCHORS) } : decoded;
}

/** Encodes `anchors.dat` with the first {@link MAX_ANCHORS} of the addresses. */
export function encodeAnchors(addresses: readonly AddressRecord[], magic: Uint8Array): Uint8Array {
  return wrapped(magic, encode(anchors, addresses.slice(0, MAX_ANCHORS)));
}
