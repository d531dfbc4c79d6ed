/**
 * The `struct` combinator: named fields in wire order, with optional tails.
 *
 * Over the years fields were added at the end of messages. Whether they are present is decided by the number of remaining bytes,
 * not by an announced protocol version, as in Core's handling of `version`. Each {@link tail} is a group of fields
 * that are all present or all absent; an absent field is a missing key.
 */
import { VerackError } from '../reasons.js';
import { constant, type Codec, type Cursor, type Sink, type ValueOf } from './codec.js';

// `never` would refuse every codec here: Codec is invariant, and the exact types live in the generics below.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Fields = Readonly<Record<string, Codec<any>>>;

/** Fields that are present if at least `atLeast` bytes remain. */
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

/** A codec with its parts, so that `labelled` can add a constant before them. */
export interface StructCodec<T> extends Codec<T> {
  readonly parts: readonly Part[];
}

/** A group of fields of a struct that are all present or all absent. */
export interface Part {
  readonly keys: readonly string[];
  readonly codecs: readonly Codec<unknown>[];
  readonly atLeast: number;
}

type FieldValues = Record<string, unknown>;

/**
 * A group of fields at the end of a struct that may be absent. If fewer than `atLeast` bytes remain, this group and all following
 * groups are absent and the bytes are trailing; otherwise the group has to be complete (`ERR_CODEC_SHORT`).
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

/** The same struct with a constant key that takes no bytes on the wire and discriminates the members of a union. */
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
      const value: FieldValues = {};
      for (const part of parts) {
        if (cursor.bytes.length - cursor.offset < part.atLeast || !readPart(cursor, part, value)) break;
      }
      return value as T;
    },
    write(sink, value) {
      writeParts(sink, parts, value as FieldValues);
    },
  };
}

/** False if a fault was marked; the field's name is then prepended to the fault's path. */
function readPart(cursor: Cursor, part: Part, value: FieldValues): boolean {
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

/** Writes the groups up to the first absent one. A present group after an absent one cannot be encoded and throws. */
function writeParts(sink: Sink, parts: readonly Part[], value: FieldValues): void {
  let gap = false;
  for (const part of parts) {
    const present = part.atLeast === 0 || part.keys.some((key) => value[key] !== undefined);
    if (!present) gap = true;
    else if (gap)
      throw new VerackError('ERR_LOCAL_ARGUMENT', { expected: `nothing or all before ${part.keys[0]!}` });
    else writePart(sink, part, value);
  }
}

function writePart(sink: Sink, { keys, codecs }: Part, value: FieldValues): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (value[key] === undefined) throw new VerackError('ERR_LOCAL_ARGUMENT', { expected: key });
    codecs[i]!.write(sink, value[key]);
  }
}
