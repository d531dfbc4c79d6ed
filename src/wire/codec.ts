/**
 * Codec combinators, with which the layout of messages is declared instead of programmed.
 *
 * A {@link Codec} reads a value from a {@link Cursor} and writes it to a {@link Sink}. All integers are little-endian
 * unless the name says `be`. Sources: Bitcoin Core's `serialize.h` and BIP144's notation.
 *
 * Reading: a fault is recorded in the cursor instead of being thrown, so that invalid input costs no stack trace and {@link decode}
 * never throws. A codec that has recorded a fault returns a placeholder, which is not used: every composite codec stops at a
 * fault, and `decode` returns only the fault.
 *
 * Memory: no allocation has the size of an announced count or length. Byte fields are views of the input, not copies: they are valid
 * as long as the input; copy them (`slice`) to keep them longer.
 *
 * Writing: a value that does not fit its field is a mistake of the caller and throws a
 * {@link VerackError} `ERR_LOCAL_ARGUMENT`. Protocol limits (1,000 addresses, 256 bytes of user agent) are checked only when
 * reading, because test tools have to send messages that exceed them.
 */
import { VerackError, type DropCode } from '../reasons.js';

/** The codes of the faults in payloads. */
export type CodecCode = Extract<DropCode, `ERR_CODEC_${string}`>;

/** A 64-bit value: 16 lower-case hex digits of the number, most significant first (on the wire it is little-endian). */
export type Hex64 = string;

/** Why a payload was not decoded. `path` is the field (`addresses[3].port`), `offset` its position in bytes from the input's start. */
export interface CodecFault {
  readonly code: CodecCode;
  readonly path: string;
  readonly offset: number;
}

/** The result of {@link decode}; `rest` is a view of the bytes after the value. */
export type Decoding<T> =
  | { readonly ok: true; readonly value: T; readonly rest: Uint8Array }
  | { readonly ok: false; readonly fault: CodecFault };

/**
 * The reading position, `offset`, and the first fault. `code` is empty until there is a fault; then `at` is its offset and `path` the field,
 * to which each enclosing codec adds its part.
 */
export interface Cursor {
  readonly bytes: Uint8Array;
  offset: number;
  code: CodecCode | '';
  at: number;
  path: string;
}

/** A growing output buffer; its first `offset` bytes are written. */
export interface Sink {
  bytes: Uint8Array;
  offset: number;
}

/** Reads and writes one field or message. */
export interface Codec<T> {
  /** Reads a value and moves the cursor; records a fault instead of throwing. */
  read(cursor: Cursor): T;
  /** Appends a value. */
  write(sink: Sink, value: T): void;
  /** The smallest and the largest value of a field, for tests at the limits. */
  readonly limits?: readonly [T, T];
}

/** The value type of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** Bitcoin Core's `MAX_SIZE`: no length or count on the wire may be larger. */
export const MAX_SIZE = 0x02000000;

// Overwritten by every call; what is larger gets bytes of its own.
const scratch = new Uint8Array(1_024);
const EMPTY = new Uint8Array(0);
/** The character codes of the hex digits. */
const DIGITS = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const firstDigit = (byte: number): number => DIGITS[byte >> 4]!;
const lastDigit = (byte: number): number => DIGITS[byte & 15]!;

/** Reads one value from the start of `bytes`. Never throws. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): Decoding<T> {
  const cursor: Cursor = { bytes, offset: 0, code: '', at: 0, path: '' };
  const value = codec.read(cursor);
  const { code, path, at } = cursor;
  if (code !== '') return { ok: false, fault: { code, path, offset: at } };
  return { ok: true, value, rest: bytes.subarray(cursor.offset) };
}

/**
 * Writes one value.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when the value does not fit its fields.
 */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const sink: Sink = { bytes: scratch, offset: 0 };
  codec.write(sink, value);
  return sink.offset === 0 ? EMPTY : sink.bytes.slice(0, sink.offset);
}

/** Records a fault, unless there is one: only the first is reported. */
function fail(cursor: Cursor, code: CodecCode, at: number): void {
  if (cursor.code !== '') return;
  cursor.code = code;
  cursor.at = at;
}

/** Moves over `size` bytes and returns their offset; returns -1 and records a fault if fewer remain. */
function take(cursor: Cursor, size: number): number {
  const at = cursor.offset;
  if (size > cursor.bytes.length - at) {
    fail(cursor, 'ERR_CODEC_SHORT', at);
    return -1;
  }
  cursor.offset = at + size;
  return at;
}

/** Reserves `size` bytes; returns their offset. */
function reserve(sink: Sink, size: number): number {
  const at = sink.offset;
  if (at + size > sink.bytes.length) {
    const grown = new Uint8Array(Math.max(sink.bytes.length * 2, at + size));
    grown.set(sink.bytes.subarray(0, at));
    sink.bytes = grown;
  }
  sink.offset = at + size;
  return at;
}

function misfit(expected: string, value: unknown): VerackError {
  return new VerackError('ERR_LOCAL_ARGUMENT', { expected, value: String(value).slice(0, 80) });
}

function readLittle(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Writes the `size` low bytes of `value`, least significant first. */
function putLittle(sink: Sink, value: number, size: number): void {
  const at = reserve(sink, size);
  for (let i = 0; i < size; i++) sink.bytes[at + i] = value >>> (8 * i);
}

function checkInteger(value: number, low: number, high: number, name: string): void {
  if (!Number.isInteger(value) || value < low || value > high) throw misfit(name, value);
}

/** Unsigned byte. */
export const u8: Codec<number> = {
  limits: [0, 0xff],
  read(cursor) {
    const at = take(cursor, 1);
    return at < 0 ? 0 : cursor.bytes[at]!;
  },
  write(sink, value) {
    checkInteger(value, 0, 0xff, 'u8');
    putLittle(sink, value, 1);
  },
};

/** Unsigned 16-bit integer. */
export const u16: Codec<number> = {
  limits: [0, 0xffff],
  read(cursor) {
    const at = take(cursor, 2);
    return at < 0 ? 0 : cursor.bytes[at]! | (cursor.bytes[at + 1]! << 8);
  },
  write(sink, value) {
    checkInteger(value, 0, 0xffff, 'u16');
    putLittle(sink, value, 2);
  },
};

/** Unsigned 16-bit integer, big-endian; used for ports, the only big-endian numbers. */
export const u16be: Codec<number> = {
  limits: [0, 0xffff],
  read(cursor) {
    const at = take(cursor, 2);
    return at < 0 ? 0 : (cursor.bytes[at]! << 8) | cursor.bytes[at + 1]!;
  },
  write(sink, value) {
    checkInteger(value, 0, 0xffff, 'u16be');
    putLittle(sink, (value >>> 8) | ((value & 0xff) << 8), 2);
  },
};

/** Unsigned 32-bit integer. */
export const u32: Codec<number> = {
  limits: [0, 0xffffffff],
  read(cursor) {
    const at = take(cursor, 4);
    return at < 0 ? 0 : readLittle(cursor.bytes, at) >>> 0;
  },
  write(sink, value) {
    checkInteger(value, 0, 0xffffffff, 'u32');
    putLittle(sink, value, 4);
  },
};

/** Signed 32-bit integer. */
export const i32: Codec<number> = {
  limits: [-0x80000000, 0x7fffffff],
  read(cursor) {
    const at = take(cursor, 4);
    return at < 0 ? 0 : readLittle(cursor.bytes, at);
  },
  write(sink, value) {
    checkInteger(value, -0x80000000, 0x7fffffff, 'i32');
    putLittle(sink, value, 4);
  },
};

/** In one piece: a sum of strings refers to its parts, and these values are kept for each peer. */
function hexAt(b: Uint8Array, at: number): Hex64 {
  return String.fromCharCode(
    firstDigit(b[at + 7]!),
    lastDigit(b[at + 7]!),
    firstDigit(b[at + 6]!),
    lastDigit(b[at + 6]!),
    firstDigit(b[at + 5]!),
    lastDigit(b[at + 5]!),
    firstDigit(b[at + 4]!),
    lastDigit(b[at + 4]!),
    firstDigit(b[at + 3]!),
    lastDigit(b[at + 3]!),
    firstDigit(b[at + 2]!),
    lastDigit(b[at + 2]!),
    firstDigit(b[at + 1]!),
    lastDigit(b[at + 1]!),
    firstDigit(b[at]!),
    lastDigit(b[at]!),
  );
}

/** The value of a hex digit by its character code; 255 for anything else. */
const NIBBLES = new Uint8Array(128).fill(0xff);
for (let i = 0; i < 16; i++) {
  NIBBLES[i.toString(16).charCodeAt(0)] = i;
  NIBBLES[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

function putHex(sink: Sink, value: Hex64): void {
  if (value.length !== 16) throw misfit('16 hex digits', value);
  const at = reserve(sink, 8);
  for (let i = 0; i < 8; i++) {
    const high = NIBBLES[value.charCodeAt(14 - 2 * i)] ?? 0xff;
    const low = NIBBLES[value.charCodeAt(15 - 2 * i)] ?? 0xff;
    if (high === 0xff || low === 0xff) throw misfit('16 hex digits', value);
    sink.bytes[at + i] = (high << 4) | low;
  }
}

/** Unsigned 64-bit integer as {@link Hex64}, because a number is not exact above 2^53 and a `bigint` cannot be written as JSON. */
export const u64: Codec<Hex64> = {
  limits: ['0000000000000000', 'ffffffffffffffff'],
  read(cursor) {
    const at = take(cursor, 8);
    return at < 0 ? '' : hexAt(cursor.bytes, at);
  },
  write: putHex,
};

/** Signed 64-bit integer as the {@link Hex64} of its two's complement; see {@link signedOf}. */
export const i64: Codec<Hex64> = { ...u64, limits: ['8000000000000000', '7fffffffffffffff'] };

/** The number in a {@link Hex64} field of type `i64`. */
export function signedOf(hex: Hex64): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hex}`));
}

/** The {@link Hex64} of a number; values outside 64 bits wrap around. A `number` is truncated to its integer part. */
export function hex64(value: bigint | number): Hex64 {
  if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value))
    return value.toString(16).padStart(16, '0');
  const exact = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
  return BigInt.asUintN(64, exact).toString(16).padStart(16, '0');
}

/** One byte; every value except zero is true, as in Core. */
export const bool: Codec<boolean> = {
  limits: [false, true],
  read: (cursor) => u8.read(cursor) !== 0,
  write: (sink, value) => {
    putLittle(sink, value ? 1 : 0, 1);
  },
};

/** A value that takes no bytes. */
export function constant<const T>(value: T): Codec<T> {
  return { read: () => value, write: () => undefined };
}

/** Exactly `size` bytes, as a view of the input. */
export function bytes(size: number): Codec<Uint8Array> {
  return {
    limits: [new Uint8Array(size), new Uint8Array(size).fill(0xff)],
    read(cursor) {
      const at = take(cursor, size);
      return at < 0 ? EMPTY : cursor.bytes.subarray(at, at + size);
    },
    write(sink, value) {
      if (value.length !== size) throw misfit(`${size} bytes`, `${value.length} bytes`);
      rest.write(sink, value);
    },
  };
}

/** All remaining bytes, as a view of the input. */
export const rest: Codec<Uint8Array> = {
  read(cursor) {
    const at = cursor.offset;
    cursor.offset = cursor.bytes.length;
    return cursor.bytes.subarray(at);
  },
  write(sink, value) {
    const at = reserve(sink, value.length); // must be called before the next line reads sink.bytes, which it may replace
    sink.bytes.set(value, at);
  },
};

/**
 * The number after a CompactSize prefix of 0xfd, 0xfe or 0xff. Records a fault if the encoding is not minimal. Above 2^53 the number is
 * not exact, which suffices for the comparison with a limit.
 */
function readWide(cursor: Cursor, prefix: number, start: number): number {
  const low = prefix === 0xfd ? u16.read(cursor) : u32.read(cursor);
  const value = prefix === 0xff ? u32.read(cursor) * 0x100000000 + low : low;
  const least = prefix === 0xfd ? 0xfd : prefix === 0xfe ? 0x10000 : 0x100000000;
  if (value < least) fail(cursor, 'ERR_CODEC_NONMINIMAL', start);
  return value;
}

/**
 * A length or a count (Core's `ReadCompactSize` with `range_check`): 1, 3, 5 or 9 bytes, little-endian. It must be encoded in the fewest
 * bytes (else `ERR_CODEC_NONMINIMAL`) and be at most {@link MAX_SIZE} (else `ERR_CODEC_RANGE`).
 */
export const compactSize: Codec<number> = {
  read(cursor) {
    const start = cursor.offset;
    const first = u8.read(cursor);
    if (first < 0xfd) return first;
    const value = readWide(cursor, first, start);
    if (value > MAX_SIZE) fail(cursor, 'ERR_CODEC_RANGE', start);
    return value;
  },
  write(sink, value) {
    checkInteger(value, 0, 0xffffffff, 'CompactSize');
    if (value < 0xfd) return putLittle(sink, value, 1);
    const wide = value > 0xffff;
    putLittle(sink, wide ? 0xfe : 0xfd, 1);
    putLittle(sink, value, wide ? 4 : 2);
  },
};

/** A 64-bit number in the encoding of {@link compactSize}, which must be minimal, without its upper limit (`services` in BIP155). */
export const compactHex: Codec<Hex64> = {
  limits: ['0000000000000000', 'ffffffffffffffff'],
  read(cursor) {
    const start = cursor.offset;
    const first = u8.read(cursor);
    const value = first < 0xfd ? first : readWide(cursor, first, start);
    if (cursor.code !== '') return '';
    return first === 0xff ? hexAt(cursor.bytes, start + 1) : value.toString(16).padStart(16, '0');
  },
  write(sink, value) {
    if (/^0{8}[0-9a-fA-F]{8}$/.test(value)) {
      return compactSize.write(sink, parseInt(value, 16));
    }
    putLittle(sink, 0xff, 1);
    putHex(sink, value);
  },
};

/** The codec of a byte field of variable size, with its smallest and largest size in bytes. */
export interface VarBytesCodec extends Codec<Uint8Array> {
  readonly sizes: readonly [number, number];
}

/** A CompactSize length of `min`..`max` (else `ERR_CODEC_RANGE`), then as many bytes, as a view of the input. */
export function varBytes(max: number, min = 0): VarBytesCodec {
  return {
    sizes: [min, max],
    read(cursor) {
      const start = cursor.offset;
      const size = compactSize.read(cursor);
      if (size > max || size < min) fail(cursor, 'ERR_CODEC_RANGE', start);
      if (cursor.code !== '') return EMPTY;
      const at = take(cursor, size);
      return at < 0 ? EMPTY : cursor.bytes.subarray(at, at + size);
    },
    write(sink, value) {
      compactSize.write(sink, value.length);
      rest.write(sink, value);
    },
  };
}

/** The codec of a list, with the codec of its items and its limit, so that tools can find the fields in the bytes. */
export interface ListCodec<T> extends Codec<readonly T[]> {
  readonly item: Codec<T>;
  /** The largest number of items. */
  readonly max: number;
}

/** The codec returned by `refine`, with the codec of the value without the rule. */
export interface RefinedCodec<T> extends Codec<T> {
  readonly inner: Codec<T>;
}

/** A CompactSize count of at most `max` (else `ERR_CODEC_RANGE`), then as many items. Memory is allocated item by item. */
export function list<T>(item: Codec<T>, max: number): ListCodec<T> {
  return {
    item,
    max,
    read(cursor) {
      const start = cursor.offset;
      const count = compactSize.read(cursor);
      if (count > max) fail(cursor, 'ERR_CODEC_RANGE', start);
      const items: T[] = [];
      while (cursor.code === '' && items.length < count) {
        const value = item.read(cursor);
        if (cursor.code === '') items.push(value);
        else cursor.path = join(`[${items.length}]`, cursor.path);
      }
      return items;
    },
    write(sink, items) {
      compactSize.write(sink, items.length);
      for (const value of items) item.write(sink, value);
    },
  };
}

function join(head: string, path: string): string {
  return path === '' || path.startsWith('[') ? head + path : `${head}.${path}`;
}

/** Adds a rule about a whole value: `ERR_CODEC_RANGE` at the value's start if `holds` returns false. */
export function refine<T>(codec: Codec<T>, holds: (value: T) => boolean): RefinedCodec<T> {
  return {
    inner: codec,
    read(cursor) {
      const start = cursor.offset;
      const value = codec.read(cursor);
      if (cursor.code === '' && !holds(value)) fail(cursor, 'ERR_CODEC_RANGE', start);
      return value;
    },
    write: (sink, value) => {
      codec.write(sink, value);
    },
  };
}
