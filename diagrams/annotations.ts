/**
 * What a config does not contain: the length of a delay, the messages of a sequence, the codes that an event brings.
 * Each is computed by the code that decides it, never repeated here.
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
} from '../machines/index.js';
import { getInitialSnapshot } from 'xstate';
import { LINK_CODES, REASON_CODES, REASONS } from '../src/reasons.js';
import type { Arrow, Annotations } from './chart.js';

/** Guards that read only the connection type. */
const GUARDS_OF_TYPE: readonly string[] = ['isInbound', 'isOutbound', 'isFeeler'];

type Guard = (args: { context: PeerContext }) => boolean;

/** A ping, because a pong repeats its nonce; every other sequence depends on the context only. */
const EVENT = { type: 'wire.ping', nonce: '00'.repeat(8) } as const satisfies PeerEvent;

/** A connection in a state. */
interface Sample {
  readonly state: string;
  readonly context: PeerContext;
}

/** Connections of every type, with a peer of our own version, in every state. */
const SAMPLES: readonly Sample[] = CONNECTION_TYPES.flatMap((connection_type) =>
  [true, false].flatMap((relay) => stages(connection_type, relay)),
);

function stages(connection_type: ConnectionType, relay: boolean): Sample[] {
  const rules = { ...CORE_RULES, relay };
  const { context } = getInitialSnapshot(peerMachine, { id: 0, connection_type, rules });
  const fresh = { ...context, version: rules.version, pingnonce: EVENT.nonce };
  const open = { ...fresh, openedat: 0 };
  const received = { ...open, versionat: 0 };
  return [
    { state: 'connecting', context: fresh },
    { state: connection_type === 'inbound' ? 'awaitingVersion' : 'versionSent', context: open },
    { state: 'versionReceived', context: received },
    { state: 'established', context: { ...received, establishedat: 0 } },
  ];
}

/** Whether a connection of this type can take the arrow. */
function isSampleFor({ from, guard, unless }: Arrow, { state, context }: Sample): boolean {
  const guards = peerMachine.implementations.guards as unknown as Record<string, Guard>;
  const holds = (name: string): boolean | undefined =>
    GUARDS_OF_TYPE.includes(name) ? guards[name]?.({ context }) : undefined;
  if (state !== from || unless.some((name) => holds(name) === true)) return false;
  return guard === undefined || holds(guard) !== false;
}

/** The commands of an arrow's message sequence; in parentheses those that only some connection types get. */
function sends(arrow: Arrow): readonly string[] {
  const sequence = arrow.actions.find(({ type }) => type === 'effect.send')?.params?.sequence;
  const lists = SAMPLES.filter((sample) => sequence !== undefined && isSampleFor(arrow, sample)).map(
    ({ context }) => messagesOf(sequence as MessageSequence, context, EVENT).map(({ command }) => command),
  );
  const longestFirst = [...lists].sort((a, b) => b.length - a.length);
  return [...new Set(longestFirst.flat())].map((command) =>
    lists.every((list) => list.includes(command)) ? command : `(${command})`,
  );
}

const familyCodes = (family: string): string[] =>
  REASON_CODES.filter((code) => REASONS[code].family === family && !('survivable' in REASONS[code]));

/** Events that bring their own code. */
const CODES_BY_EVENT: Readonly<Record<string, readonly string[]>> = {
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
    return type === 'setReason' ? (CODES_BY_EVENT[event] ?? []) : [];
  });
}

const isTimeout = (rule: [string, unknown]): rule is [string, number] => rule[0].endsWith('Timeout');

/** The annotations of all machines. */
export const annotations: Annotations = {
  delays: {
    ...Object.fromEntries(Object.entries(CORE_RULES).filter(isTimeout)),
    drainTimeout: DRAIN_TIMEOUT,
  },
  sends,
  codes,
};
