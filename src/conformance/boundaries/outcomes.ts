/**
 * What a node does with a boundary, as text: the commands that it sends, in order, and how it ends.
 *
 *   version wtxidrelay sendaddrv2 verack pong     it answered these; the last ping was answered too
 *   pong=0000000000000000 pong                    a pong with that payload, then the one for the last ping
 *   close                                         it closed the connection
 *   version verack open                           it stays connected and answers no ping
 */
import type { Step, Wanted } from '../case.js';
import { type Boundary, LAST_NONCE, messagesAfter, stepsBefore } from './boundaries.js';

/** How a boundary can end. */
export const ENDS = ['pong', 'close', 'open'] as const;
export type End = (typeof ENDS)[number];

export interface Outcome {
  readonly received: readonly Wanted[];
  readonly end: End;
}

/** How long a node that answers no ping has to stay connected. */
const OPEN_MS = 200;

const wordOf = ({ msg, payload }: Wanted): string => (payload === undefined ? msg : `${msg}=${payload}`);

export const textOf = ({ received, end }: Outcome): string => [...received.map(wordOf), end].join(' ');

/** The outcome of a text that {@link textOf} made; undefined for another one. */
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

/** Entries of a list over which a node may take longer than over others, and how long. */
const LONG = 10_000;
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
