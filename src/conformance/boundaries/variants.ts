/**
 * Derives the variants of one message from its row in the message table: each number at its limits, each byte field and each
 * list at its limit and one beyond, the payload cut at different lengths, and one byte too long.
 */
import {
  BIP155,
  type Command,
  compactSize,
  encode,
  hex64,
  hexOf,
  MAX_SIZE,
  MESSAGES,
  signedOf,
} from '../../wire/index.js';
import type { Sent } from '../case.js';
import { type AnyCodec, entryOf, type PayloadField, sampleOf } from './payload-fields.js';

/** One payload at a boundary. */
export interface Variant {
  /** The field and its value; unique for the command, and independent of other variants. */
  readonly name: string;
  readonly payload: Pick<Sent, 'payload' | 'payload_gen'>;
}

/** Every variant of a command. */
export function variantsOf(command: Command): Variant[] {
  const fields = sampleOf(command);
  const replaced = fields.flatMap((_, n) => replacementsOf(command, fields, n));
  return [...replaced, ...cutsOf(fields), ...(isOpaque(fields) ? [] : [trailing(fields)])];
}

/** The payload of the sample of a command. */
export const samplePayload = (command: Command): Variant['payload'] => ({
  payload: hexOf(bytesOf(sampleOf(command))),
});

const bytesOf = (fields: readonly PayloadField[]): Uint8Array =>
  Buffer.concat(fields.map(({ bytes }) => bytes));
const sizeOf = (fields: readonly PayloadField[]): number => bytesOf(fields).length;
/** Whether the table declares the payload as bytes without fields. */
const isOpaque = (fields: readonly PayloadField[]): boolean => fields.some(({ path }) => path === 'payload');

const compact = (count: number): Uint8Array => encode(compactSize, count);

const trailing = (fields: readonly PayloadField[]): Variant => ({
  name: 'trailing-1',
  payload: { payload: `${hexOf(bytesOf(fields))}00` },
});

/** A required part of up to this size is cut at every byte; a longer one is cut one byte before the end of each field. */
const SHORT = 16;

/** The cuts: of optional tails at every byte, and of the required part. */
function cutsOf(fields: readonly PayloadField[]): Variant[] {
  const whole = hexOf(bytesOf(fields));
  const required = sizeOf(fields.filter(({ isOptional }) => !isOptional));
  const sizes = [...requiredCuts(fields, required), ...range(required, whole.length / 2)];
  return sizes.map((size) => ({ name: `cut-${size}`, payload: { payload: whole.slice(0, 2 * size) } }));
}

function requiredCuts(fields: readonly PayloadField[], required: number): number[] {
  if (required <= SHORT) return range(0, required);
  const ends = fields.map((_, n) => sizeOf(fields.slice(0, n + 1)) - 1);
  return [...new Set([0, ...ends.filter((end) => end >= 0 && end < required)])];
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);

/** The payloads in which one field is at a boundary. */
function replacementsOf(command: Command, fields: readonly PayloadField[], n: number): Variant[] {
  const { path, codec } = fields[n]!;
  const [before, after] = [hexOf(bytesOf(fields.slice(0, n))), hexOf(bytesOf(fields.slice(n + 1)))];
  if (codec.item) return listVariants(command, path, codec, { before, after });
  return fieldVariants(`${command}.${path}`, path, codec).map(({ name, bytes }) => ({
    name,
    payload: { payload: before + hexOf(bytes) + after },
  }));
}

interface FieldVariant {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function fieldVariants(key: string, path: string, codec: AnyCodec): FieldVariant[] {
  const name = path === '' ? 'entry' : path.replaceAll('.', '-');
  if (codec.sizes) {
    return sizesOf(codec.sizes).map((size) => ({
      name: `${name}-length-${size}`,
      bytes: Buffer.concat([compact(size), new Uint8Array(size).fill(0x61)]),
    }));
  }
  return valuesOf(key, codec).map((value) => ({
    name: `${name}-${valueName(codec, value)}`,
    bytes: encode(codec, value),
  }));
}

/** The value from which a CompactSize has three bytes instead of one. */
const WIDE = 0xfd;

/** Both limits, one beyond each, and the values around which the CompactSize grows. */
const sizesOf = ([min, max]: readonly [number, number]): number[] =>
  [min - 1, min, WIDE - 1, WIDE, max, max + 1].filter(
    (size, n, all) => size >= 0 && size <= max + 1 && all.indexOf(size) === n,
  );

/** The versions at which the protocol changes, from the message table, and one below each. */
const SINCE = [...new Set(Object.values(MESSAGES).map(({ since }) => since))]
  .filter((since) => since > 0)
  .flatMap((since) => [since - 1, since]);

/** Values at which the behaviour of a receiver changes, besides the limits of the type. */
const MORE: Readonly<Record<string, readonly unknown[]>> = {
  'version.version': SINCE,
  // Core's MAX_MONEY.
  'feefilter.feerate': [hex64(2_100_000_000_000_000n), hex64(2_100_000_000_000_001n)],
  'sendcmpct.announce': [1, 2],
  'sendcmpct.version': [hex64(1), hex64(2), hex64(3)],
  'sendtxrcncl.version': [1, 2],
};

function valuesOf(key: string, { limits }: AnyCodec): unknown[] {
  if (!limits) return [];
  return [...new Set([...limits, ...aroundZero(limits), ...(MORE[key] ?? [])])];
}

/** Further values of a signed field. */
function aroundZero([low, high]: readonly [unknown, unknown]): unknown[] {
  if (typeof low === 'number' && low < 0) return [-1, 0];
  return typeof high === 'string' && high.startsWith('7') ? [hex64(-1), hex64(0)] : [];
}

function valueName({ limits: [low, high] = [undefined, undefined] }: AnyCodec, value: unknown): string {
  if (typeof value === 'boolean') return String(value);
  if (value === low || value === high) return value === low ? 'min' : 'max';
  const isSigned = typeof high === 'string' && high.startsWith('7');
  if (typeof value === 'string') return String(isSigned ? signedOf(value) : BigInt(`0x${value}`));
  return String(value);
}

interface Around {
  readonly before: string;
  readonly after: string;
}

/** A list at its limit and one beyond, with wrong counts, and with one entry whose fields are at their limits. */
function listVariants(command: Command, path: string, { item, max }: AnyCodec, around: Around): Variant[] {
  const entry = item as AnyCodec;
  const { before, after } = around;
  const unit = hexOf(bytesOf(entryOf(entry)));
  const counted = [0, 1, max!, max! + 1].map((count) => ({
    name: `${path}-count-${count}`,
    payload: { payload_gen: { prefix: before + hexOf(compact(count)), unit, count, suffix: after } },
  }));
  const raw = (name: string, hex: string): Variant => ({
    name: `${path}-${name}`,
    payload: { payload: before + hex + after },
  });
  return [
    ...counted,
    raw('count-not-minimal', `fd0100${unit}`),
    raw('count-without-entries', hexOf(compact(max!))),
    raw('count-beyond-max-size', hexOf(encode(compactSize, MAX_SIZE + 1))),
    ...entriesOf(command, path, entry).map(({ name, bytes }) => raw(name, `01${hexOf(bytes)}`)),
  ];
}

/** One entry with one field at a limit, and the entries for rules that involve several fields. */
function entriesOf(command: Command, path: string, item: AnyCodec): FieldVariant[] {
  const fields = entryOf(item);
  const one = fields.flatMap((field, n) =>
    fieldVariants(`${command}.${path}.${field.path}`, field.path, field.codec).map(({ name, bytes }) => ({
      name,
      bytes: Buffer.concat([bytesOf(fields.slice(0, n)), bytes, bytesOf(fields.slice(n + 1))]),
    })),
  );
  return [...one, ...(command === 'addrv2' ? networkEntries(item) : [])];
}

/** An address of each network (BIP155) with the correct length, one byte less, and one byte more. */
const networkEntries = (item: AnyCodec): FieldVariant[] =>
  Object.values(BIP155).flatMap(({ id, length }) =>
    [length - 1, length, length + 1].map((size) => ({
      name: `network-${id}-length-${size}`,
      bytes: bytesOf(entryOf(item, { networkID: id, addr: new Uint8Array(size) })),
    })),
  );
