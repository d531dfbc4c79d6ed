/**
 * The `struct` combinator: named fields in wire order, with optional tails.
 *
 * Messages grew over the years by fields at their end. Which of them are there is decided by the bytes that are left,
 * never by an announced protocol version (as Core's `version` handling does). Each {@link tail} is a group of fields
 * that come together or not at all; an absent field is a missing key.
 */
import { VerackError } from '../reasons.js';
import { constant, type Codec, type Cursor, type Sink, type ValueOf } from './codec.js';

// `never` would refuse every codec here: Codec is invariant, and the exact types live in the generics below.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Fields = Readonly<Record<string, Codec<any>>>;

/** Fields that are there when at least `atLeast` bytes are left. */
export interface Tail<F extends Fields = Fields> {
  readonly fields: F;
  readonly atLeast: number;
}

type Values<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };
type Intersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never;
type TailValues<T extends Tail> = Intersection<T extends Tail<infer F> ? Partial<Values<F>> : never>;
type Flat<T> = { [K in keyof T]: T[K] };

/** The value of a {@link struct}: its fields, and those of its tails as optional keys. */
export type StructValue<F extends Fields, T extends Tail> = Flat<Values<F> & TailValues<T>>;

/** A struct keeps its parts so that `labelled` can put a constant in front. */
export interface StructCodec<T> extends Codec<T> {
  readonly parts: readonly Part[];
}

/** Fields of a struct that come together. */
export interface Part {
  readonly keys: readonly string[];
  readonly codecs: readonly Codec<unknown>[];
  readonly atLeast: number;
}

type Bag = Record<string, unknown>;

/**
 * A group of fields at the end of a struct that may be absent. With fewer than `atLeast` bytes left the group and all
 * that follow are absent and the bytes are trailing; otherwise the group has to be complete (`ERR_CODEC_SHORT`).
 */
export function tail<F extends Fields>(fields: F, atLeast = 1): Tail<F> {
  return { fields, atLeast };
}

/** Named fields in wire order, then groups that may be absent. */
export function struct<F extends Fields, T extends readonly Tail[]>(
  fields: F,
  ...tails: T
): StructCodec<StructValue<F, T[number]>> {
  return ofParts([partOf(fields, 0), ...tails.map(({ fields, atLeast }) => partOf(fields, atLeast))]);
}

/** The same struct with a constant key in front that takes no bytes: what discriminates the members of a union. */
export function labelled<K extends string, V extends string, T>(
  key: K,
  value: V,
  codec: StructCodec<T>,
): StructCodec<Flat<Readonly<Record<K, V>> & T>> {
  const label = { keys: [key], codecs: [constant(value)], atLeast: 0 };
  return ofParts([label, ...codec.parts]);
}

function partOf(fields: Fields, atLeast: number): Part {
  return { keys: Object.keys(fields), codecs: Object.values(fields), atLeast };
}

function ofParts<T>(parts: readonly Part[]): StructCodec<T> {
  return {
    parts,
    read(cursor) {
      const value: Bag = {};
      for (const part of parts) {
        if (cursor.bytes.length - cursor.offset < part.atLeast || !readPart(cursor, part, value)) break;
      }
      return value as T;
    },
    write(sink, value) {
      writeParts(sink, parts, value as Bag);
    },
  };
}

/** False when a fault was marked; the field's name is then put in front of the fault's path. */
function readPart(cursor: Cursor, part: Part, value: Bag): boolean {
  const { keys, codecs } = part;
  for (let i = 0; i < keys.length; i++) {
    value[keys[i]!] = codecs[i]!.read(cursor);
    if (cursor.code !== '') {
      const { path } = cursor;
      cursor.path = keys[i]! + (path === '' || path.startsWith('[') ? '' : '.') + path;
      return false;
    }
  }
  return true;
}

/** Writes up to the first absent group; a group behind a gap has no place on the wire. */
function writeParts(sink: Sink, parts: readonly Part[], value: Bag): void {
  let gap = false;
  for (const part of parts) {
    const present = part.atLeast === 0 || part.keys.some((key) => value[key] !== undefined);
    if (!present) gap = true;
    else if (gap)
      throw new VerackError('ERR_LOCAL_ARGUMENT', { expected: `nothing or all before ${part.keys[0]!}` });
    else writePart(sink, part, value);
  }
}

function writePart(sink: Sink, { keys, codecs }: Part, value: Bag): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (value[key] === undefined) throw new VerackError('ERR_LOCAL_ARGUMENT', { expected: key });
    codecs[i]!.write(sink, value[key]);
  }
}
