/** Which messages a case is about, for a list to choose from. */
import { LAST_NONCE } from '../boundaries/boundaries.js';
import type { Case, Sent, Step } from '../case.js';

/** What surrounds the messages of a case: the handshake, and the ping that shows that the connection lives. */
const AROUND: readonly string[] = ['version', 'verack', 'wtxidrelay', 'sendaddrv2', 'ping', 'pong'];

const commandOf = (message: string | Sent): string => (typeof message === 'string' ? message : message.msg);

const sentBy = ({ op, messages = [], append_messages = [], of }: Step): string[] =>
  [
    ...(op === 'send' ? (messages as readonly (string | Sent)[]) : []),
    ...append_messages,
    ...(of === undefined ? [] : [of]),
  ].map(commandOf);

/** A plain message carries nothing unusual, nor does the ping that ends a boundary. */
const isOdd = (message: string | Sent): boolean =>
  typeof message !== 'string' && message.payload !== LAST_NONCE;

const oddIn = ({ messages = [], op }: Step): string[] =>
  op === 'send' ? (messages as readonly (string | Sent)[]).filter(isOdd).map(commandOf) : [];

/**
 * The commands that the tester sends beside those of every handshake; with none of them, those that it sends with unusual
 * fields; and else all.
 */
export function commandsOf({ steps }: Pick<Case, 'steps'>): string[] {
  const sent = [...new Set(steps.flatMap(sentBy))];
  const special = sent.filter((command) => !AROUND.includes(command));
  const odd = [...new Set(steps.flatMap(oddIn))];
  return [special, odd, sent].find((commands) => commands.length > 0) ?? [];
}
