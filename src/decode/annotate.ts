/**
 * Explains bytes: every field of every message with its offset, its bytes and its meaning, and what Bitcoin Core would do
 * with a message that is wrong. The fields come from the message table; nothing here depends on a certain message.
 */
import { knownMagic, NETWORKS, type ReasonCode } from '../index.js';
import {
  CHECKSUM_AT,
  COMMAND_AT,
  countOf,
  createV1Framer,
  decodeMessage,
  hash256,
  HEADER_SIZE,
  hexOf,
  isKnownCommand,
  isStrict,
  LENGTH_AT,
  MAX_PAYLOAD,
  sanitize,
} from '../wire/index.js';
import { type AnnotatedField, fieldsOf } from './fields.js';
import { OTHER_MAGICS } from './other-networks.js';

export type { AnnotatedField } from './fields.js';

/** What is wrong with a message, or noteworthy, and what Core does about it. */
export interface MessageVerdict {
  readonly code: ReasonCode | 'INCOMPLETE' | 'TRAILING' | 'UNKNOWN_COMMAND';
  /** One sentence, without a full stop. */
  readonly says: string;
}

/** One frame, or one payload. */
export interface Annotation {
  /** Where it begins in the input, and how many bytes of the input it takes. */
  readonly offset: number;
  readonly size: number;
  /** Printable, at most 12 characters. */
  readonly command: string;
  /** The chain of the magic; absent for a payload and for an unknown magic. */
  readonly network?: string;
  /** Whether a receiver would take the message. */
  readonly ok: boolean;
  readonly fields: readonly AnnotatedField[];
  readonly verdicts: readonly MessageVerdict[];
}

const CHECKSUM_SIZE = 4;

const NOTES: readonly MessageVerdict['code'][] = ['TRAILING', 'UNKNOWN_COMMAND'];

const isHarmless = ({ code }: MessageVerdict): boolean => NOTES.includes(code);

/** Whether the bytes begin like a frame: a known magic, or any magic and a checksum that is right. */
export function looksFramed(bytes: Uint8Array): boolean {
  if (networkOf(bytes) !== undefined) return true;
  if (bytes.length < HEADER_SIZE) return false;
  const size = lengthOf(bytes);
  return size <= bytes.length - HEADER_SIZE && isSummed(bytes.subarray(0, HEADER_SIZE + size));
}

/** The chain whose frames begin like that: of Bitcoin, or of another chain with the same format. */
const networkOf = (bytes: Uint8Array): string | undefined =>
  knownMagic(bytes) ?? OTHER_MAGICS[hexOf(bytes.subarray(0, COMMAND_AT))];

/** The frames in `bytes`, one after the other, each in whatever network it belongs to. Never throws. */
export const annotateFrames = (bytes: Uint8Array): Annotation[] => [...eachFrame(bytes)];

/** The same, one at a time: for inputs whose annotations would not fit into the memory. */
export function* eachFrame(bytes: Uint8Array): Generator<Annotation, void> {
  let at = 0;
  while (at < bytes.length) {
    const annotation = frameAt(bytes, at);
    yield annotation;
    at += annotation.size;
  }
}

/** One payload of a command, without a frame around it. Never throws. */
export function annotatePayload(command: string, payload: Uint8Array, offset = 0): Annotation {
  const verdicts = verdictsOf(command, payload);
  return {
    offset,
    size: payload.length,
    command: sanitize(command, 12),
    ok: verdicts.every(isHarmless),
    fields: fieldsOf(command, payload, offset),
    verdicts,
  };
}

const lengthOf = (frame: Uint8Array): number =>
  new DataView(frame.buffer, frame.byteOffset).getUint32(LENGTH_AT, true);

const summed = (payload: Uint8Array): string => hexOf(hash256(payload).subarray(0, CHECKSUM_SIZE));

const isSummed = (frame: Uint8Array): boolean =>
  summed(frame.subarray(HEADER_SIZE)) === hexOf(frame.subarray(CHECKSUM_AT, HEADER_SIZE));

/** The frame at an offset; what cannot be followed takes all that is left. */
function frameAt(bytes: Uint8Array, offset: number): Annotation {
  const left = bytes.subarray(offset);
  if (left.length < HEADER_SIZE) return headless(left, offset);
  const length = lengthOf(left);
  const isHuge = length > MAX_PAYLOAD;
  const frame = left.subarray(0, isHuge ? left.length : HEADER_SIZE + length);
  const network = networkOf(left);
  const payload = frame.subarray(HEADER_SIZE);
  const command = commandIn(frame);
  const missing = length - payload.length;
  const bad = badFrame(frame, missing);
  const inner = annotatePayload(command, payload, offset + HEADER_SIZE);
  const verdicts = bad ? [bad] : inner.verdicts;
  return {
    offset,
    size: frame.length,
    command,
    ...(network !== undefined && { network }),
    ok: verdicts.every(isHarmless),
    fields: [...header(frame, offset, missing), ...inner.fields],
    verdicts,
  };
}

function headless(left: Uint8Array, offset: number): Annotation {
  const missing = HEADER_SIZE - left.length;
  const says = `a header has ${HEADER_SIZE} bytes; Core waits for the other ${missing}`;
  return {
    offset,
    size: left.length,
    command: '',
    ok: false,
    fields: [{ offset, hex: hexOf(left), name: 'header', value: `${left.length} of ${HEADER_SIZE} bytes` }],
    verdicts: [{ code: 'INCOMPLETE', says }],
  };
}

/** The command of any 12 bytes, for display. */
function commandIn(frame: Uint8Array): string {
  const field = frame.subarray(COMMAND_AT, LENGTH_AT);
  return sanitize(field.subarray(0, field.findLastIndex((byte) => byte !== 0) + 1));
}

function header(frame: Uint8Array, offset: number, missing: number): AnnotatedField[] {
  const field = (name: string, from: number, to: number, value: string): AnnotatedField => ({
    offset: offset + from,
    hex: hexOf(frame.subarray(from, to)),
    name,
    value,
  });
  const bitcoin = knownMagic(frame);
  const network = bitcoin === undefined ? networkOf(frame) : NETWORKS[bitcoin].chain;
  return [
    field('magic', 0, COMMAND_AT, network ?? 'unknown'),
    field('command', COMMAND_AT, LENGTH_AT, commandIn(frame)),
    field('length', LENGTH_AT, CHECKSUM_AT, String(lengthOf(frame))),
    field('checksum', CHECKSUM_AT, HEADER_SIZE, missing > 0 ? 'cannot be checked yet' : checksumWord(frame)),
  ];
}

const checksumWord = (frame: Uint8Array): string =>
  isSummed(frame) ? 'right' : `wrong: the payload's is ${summed(frame.subarray(HEADER_SIZE))}`;

const DROPS = 'Core drops this message and keeps the connection';
const CLOSES = 'Core closes the connection';

/** What is wrong with the frame for a receiver of that network, as its framer decides. */
function badFrame(frame: Uint8Array, missing: number): MessageVerdict | undefined {
  const [event] = createV1Framer(frame.subarray(0, COMMAND_AT)).feed(frame);
  if (event?.kind === 'broken')
    return {
      code: event.code,
      says: `claims ${lengthOf(frame)} bytes, ${MAX_PAYLOAD} are allowed; ${CLOSES}`,
    };
  if (missing > 0)
    return { code: 'INCOMPLETE', says: `Core waits for the other ${missing} bytes of the payload` };
  if (event?.kind !== 'dropped') return undefined;
  const what = event.code === 'ERR_FRAME_CHECKSUM' ? 'wrong checksum' : 'invalid command name';
  return { code: event.code, says: `${what}; ${DROPS}` };
}

function verdictsOf(command: string, payload: Uint8Array): MessageVerdict[] {
  const excess = countOf(command, payload);
  if (excess && excess.count > excess.limit) {
    const says = `${excess.count} entries, ${excess.limit} are allowed; ${CLOSES}`;
    return [{ code: 'ERR_PROTO_LIMIT', says }];
  }
  if (!isKnownCommand(command))
    return [{ code: 'UNKNOWN_COMMAND', says: 'no such command; Core ignores the message' }];
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) return [spoiled(command, decoded.fault)];
  const { length } = decoded.trailing;
  if (length === 0) return [];
  return [
    {
      code: 'TRAILING',
      says: `${length} ${length === 1 ? 'byte' : 'bytes'} behind the last field; Core ignores them`,
    },
  ];
}

const FAULTS = {
  ERR_CODEC_SHORT: 'ends before this field does',
  ERR_CODEC_RANGE: 'is outside its limits',
  ERR_CODEC_NONMINIMAL: 'has a length that is not in its shortest form',
} as const;

function spoiled(
  command: string,
  { code, path, offset }: { code: keyof typeof FAULTS; path: string; offset: number },
): MessageVerdict {
  const where = `${path === '' ? 'the payload' : path} (payload byte ${offset})`;
  return { code, says: `${where} ${FAULTS[code]}; ${isStrict(command) ? CLOSES : DROPS}` };
}
