/**
 * What the machines' names stand for: the length of a delay, the messages of a flight, the codes that an event brings.
 * Each is asked of the code that decides it, never repeated here by hand.
 */
import {
  CONNECTION_TYPES,
  type ConnectionType,
  CORE_RULES,
  DRAIN_TIMEOUT,
  type MessageSequence,
  messagesOf,
  type PeerContext,
  type PeerEvent,
  peerMachine,
  phaseOf,
} from '../machines/index.js';
import { getInitialSnapshot } from 'xstate';
import { LINK_CODES, REASON_CODES, REASONS } from '../src/reasons.js';
import type { Arrow, Lexicon } from './graph.js';

/** Guards that look at the connection alone, so that they tell which peers an arrow is for. */
const GUARDS_OF_TYPE: readonly string[] = ['isInbound', 'isOutbound', 'isFeeler'];

type Guard = (args: { context: PeerContext }) => boolean;

/** A ping, because a pong repeats its nonce; every other flight looks at the context only. */
const EVENT = { type: 'wire.ping', nonce: '00'.repeat(8) } as const satisfies PeerEvent;

/** Connections of every type, with a peer of our own version, as they are before and after each step. */
const SAMPLES: readonly PeerContext[] = CONNECTION_TYPES.flatMap((connection_type) =>
  [true, false].flatMap((relay) => stages(connection_type, relay)),
);

function stages(connection_type: ConnectionType, relay: boolean): PeerContext[] {
  const rules = { ...CORE_RULES, relay };
  const { context } = getInitialSnapshot(peerMachine, { id: 0, connection_type, rules });
  const fresh = { ...context, version: rules.version, pingnonce: EVENT.nonce };
  const open = { ...fresh, openedat: 0 };
  const heard = { ...open, versionat: 0 };
  return [fresh, open, heard, { ...heard, establishedat: 0 }];
}

/** Whether a peer of this kind can take the arrow, as far as its kind decides. */
function isSampleFor({ from, guard, unless }: Arrow, context: PeerContext): boolean {
  const guards = peerMachine.implementations.guards as unknown as Record<string, Guard>;
  const holds = (name: string): boolean | undefined =>
    GUARDS_OF_TYPE.includes(name) ? guards[name]?.({ context }) : undefined;
  if (phaseOf(context) !== from || unless.some((name) => holds(name) === true)) return false;
  return guard === undefined || holds(guard) !== false;
}

/** The commands of an arrow's flight; in parentheses those that only some peers get. */
function sends(arrow: Arrow): readonly string[] {
  const sequence = arrow.actions.find(({ type }) => type === 'effect.send')?.params?.sequence;
  const lists = SAMPLES.filter((context) => sequence !== undefined && isSampleFor(arrow, context)).map(
    (context) => messagesOf(sequence as MessageSequence, context, EVENT).map(({ command }) => command),
  );
  const longestFirst = [...lists].sort((a, b) => b.length - a.length);
  return [...new Set(longestFirst.flat())].map((command) =>
    lists.every((list) => list.includes(command)) ? command : `(${command})`,
  );
}

const familyCodes = (family: string): string[] =>
  REASON_CODES.filter((code) => REASONS[code].family === family && !('survivable' in REASONS[code]));

/** Events that bring their own code. */
const BROUGHT: Readonly<Record<string, readonly string[]>> = {
  'link.failed': [
    ...familyCodes('dial'),
    'ERR_LOCAL_LIMIT',
    ...familyCodes('v2'),
    'ERR_POLICY_TRANSPORT',
    'ERR_TIME_HANDSHAKE',
  ],
  'link.closed': LINK_CODES,
  'wire.broken': [...familyCodes('frame'), 'ERR_V2_AUTH', 'ERR_V2_LENGTH'],
  'bytes.broken': familyCodes('v2'),
};

function codes({ event, actions }: Arrow): readonly string[] {
  return actions.flatMap(({ type, params }) => {
    if (typeof params?.code === 'string') return [params.code];
    return type === 'setReason' ? (BROUGHT[event] ?? []) : [];
  });
}

const isTimeout = (rule: [string, unknown]): rule is [string, number] => rule[0].endsWith('Timeout');

/** What the peer and the supervisor machine mean. */
export const lexicon: Lexicon = {
  delays: {
    ...Object.fromEntries(Object.entries(CORE_RULES).filter(isTimeout)),
    drainTimeout: DRAIN_TIMEOUT,
  },
  sends,
  codes,
};
