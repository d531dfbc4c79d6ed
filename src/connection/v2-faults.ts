/**
 * Fault injection for the BIP324 key exchange, for testing other nodes and our own. Each fault changes what the v2
 * transport sends before the first message; `expect` is how a conforming peer reacts.
 */
import { type ReasonCode, VerackError } from '../reasons.js';
import { MAX_GARBAGE, type PacketEncoder } from '../wire/index.js';

/** A key of {@link V2_FAULTS}. */
export type V2FaultName =
  | 'v2-early-key'
  | 'v2-short-key'
  | 'v2-long-garbage'
  | 'v2-wrong-terminator'
  | 'v2-wrong-garbage'
  | 'v2-bad-tag'
  | 'v2-version-contents'
  | 'v2-endless-decoys';

/** What a fault changes, and how a conforming peer reacts. */
export interface V2FaultRow {
  /** One line of help text. */
  readonly about: string;
  /** The reason with which the peer's connection ends, or `established` when the peer must accept the fault. */
  readonly expect: ReasonCode | 'established';
}

/** The faults of a BIP324 key exchange. */
export const V2_FAULTS: Readonly<Record<V2FaultName, V2FaultRow>> = {
  'v2-early-key': {
    about: 'as a listener, our key is sent before any byte is received',
    expect: 'established',
  },
  'v2-short-key': {
    about: 'our key stops after 63 bytes, and nothing follows',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  'v2-long-garbage': { about: '4,096 bytes of garbage, one more than allowed', expect: 'ERR_V2_GARBAGE' },
  'v2-wrong-terminator': {
    about: 'our garbage ends with the wrong terminator',
    expect: 'ERR_TIME_HANDSHAKE',
  },
  'v2-wrong-garbage': { about: 'our first packet authenticates other garbage', expect: 'ERR_V2_AUTH' },
  'v2-bad-tag': { about: 'the tag of our version packet is wrong', expect: 'ERR_V2_AUTH' },
  'v2-version-contents': { about: 'our version packet is not empty', expect: 'established' },
  'v2-endless-decoys': {
    about: 'decoys instead of a version packet, 20 a second',
    expect: 'ERR_TIME_HANDSHAKE',
  },
};

/** The names of all faults of the key exchange. */
export const V2_FAULT_NAMES = Object.keys(V2_FAULTS) as V2FaultName[];

/** Whether the name is a key of {@link V2_FAULTS}. */
export const isV2Fault = (text: string): text is V2FaultName => Object.hasOwn(V2_FAULTS, text);

/** Milliseconds between two decoys of `v2-endless-decoys`. */
export const DECOY_PAUSE = 50;

/** A copy in which the lowest bit of the last byte is flipped. */
function corrupted(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

/** The bytes to send as key and garbage. */
export function keyWithFault(
  fault: V2FaultName | undefined,
  key: Uint8Array,
  garbage: Uint8Array,
): Uint8Array[] {
  if (fault === 'v2-short-key') return [key.subarray(0, 63)];
  return [key, garbage];
}

/** The number of garbage bytes to send. */
export const garbageSize = (fault: V2FaultName | undefined, size: number): number =>
  fault === 'v2-long-garbage' ? MAX_GARBAGE + 1 : size;

/** The garbage that the first packet authenticates: what was sent, or with the fault other bytes. */
export function authenticated(fault: V2FaultName | undefined, garbage: Uint8Array): Uint8Array {
  if (fault !== 'v2-wrong-garbage') return garbage;
  return garbage.length === 0 ? Uint8Array.of(0) : corrupted(garbage);
}

/** The bytes to send as garbage terminator, decoys and version packet. */
export function terminatorWithFault(
  fault: V2FaultName | undefined,
  sender: PacketEncoder,
  decoys: readonly number[],
): Uint8Array[] {
  const terminator = fault === 'v2-wrong-terminator' ? corrupted(sender.terminator) : sender.terminator;
  const before = decoys.map((size) => sender.decoy(size));
  if (fault === 'v2-endless-decoys') return [terminator, ...before];
  const contents = fault === 'v2-version-contents' ? Uint8Array.of(1, 2, 3) : new Uint8Array();
  const version = sender.version(contents);
  return [terminator, ...before, fault === 'v2-bad-tag' ? corrupted(version) : version];
}

/** The fault of that name. @throws VerackError `ERR_LOCAL_ARGUMENT` with the list of names for any other text */
export function parseV2Fault(text: string): V2FaultName {
  if (isV2Fault(text)) return text;
  const why = `no such fault: the faults of v2 are ${V2_FAULT_NAMES.join(', ')}, and take no value`;
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value: text.slice(0, 80), why });
}
