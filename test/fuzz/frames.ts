/** Conversations as frames with false headers: the fields of a header may differ from the payload. */
import { readFileSync } from 'node:fs';
import { networkOf } from '../../src/networks.js';
import { createV1Framer, encodeFrame, HEADER_SIZE } from '../../src/wire/index.js';
import type { Conversation } from '../support/replay-conversation.js';

export const REGTEST = networkOf('regtest')!;

/** A frame, and the false fields of its header; without any, length and checksum match the payload. */
export interface Frame {
  readonly command: string;
  readonly payload: Uint8Array;
  readonly length?: number;
  readonly checksum?: number;
  readonly magic?: number;
}

export const conversations = JSON.parse(
  readFileSync('test/data/conversations.json', 'utf8'),
) as Conversation[];

export const bytesOf = ({ received }: Conversation): Uint8Array =>
  Uint8Array.from(Buffer.from(received, 'hex'));

export function framesOf(conversation: Conversation): Frame[] {
  return createV1Framer(REGTEST.magic)
    .feed(bytesOf(conversation))
    .flatMap((event) =>
      event.kind === 'frame' ? [{ command: event.command, payload: Uint8Array.from(event.payload) }] : [],
    );
}

export function serialize({ command, payload, length, checksum, magic }: Frame): Buffer {
  const frame = Buffer.from(encodeFrame(REGTEST.magic, command, payload));
  if (magic !== undefined) frame.writeUInt32LE(magic, 0);
  if (length !== undefined) frame.writeUInt32LE(length, HEADER_SIZE - 8);
  if (checksum !== undefined) frame.writeUInt32LE(checksum, HEADER_SIZE - 4);
  return frame;
}

/** `bytes`, cut before each of the given offsets, which rise. */
export function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const edges = [0, ...offsets, bytes.length];
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}
