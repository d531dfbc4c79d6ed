/**
 * The reaction of a node to a boundary, as text: the commands that it sent, in order, and the end.
 *
 *   version wtxidrelay sendaddrv2 verack pong     it sent these, and answered the last ping
 *   pong=0000000000000000 pong                    it sent a pong with this payload, and answered the last ping
 *   close                                         it closed the connection
 *   version verack open                           it stayed connected, but did not answer the last ping
 */
import type { Step, Wanted } from '../case.js';
import { type Boundary, LAST_NONCE, messagesAfter, stepsBefore } from './boundaries.js';

/** The possible ends: the last ping is answered, the connection is closed, or it stays open without an answer. */
export const ENDS = ['pong', 'close', 'open'] as const;
export type End = (typeof ENDS)[number];

/** The messages that the node sent, and the end. */
export interface Outcome {
  readonly received: readonly Wanted[];
  readonly end: End;
}

/** Milliseconds that a node that does not answer the ping must stay connected. */
const OPEN_MS = 200;

const wordOf = ({ msg, payload }: Wanted): string => (payload === undefined ? msg : `${msg}=${payload}`);

/** The text of an outcome. */
export const textOf = ({ received, end }: Outcome): string => [...received.map(wordOf), end].join(' ');

/** Parses a text of {@link textOf}; undefined if it is invalid. */
export function outcomeOf(text: string): Outcome | undefined {
  const words = text.split(' ');
  const end = ENDS.find((word) => word === words.at(-1));
  if (end === undefined) return undefined;
  const received = words.slice(0, -1).map((word): Wanted => {
    const [msg = '', payload] = word.split('=');
    return payload === undefined ? { msg } : { msg, payload };
  });
  return { received, end };
}

/** For a list with more entries than this, a node gets more time. */
const LONG = 10_000;
/** This time, in milliseconds. */
const LONG_MS = 6_000;

/** The steps of a case that expects this outcome. */
export function stepsOf(it: Boundary, { received, end }: Outcome): Step[] {
  const sent: Step = { op: 'send', messages: [it.sent] };
  const after: Step = { op: 'send', messages: messagesAfter(it), coalesce: true };
  const begin = [...stepsBefore(it), sent];
  const isLong = (it.sent.payload_gen?.count ?? 0) > LONG;
  const time = isLong ? { within_ms: LONG_MS } : {};
  const some: Step[] = received.length === 0 ? [] : [{ op: 'expect', messages: received, ...time }];
  if (end === 'close') return [...begin, ...some, { op: 'expect_close', ...time }];
  if (end === 'open') return [...begin, after, ...some, { op: 'expect_quiet', ms: OPEN_MS }];
  const pong: Wanted = { msg: 'pong', payload: LAST_NONCE };
  return [...begin, after, { op: 'expect', messages: [...received, pong], ...time }];
}
