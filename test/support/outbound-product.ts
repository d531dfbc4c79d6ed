/**
 * One outbound target × its surroundings, explored exhaustively: each request of the machine (lookup, slot, connection) is
 * answered by every answer that it can get, and the caller may close at any moment.
 */
import type { SnapshotFrom } from 'xstate';

import {
  currentAddress,
  type OutboundEvent,
  type OutboundInput,
  outboundMachine,
  usesV2,
} from '../../machines/index.js';
import type { ReasonCode } from '../../src/reasons.js';
import { type Action, armedAfter, leafOf, Stepper } from './step.js';

type Snapshot = SnapshotFrom<typeof outboundMachine>;

/** What is on its way to the machine. */
export type Pending = 'lookup' | 'slot' | 'connection';

/** One moment. */
export interface Moment {
  readonly snapshot: Snapshot;
  readonly leaf: string;
  readonly isOver: boolean;
  readonly pending: readonly Pending[];
  readonly armed: ReadonlyMap<string, number>;
  /** Connections that exist now, and the most that ever existed at once. */
  readonly open: number;
  /** The transport of the latest dial, and addresses that have shown that they are v1. */
  readonly proven: readonly string[];
  /** Rounds in a row that ended in a self-connection. */
  readonly self: number;
  readonly faults: readonly string[];
  readonly by: { readonly from: Moment; readonly move: string } | undefined;
}

const A = '10.0.0.1:18444';
const B = '10.0.0.2:18444';
const REDIAL = 'xstate.after.redialDelay.outbound.backingOff';
const reasonOf = (code: ReasonCode) => ({ code, facts: {} });

type Move = readonly [name: string, event: OutboundEvent | { readonly type: typeof REDIAL }];
/** Both ends of the range of the jitter. */
const DRAWS = [0, 1 - 2 ** -32];

const LOOKUPS: readonly Move[] = [
  ['A', { type: 'lookup.done', addresses: [A] }],
  ['A and B', { type: 'lookup.done', addresses: [A, B] }],
  ['B', { type: 'lookup.done', addresses: [B] }],
  ...DRAWS.map((draw): Move => [
    `no address, ${draw}`,
    { type: 'lookup.failed', reason: reasonOf('ERR_DIAL_DNS'), draw },
  ]),
];
const REFUSALS = ['ERR_POLICY_DUPLICATE', 'ERR_POLICY_FULL', 'ERR_LOCAL_CANCELLED'] as const;
const SLOTS: readonly Move[] = [
  ['granted', { type: 'slot.granted' }],
  ...REFUSALS.map((code): Move => [code, { type: 'slot.refused', reason: reasonOf(code), draw: 0 }]),
];
const CODES = ['ERR_LINK_EOF', 'ERR_PROTO_SELF', 'ERR_POLICY_VERSION', 'END_DONE'] as const;
const NO_FACTS = { unanswered: false, speaksv1: false, lasted: 0, draw: 0 } as const;
const ENDS: readonly Move[] = CODES.map((code) => [
  ...([`ends with ${code}`, { type: 'peer.ended', reason: reasonOf(code), ...NO_FACTS }] as const),
]);
const EOF = { type: 'peer.ended', reason: reasonOf('ERR_LINK_EOF'), ...NO_FACTS } as const;
const V1_ENDS: readonly Move[] = [
  ['no answer to BIP324', { ...EOF, unanswered: true }],
  ['a v1 header', { ...EOF, speaksv1: true }],
];
const LASTED: readonly Move[] = [0, 60_000].map((lasted) => [`lasts ${lasted} ms`, { ...EOF, lasted }]);

const REQUESTS: Readonly<Record<string, Pending>> = {
  'effect.lookUp': 'lookup',
  'effect.requestSlot': 'slot',
  'effect.connect': 'connection',
};

/** The answers that can come now, the timer, and the caller. */
function movesFrom({ leaf, pending, snapshot, armed }: Moment): Move[] {
  const isPending = (what: Pending): boolean => pending.includes(what);
  const mayEstablish = isPending('connection') && leaf === 'connecting';
  return [
    ...(leaf === 'idle' ? [['is dialled', { type: 'user.dial' }] as const] : []),
    ...(isPending('lookup') ? LOOKUPS : []),
    ...(isPending('slot') ? SLOTS : []),
    ...(mayEstablish ? [['is established', { type: 'peer.established' }] as const] : []),
    ...(isPending('connection') ? [...ENDS, ...LASTED] : []),
    ...(mayEstablish && usesV2(snapshot.context) ? V1_ENDS : []),
    ...(armed.has(REDIAL) ? [['the delay is over', { type: REDIAL }] as const] : []),
    ['is closed', { type: 'user.close' }],
  ];
}

const keyOf = ({ snapshot, leaf, pending, open, proven, self, isOver }: Moment): string => {
  const { addresses, current, v1addresses, failures, selfconnections, established, reason } =
    snapshot.context;
  const facts = [addresses, current, v1addresses, Math.min(failures, 10), selfconnections, established];
  return JSON.stringify([leaf, ...(isOver ? [reason?.code] : facts), pending, open, proven, self]);
};

/** Every moment that can be reached, the nearest first; `faults` of each names what must not be. */
export function outboundProduct(input: OutboundInput): readonly Moment[] {
  const stepper = new Stepper(outboundMachine, input);
  const { snapshot } = stepper.begin();
  const none = { pending: [], armed: new Map<string, number>(), open: 0, proven: [], self: 0, faults: [] };
  const start: Moment = { ...none, snapshot, leaf: leafOf(snapshot.value), isOver: false, by: undefined };
  const known = new Set([keyOf(start)]);
  const moments = [start];
  for (const moment of moments) {
    if (moment.isOver) continue;
    for (const move of movesFrom(moment)) {
      const next = after(stepper, moment, move);
      if (known.has(keyOf(next)) && next.faults.length === 0) continue;
      known.add(keyOf(next));
      // A moment with a fault is reported, not left.
      moments.push(next.faults.length > 0 ? { ...next, isOver: true } : next);
      if (moments.length > MOST) throw new Error(`more than ${MOST} states`);
    }
  }
  return moments;
}

const MOST = 50_000;

function after(stepper: Stepper<typeof outboundMachine>, from: Moment, [move, event]: Move): Moment {
  const { snapshot, actions } = stepper.next(from.snapshot, event);
  const pending = pendingAfter(from.pending, event.type, actions);
  const isProof = event.type === 'peer.ended' && (event.unanswered || event.speaksv1);
  const proven = isProof
    ? [...new Set([...from.proven, currentAddress(from.snapshot.context)])].sort()
    : forgotten(from.proven, event);
  const draft = {
    snapshot,
    leaf: leafOf(snapshot.value),
    isOver: snapshot.status === 'done',
    pending,
    proven,
  };
  const open = pending.filter((what) => what === 'connection').length;
  const isRound = leafOf(snapshot.value) === 'backingOff' && from.leaf !== 'backingOff';
  const isSelf = event.type === 'peer.ended' && event.reason.code === 'ERR_PROTO_SELF';
  const self = isRound ? (isSelf ? from.self + 1 : 0) : from.self;
  const armed = armedAfter(from.armed, actions);
  const next = { ...draft, open, self, armed, faults: [], by: { from, move } };
  return { ...next, faults: faultsOf(from, next, actions) };
}

/** A name may lose an address; what was proven of it is then forgotten. */
const forgotten = (proven: readonly string[], event: { readonly type: string }): readonly string[] =>
  event.type === 'lookup.done'
    ? proven.filter((address) => (event as { addresses?: string[] }).addresses?.includes(address))
    : proven;

/** An answer uses up its request; effects add requests. */
function pendingAfter(pending: readonly Pending[], type: string, actions: readonly Action[]): Pending[] {
  const answered: Readonly<Record<string, Pending>> = {
    ...{ 'lookup.done': 'lookup', 'lookup.failed': 'lookup' },
    ...{ 'slot.granted': 'slot', 'slot.refused': 'slot', 'peer.ended': 'connection' },
  };
  let left = pending.filter((what) => what !== answered[type]);
  for (const action of actions) {
    if (action.type === 'effect.cancelLookUp') left = left.filter((what) => what !== 'lookup');
    const request = REQUESTS[action.type];
    if (request) left.push(request);
  }
  return left.sort();
}

type Claims = readonly (readonly [isFault: boolean, fault: string])[];

function faultsOf(from: Moment, next: Moment, actions: readonly Action[]): string[] {
  const isRound = next.leaf === 'backingOff' && from.leaf !== 'backingOff';
  const claims: Claims = [
    ...waitingClaims(next),
    ...(actions.some(({ type }) => type === 'effect.connect') ? dialClaims(next) : []),
    ...(isRound ? backoffClaims(next) : []),
  ];
  return claims.filter(([isFault]) => isFault).map(([, fault]) => fault);
}

function waitingClaims({ leaf, isOver, pending, armed, open, snapshot }: Moment): Claims {
  const isWaiting = pending.length > 0 || armed.size > 0;
  return [
    [!isWaiting && !isOver && leaf !== 'idle', 'waits for nothing'],
    [open > 1, 'two connections'],
    [isOver && open > 0, 'over, and a connection is open'],
    [isOver && pending.includes('lookup'), 'over, and a lookup is not cancelled'],
    [isOver && armed.size > 0, 'over, and a timer is armed'],
    [isOver && snapshot.context.reason === null, 'over without a reason'],
  ];
}

function dialClaims({ snapshot: { context }, proven }: Moment): Claims {
  const isV1 = !usesV2(context);
  return [
    [isV1 && context.v2 && !proven.includes(currentAddress(context)), 'v1 without proof'],
    [isV1 && context.v2only, 'v1 although it is refused'],
  ];
}

function backoffClaims({ snapshot: { context } }: Moment): Claims {
  return [
    [context.delay < 500 || context.delay > 300_000, `a delay of ${context.delay} ms`],
    [context.failures < 1, 'a failure that is not counted'],
    [!context.persistent, 'a second round of a one-shot target'],
  ];
}

/** The moves that lead to a moment. */
export const movesTo = ({ by }: Moment): string[] => (by ? [...movesTo(by.from), by.move] : []);
