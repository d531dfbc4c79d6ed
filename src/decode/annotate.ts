/**
 * Annotates bytes: each field of each message with its offset, its bytes and its meaning, and how Bitcoin Core would treat
 * an invalid message. The fields come from the message table, so no code here is specific to a message.
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

/** A fault in a message or a remark about it, and how Core treats the message. */
export interface MessageVerdict {
  readonly code: ReasonCode | 'INCOMPLETE' | 'TRAILING' | 'UNKNOWN_COMMAND';
  /** One sentence, without a full stop. */
  readonly says: string;
}

/** One annotated frame, or payload without a frame. */
export interface Annotation {
  /** The byte offset of its beginning in the input; `size`: the number of its bytes. */
  readonly offset: number;
  readonly size: number;
  /** Printable, at most 12 characters. */
  readonly command: string;
  /** The chain with this magic; absent for a payload and for an unknown magic. */
  readonly network?: string;
  /** Whether Core would accept the message. */
  readonly ok: boolean;
  readonly fields: readonly AnnotatedField[];
  readonly verdicts: readonly MessageVerdict[];
}

const CHECKSUM_SIZE = 4;

const NOTES: readonly MessageVerdict['code'][] = ['TRAILING', 'UNKNOWN_COMMAND'];

const isHarmless = ({ code }: MessageVerdict): boolean => NOTES.includes(code);

/** Whether the bytes begin like a frame: with a known magic, or with any magic and a correct checksum. */
export function looksFramed(bytes: Uint8Array): boolean {
  if (networkOf(bytes) !== undefined) return true;
  if (bytes.length < HEADER_SIZE) return false;
  const size = lengthOf(bytes);
  return size <= bytes.length - HEADER_SIZE && isSummed(bytes.subarray(0, HEADER_SIZE + size));
}

/** The chain whose frames begin with these bytes: a Bitcoin chain, or another chain with the same message format. */
const networkOf = (bytes: Uint8Array): string | undefined =>
  knownMagic(bytes) ?? OTHER_MAGICS[hexOf(bytes.subarray(0, COMMAND_AT))];

/** Annotates the frames in `bytes`, which may be of different networks. Never throws. */
export const annotateFrames = (bytes: Uint8Array): Annotation[] => [...eachFrame(bytes)];

/** As `annotateFrames`, one frame at a time, for inputs whose annotations would not fit into memory. */
export function* eachFrame(bytes: Uint8Array): Generator<Annotation, void> {
  let at = 0;
  while (at < bytes.length) {
    const annotation = frameAt(bytes, at);
    yield annotation;
    at += annotation.size;
  }
}

/** Annotates the payload of a command, which begins at `offset` of the input. Never throws. */
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

/** Annotates the frame at an offset. An incomplete or too large frame extends to the end of the input. */
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

/** The command field for display, whatever bytes it contains. */
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
  isSummed(frame)
    ? 'correct'
    : `wrong: the checksum of the payload is ${summed(frame.subarray(HEADER_SIZE))}`;

const DROPS = 'Core drops this message and keeps the connection';
const CLOSES = 'Core closes the connection';

/** The fault that a receiver on the network of the frame would find, as decided by the framer. */
function badFrame(frame: Uint8Array, missing: number): MessageVerdict | undefined {
  const [event] = createV1Framer(frame.subarray(0, COMMAND_AT)).feed(frame);
  if (event?.kind === 'broken')
    return {
      code: event.code,
      says: `the header claims ${lengthOf(frame)} bytes, and the limit is ${MAX_PAYLOAD}; ${CLOSES}`,
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
    const says = `${excess.count} entries, and the limit is ${excess.limit}; ${CLOSES}`;
    return [{ code: 'ERR_PROTO_LIMIT', says }];
  }
  if (!isKnownCommand(command))
    return [{ code: 'UNKNOWN_COMMAND', says: 'the command is unknown; Core ignores the message' }];
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) return [spoiled(command, decoded.fault)];
  const { length } = decoded.trailing;
  if (length === 0) return [];
  return [
    {
      code: 'TRAILING',
      says: `${length} ${length === 1 ? 'byte' : 'bytes'} after the last field; Core ignores them`,
    },
  ];
}

const FAULTS = {
  ERR_CODEC_SHORT: 'is incomplete',
  ERR_CODEC_RANGE: 'is outside its limits',
  ERR_CODEC_NONMINIMAL: 'has a length that is not in the shortest form',
} as const;

function spoiled(
  command: string,
  { code, path, offset }: { code: keyof typeof FAULTS; path: string; offset: number },
): MessageVerdict {
  const where = `${path === '' ? 'the payload' : path} (payload byte ${offset})`;
  return { code, says: `${where} ${FAULTS[code]}; ${isStrict(command) ? CLOSES : DROPS}` };
}
