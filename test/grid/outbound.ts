/** The outbound machine's grid: its situations, its events, and what the machine does in each cell. */
import type { SnapshotFrom } from 'xstate';

import {
  ignoredReason,
  BACKOFF_RESET_AFTER,
  type OutboundContext,
  type OutboundEvent,
  type OutboundInput,
  outboundMachine,
} from '../../machines/index.js';
import type { Reason, ReasonCode } from '../../src/reasons.js';
import { armedAfter, leafOf, Stepper } from '../support/step.js';
import type { Timer } from './row.js';

export type OutboundGridEvent = OutboundEvent | Timer;

/** How to reach a situation. */
export interface OutboundSituation {
  readonly input: OutboundInput;
  readonly events: readonly OutboundGridEvent[];
}

export const A = '10.0.0.1:18444';
export const B = '10.0.0.2:18444';
/** Half of the jitter. */
const DRAW = 0.5;

const reason = (code: ReasonCode): Reason => ({ code, facts: {} });

const DIAL: OutboundEvent = { type: 'user.dial' };
const CLOSE: OutboundEvent = { type: 'user.close' };
const GRANTED: OutboundEvent = { type: 'slot.granted' };
const ESTABLISHED: OutboundEvent = { type: 'peer.established' };
const found = (...addresses: string[]): OutboundEvent => ({ type: 'lookup.done', addresses });
const notFound = (code: ReasonCode): OutboundEvent => ({
  ...{ type: 'lookup.failed', reason: reason(code), draw: DRAW },
});
const refused = (code: ReasonCode): OutboundEvent => ({
  ...{ type: 'slot.refused', reason: reason(code), draw: DRAW },
});
const ended = (
  code: ReasonCode,
  more: Partial<Extract<OutboundEvent, { type: 'peer.ended' }>> = {},
): OutboundEvent => ({
  ...{ type: 'peer.ended', reason: reason(code), unanswered: false, speaksv1: false, lasted: 0, draw: DRAW },
  ...more,
});
export const REDIAL: Timer = { type: 'xstate.after.redialDelay.outbound.backingOff' };

export const INPUT: OutboundInput = {
  ...{ id: 1, connection_type: 'manual', name: '', addresses: [A] },
  ...{ persistent: true, v2: false, v2only: false },
};

const persistent = { ...INPUT };
const oneShot = { ...INPUT, persistent: false };
const named = { ...INPUT, name: 'node.example', addresses: [] };
const several = { ...INPUT, addresses: [A, B] };
const feeler = { ...oneShot, connection_type: 'feeler' } as const;
const v2 = { ...INPUT, v2: true };

const at = (input: OutboundInput, ...events: OutboundGridEvent[]): OutboundSituation => ({ input, events });
const connecting = (input: OutboundInput): OutboundSituation => at(input, DIAL, GRANTED);
const SELF = ended('ERR_PROTO_SELF');

export const OUTBOUND_SITUATIONS: Readonly<Record<string, OutboundSituation>> = {
  'idle, an address': at(persistent),
  'idle, a name': at(named),
  lookingUp: at(named, DIAL),
  'lookingUp, one-shot': at({ ...named, persistent: false }, DIAL),
  requestingSlot: at(persistent, DIAL),
  'requestingSlot, one-shot': at(oneShot, DIAL),
  'requestingSlot, two addresses': at(several, DIAL),
  'connecting, v1': connecting(persistent),
  'connecting, v1, one-shot': connecting(oneShot),
  'connecting, v1, two addresses': connecting(several),
  'connecting, a feeler': connecting(feeler),
  'connecting, v2': connecting(v2),
  'connecting, v2, one-shot': connecting({ ...v2, persistent: false }),
  'connecting, v2only': connecting({ ...v2, v2only: true }),
  'connecting, v1 after v2': at(v2, DIAL, GRANTED, ended('ERR_LINK_EOF', { unanswered: true }), GRANTED),
  'connecting, after two self-connections': at(
    ...([persistent, DIAL, GRANTED, SELF, REDIAL, GRANTED, SELF, REDIAL, GRANTED] as const),
  ),
  connected: at(persistent, DIAL, GRANTED, ESTABLISHED),
  'connected, one-shot': at(oneShot, DIAL, GRANTED, ESTABLISHED),
  'connected, after two failures': at(
    ...([persistent, DIAL, GRANTED, ended('ERR_DIAL_REFUSED'), REDIAL, GRANTED] as const),
    ...([ended('ERR_DIAL_REFUSED'), REDIAL, GRANTED, ESTABLISHED] as const),
  ),
  closing: at(persistent, DIAL, GRANTED, CLOSE),
  'backingOff, an address': at(persistent, DIAL, GRANTED, ended('ERR_DIAL_REFUSED')),
  'backingOff, a name': at(named, DIAL, notFound('ERR_DIAL_DNS')),
};

export const OUTBOUND_GRID_EVENTS: Readonly<Record<string, OutboundGridEvent>> = {
  'user.dial': DIAL,
  'lookup.done, two addresses': found(A, B),
  'lookup.failed, ERR_DIAL_DNS': notFound('ERR_DIAL_DNS'),
  'lookup.failed, ERR_LOCAL_ARGUMENT': notFound('ERR_LOCAL_ARGUMENT'),
  'slot.granted': GRANTED,
  'slot.refused, connected already': refused('ERR_POLICY_DUPLICATE'),
  'slot.refused, no slot': refused('ERR_POLICY_FULL'),
  'slot.refused, the node is stopping': refused('ERR_LOCAL_CANCELLED'),
  'peer.established': ESTABLISHED,
  'peer.ended, TCP was refused': ended('ERR_DIAL_REFUSED'),
  'peer.ended, no answer to BIP324': ended('ERR_LINK_EOF', { unanswered: true }),
  'peer.ended, the peer sent a v1 header': ended('ERR_V2_UNSUPPORTED', { speaksv1: true }),
  'peer.ended, closed by the peer after 59,999 ms': ended('ERR_LINK_EOF', {
    lasted: BACKOFF_RESET_AFTER - 1,
  }),
  'peer.ended, closed by the peer after 60,000 ms': ended('ERR_LINK_EOF', { lasted: BACKOFF_RESET_AFTER }),
  'peer.ended, an obsolete version': ended('ERR_POLICY_VERSION'),
  'peer.ended, a self-connection': SELF,
  'peer.ended, a feeler is done': ended('END_DONE'),
  'peer.ended, closed from this side': ended('ERR_LOCAL_CANCELLED'),
  'user.close': CLOSE,
  'timer: redialDelay': REDIAL,
};

const steppers = new Map<OutboundInput, Stepper<typeof outboundMachine>>();

export function outboundStepper(input: OutboundInput): Stepper<typeof outboundMachine> {
  const stepper = steppers.get(input) ?? new Stepper(outboundMachine, input);
  steppers.set(input, stepper);
  return stepper;
}

/** The machine in a situation, with its armed timers. */
export function outboundIn({ input, events }: OutboundSituation) {
  const stepper = outboundStepper(input);
  let { snapshot, actions } = stepper.begin();
  let armed = armedAfter(new Map(), actions);
  for (const event of events) {
    ({ snapshot, actions } = stepper.next(snapshot, event));
    armed = armedAfter(armed, actions);
  }
  return { snapshot, armed };
}

const OVER_TEXT = { true: 'settle (over)', false: 'settle' } as const;

function effectText({ type, params }: { readonly type: string; readonly params?: unknown }): string[] {
  if (!type.startsWith('effect.')) return [];
  const isOver = (params as { isOver?: boolean } | undefined)?.isOver;
  return [isOver === undefined ? type.slice('effect.'.length) : OVER_TEXT[`${isOver}`]];
}

const COUNTED = ['failures', 'selfconnections', 'current'] as const;

/** The code of the end, and the numbers that changed: `failures 2, delay 1500`. */
function changesText(before: OutboundContext, after: SnapshotFrom<typeof outboundMachine>): string[] {
  const { context, status } = after;
  const delay = leafOf(after.value) === 'backingOff' ? [`delay ${context.delay}`] : [];
  return [
    ...(status === 'done' ? [context.reason?.code ?? 'no reason'] : []),
    ...COUNTED.filter((key) => before[key] !== context[key]).map((key) => `${key} ${context[key]}`),
    ...(before.failures !== context.failures || before.delay !== context.delay ? delay : []),
    ...(before.v1addresses.length < context.v1addresses.length ? ['v1 from now on'] : []),
  ];
}

/** The cell as text, and the branch that was taken. */
export function outboundCell(situation: OutboundSituation, event: OutboundGridEvent) {
  const { snapshot, armed } = outboundIn(situation);
  const isTimer = event.type.startsWith('xstate.');
  if (isTimer && !armed.has(event.type)) return { text: 'not armed', branch: undefined };
  const stepper = outboundStepper(situation.input);
  const [branch] = stepper.taken(snapshot, event) as { description?: string }[];
  const next = stepper.next(snapshot, event);
  const [from, to] = [leafOf(snapshot.value), leafOf(next.snapshot.value)];
  const why = ignoredReason('outbound', from, event.type);
  if (why !== undefined) return { text: `ignored: ${why}`, branch };
  const effects = next.actions.flatMap(effectText);
  const parts = [
    ...effects,
    ...(from === to ? [] : [`→ ${to}`]),
    ...changesText(snapshot.context, next.snapshot),
  ];
  return { text: parts.join(', '), branch };
}
