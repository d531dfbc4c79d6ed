/** Which commands a case is about, for the filter of the matrix page. */
import { LAST_NONCE } from '../boundaries/boundaries.js';
import type { Case, Sent, Step } from '../case.js';

/** Commands that most cases send: those of the handshake, and the ping that tests whether the connection is open. */
const AROUND: readonly string[] = ['version', 'verack', 'wtxidrelay', 'sendaddrv2', 'ping', 'pong'];

const commandOf = (message: string | Sent): string => (typeof message === 'string' ? message : message.msg);

const sentBy = ({ op, messages = [], append_messages = [], of }: Step): string[] =>
  [
    ...(op === 'send' ? (messages as readonly (string | Sent)[]) : []),
    ...append_messages,
    ...(of === undefined ? [] : [of]),
  ].map(commandOf);

/** Whether a message has unusual fields; the ping at the end of a boundary does not count. */
const isUnusual = (message: string | Sent): boolean =>
  typeof message !== 'string' && message.payload !== LAST_NONCE;

const oddIn = ({ messages = [], op }: Step): string[] =>
  op === 'send' ? (messages as readonly (string | Sent)[]).filter(isUnusual).map(commandOf) : [];

/**
 * The commands that the tester sends besides those of the handshake; if there are none, those that it sends with unusual
 * fields; otherwise all.
 */
export function commandsOf({ steps }: Pick<Case, 'steps'>): string[] {
  const sent = [...new Set(steps.flatMap(sentBy))];
  const special = sent.filter((command) => !AROUND.includes(command));
  const odd = [...new Set(steps.flatMap(oddIn))];
  return [special, odd, sent].find((commands) => commands.length > 0) ?? [];
}
