/**
 * Mutants of our own wire layer and rules: each breaks one field, limit or rule of the message table, or of what we send. They
 * change the modules that they are given, so each needs modules of its own.
 */
import type { NodeOptions } from '../../src/index.js';
import type * as Wire from '../../src/wire/index.js';

type AnyCodec = { -readonly [K in keyof Wire.Codec<unknown>]: Wire.Codec<unknown>[K] };

/** What a mutant may change: the message table and its codecs, and the options of the node. */
export interface WireMutant {
  readonly wire?: (wire: typeof Wire) => void;
  readonly options?: NodeOptions;
  /** A fault in what the node sends, by its name in `--fault`. */
  readonly fault?: string;
}

/** Puts another codec in the place of a field of a message. */
function replaceField(
  { MESSAGES }: typeof Wire,
  command: Wire.Command,
  field: string,
  change: (codec: AnyCodec) => AnyCodec,
): void {
  for (const { keys, codecs } of MESSAGES[command].fields.parts) {
    const at = keys.indexOf(field);
    if (at >= 0) (codecs as AnyCodec[])[at] = change(codecs[at]!);
  }
}

function setLimit({ MESSAGES }: typeof Wire, command: Wire.Command, entries: number): void {
  const row = MESSAGES[command] as { max?: Wire.EntryLimit };
  row.max = { ...row.max!, entries };
}

/** Refuses values that the table takes. */
const refuse =
  (isWrong: (value: unknown) => boolean) =>
  (codec: AnyCodec): AnyCodec => ({
    ...codec,
    read: (cursor) => {
      const value = codec.read(cursor);
      if (isWrong(value)) cursor.code = 'ERR_CODEC_RANGE';
      return value;
    },
  });

const lengthOf = (value: unknown): number => (value as Uint8Array).length;

export const WIRE_MUTANTS: Readonly<Record<string, WireMutant>> = {
  'takes a user agent of 255 bytes at most': {
    wire: (wire) =>
      replaceField(
        wire,
        'version',
        'user_agent',
        refuse((value) => lengthOf(value) > 255),
      ),
  },
  'takes a user agent of any length': {
    wire: (wire) =>
      replaceField(wire, 'version', 'user_agent', (codec) => ({
        ...codec,
        read: (cursor) => {
          const size = wire.compactSize.read(cursor);
          cursor.offset += size;
          return cursor.bytes.subarray(cursor.offset - size, cursor.offset);
        },
      })),
  },
  'refuses a negative timestamp': {
    wire: (wire) =>
      replaceField(
        wire,
        'version',
        'timestamp',
        refuse((value) => String(value) >= '8'),
      ),
  },
  'requires a whole version': {
    wire: ({ MESSAGES }) => {
      for (const part of MESSAGES.version.fields.parts) (part as { atLeast: number }).atLeast = 0;
    },
  },
  'closes on bytes behind a version': {
    wire: ({ MESSAGES }) => Object.assign(MESSAGES.version, { strict: true }),
  },
  'takes 999 addresses at most': { wire: (wire) => setLimit(wire, 'addr', 999) },
  'takes 1,001 addrv2 entries': { wire: (wire) => setLimit(wire, 'addrv2', 1_001) },
  'takes a locator of 100 hashes at most': { wire: (wire) => setLimit(wire, 'getheaders', 100) },
  'takes any number of inventory entries': { wire: (wire) => setLimit(wire, 'getdata', 1_000_000) },
  'announces version 70015': { options: { rules: { version: 70015 } } },
  'accepts versions from 209 on': { options: { rules: { minVersion: 209 } } },
  'refuses versions below 70001': { options: { rules: { minVersion: 70001 } } },
  'ends a handshake after 30 seconds': { options: { rules: { handshakeTimeout: 30_000 } } },
  'sends one ping only': { options: { rules: { pingInterval: 2_000_000_000 } } },
  'sends verack before version': { fault: 'verack-first' },
  'sends version twice': { fault: 'double-version' },
};
