/**
 * The outputs: what a node did in answer to one input, as text. The commands that it sent in their order, then `close` when
 * it ended the connection. Contents count only where a rule is about them.
 */
import { hexOf } from '../wire/index.js';

/** The node ended the connection. */
export const CLOSE = 'close';
/** Bytes that are no message: on v1, the key of a node that took the connection for v2. */
export const NO_MESSAGE = 'bytes';

/** A message as one word of an output. A ping without a nonce is another one (BIP31), and so is a pong that is not ours. */
export function describeMessage(command: string, payload: Uint8Array, nonce: string): string {
  if (command === 'ping' && payload.length === 0) return 'ping-empty';
  if (command === 'pong' && hexOf(payload) !== nonce) return 'pong-other';
  return command;
}

/** Nothing can follow: the connection is over, or it is none that we can read. */
export const isFinal = (output: string): boolean =>
  output.endsWith(CLOSE) || output.split(' ').includes(NO_MESSAGE);
