/**
 * Outputs as text: the commands that a node sent after one input, in order and separated by spaces, then `close` if it closed
 * the connection. Payloads are ignored unless a rule depends on them.
 */
import { hexOf } from '../wire/index.js';

/** The node closed the connection. */
export const CLOSE = 'close';
/** Bytes that are not a message: on v1, the key of a node that recognised the connection as v2. */
export const NO_MESSAGE = 'bytes';

/** The whole output of a node that does not stop sending. */
export const ENDLESS = 'endless';

/**
 * The name of a message in an output. A ping without a nonce (BIP31) and a pong with another nonce than `nonce` (hex, wire order)
 * have names of their own.
 */
export function describeMessage(command: string, payload: Uint8Array, nonce: string): string {
  if (command === 'ping' && payload.length === 0) return 'ping-empty';
  if (command === 'pong' && hexOf(payload) !== nonce) return 'pong-other';
  return command;
}

/** Whether nothing can follow an output: the connection is closed, its bytes cannot be read as messages, or it has no end. */
export const isFinal = (output: string): boolean =>
  output.endsWith(CLOSE) || output === ENDLESS || output.split(' ').includes(NO_MESSAGE);
