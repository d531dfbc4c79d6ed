/** The supervisor's grid: its situations, its events, and what the machine does in each cell. */
import {
  type AcceptedFacts,
  ignoredReason,
  type SupervisorContext,
  type SupervisorEvent,
  type SupervisorInput,
  supervisorMachine,
} from '../../machines/index.js';
import { armedAfter, leafOf, Stepper } from '../support/step.js';
import type { Timer } from './row.js';

export type GridEvent = SupervisorEvent | Timer;

/** How to reach a situation. */
export interface Situation {
  readonly input: SupervisorInput;
  readonly events: readonly GridEvent[];
}

export const LIMITS: SupervisorInput = {
  ...{ maxinbound: 1, maxoutbound: 1, drainTimeout: 2_000, wanted: 0, blockwanted: 0, once: false },
  feelerInterval: 0,
};

const request = (known: boolean, grouped = false): SupervisorEvent => ({
  ...{ type: 'slot.requested', ticket: 1, known, grouped },
});
const accept = (facts: Partial<AcceptedFacts> = {}): SupervisorEvent => ({
  ...{ type: 'link.accepted', ticket: 1, banned: false, discouraged: false, exceeds: '', reserved: 0 },
  ...facts,
});
const ACCEPT = accept();
const selected = (id: number): SupervisorEvent => ({ type: 'eviction.selected', ticket: 1, id });
const fill = (anchors: number): SupervisorEvent => ({ type: 'user.fill', anchors, draw: 0.5 });
const FILL = fill(0);
const STOP: SupervisorEvent = { type: 'user.stop' };
const ESTABLISHED: SupervisorEvent = { type: 'target.established' };
const peerEnded = (inbound: boolean): SupervisorEvent => ({ type: 'peer.ended', id: 1, inbound });
const found = (count: number): SupervisorEvent => ({ type: 'candidates.found', count, draw: 0.5 });
const FEELER_DUE: SupervisorEvent = { type: 'feeler.due', draw: 0.5 };
const targetEnded = (established: boolean, isBlock = false): SupervisorEvent => ({
  ...{ type: 'target.ended', established, draw: 0.5 },
  connection_type: isBlock ? 'block-relay-only' : 'outbound-full-relay',
});

/** One slot in each direction, given out to peers that a caller names and to accepted ones. */
const manual = (...events: SupervisorEvent[]): Situation => ({ input: LIMITS, events });
/** Two automatic outbound connections are to be held, and the source was asked. */
const automatic = (...events: GridEvent[]): Situation => ({
  ...{ input: { ...LIMITS, maxoutbound: 8, wanted: 2 }, events: [FILL, ...events] },
});
/** One full-relay and one block-relay-only connection, feelers, and anchors of the last run. */
const typed = (anchors: number, ...events: GridEvent[]): Situation => ({
  input: { ...LIMITS, maxoutbound: 8, wanted: 2, blockwanted: 1, feelerInterval: 120_000 },
  events: [fill(anchors), ...events],
});
const once = (...events: SupervisorEvent[]): Situation => ({
  ...{ input: { ...LIMITS, maxoutbound: 8, wanted: 2, once: true }, events: [FILL, ...events] },
});

const REFILL: Timer = { type: 'xstate.after.refillDelay.supervisor.running.waiting' };

export const MANUAL_SITUATIONS: Readonly<Record<string, Situation>> = {
  'running, no peers': manual(),
  'running, one outbound': manual(request(false)),
  'running, one inbound': manual(ACCEPT),
  'running, full': manual(request(false), ACCEPT),
  'draining, two peers': manual(request(false), ACCEPT, STOP),
  'draining, one inbound': manual(ACCEPT, STOP),
  'draining, one outbound': manual(request(false), STOP),
};

export const AUTOMATIC_SITUATIONS: Readonly<Record<string, Situation>> = {
  manual: { input: { ...LIMITS, wanted: 2 }, events: [] },
  finding: automatic(),
  'filling, two dialled, one candidate left': automatic(found(3)),
  'filling, two dialled, no candidate left': automatic(found(2)),
  'filling, one of two established': automatic(found(2), ESTABLISHED),
  'filling, one wanted': { input: { ...LIMITS, wanted: 1 }, events: [FILL, found(1)] },
  'waiting, one dialled': automatic(found(1)),
  'waiting, none dialled': automatic(found(0)),
  'finding again, one dialled': automatic(found(1), REFILL),
  'finding, once': once(),
  'filling once, two dialled, one candidate left': once(found(3)),
  'filling once, two dialled': once(found(2)),
  'filling once, one dialled': once(found(1)),
  'filling once, one established, one dialled': once(found(2), ESTABLISHED),
  filled: once(found(2), ESTABLISHED, ESTABLISHED),
};

export const TYPED_SITUATIONS: Readonly<Record<string, Situation>> = {
  manual: { ...typed(0), events: [] },
  'finding, an anchor dialled': typed(3),
  finding: typed(0),
  'filling, two dialled, one candidate left': typed(0, found(3)),
  'filling, a feeler is looked for': typed(0, found(2), FEELER_DUE),
  'waiting, one dialled': typed(0, found(1)),
};

/** Of one type of connection. */
export const SITUATIONS = { ...MANUAL_SITUATIONS, ...AUTOMATIC_SITUATIONS };
export const ALL_SITUATIONS = {
  ...SITUATIONS,
  ...Object.fromEntries(
    Object.entries(TYPED_SITUATIONS).map(([name, situation]) => [`${name}, typed`, situation]),
  ),
};

export const isTimer = (event: GridEvent): event is Timer => event.type.startsWith('xstate.');

export const SLOT_EVENTS: Readonly<Record<string, GridEvent>> = {
  'slot.requested, a new address': request(false),
  'slot.requested, a known address': request(true),
  'slot.requested, a taken netgroup': request(false, true),
  'link.accepted': ACCEPT,
  'link.accepted, banned': accept({ banned: true }),
  'link.accepted, discouraged': accept({ discouraged: true }),
  'link.accepted, its source connects too often': accept({ exceeds: 'rate' }),
  'link.accepted, its source has too many handshakes': accept({ exceeds: 'handshakes' }),
  'link.accepted, its source has too many peers': accept({ exceeds: 'peers' }),
  'link.accepted, the last slot is reserved': accept({ reserved: 1 }),
  'eviction.selected, none': selected(0),
  'eviction.selected, a peer': selected(1),
  'peer.ended, inbound': peerEnded(true),
  'peer.ended, outbound': peerEnded(false),
  'user.stop': STOP,
  'timer: drainTimeout': { type: 'xstate.after.drainTimeout.supervisor.draining' },
};

export const FILL_EVENTS: Readonly<Record<string, GridEvent>> = {
  'user.fill': FILL,
  'candidates.found, none': found(0),
  'candidates.found, one': found(1),
  'candidates.found, three': found(3),
  'target.established': ESTABLISHED,
  'target.ended, never established': targetEnded(false),
  'target.ended, after it was established': targetEnded(true),
  'timer: refillDelay': REFILL,
};

export const TYPED_EVENTS: Readonly<Record<string, GridEvent>> = {
  'user.fill': FILL,
  'user.fill, three anchors': fill(3),
  'candidates.found, three': found(3),
  'target.ended, full-relay': targetEnded(false),
  'target.ended, block-relay-only': targetEnded(false, true),
  'feeler.due': FEELER_DUE,
  'feeler.found, an address': { type: 'feeler.found', exists: true },
  'feeler.found, none': { type: 'feeler.found', exists: false },
  'feeler.ended': { type: 'feeler.ended' },
};

export const GRID_EVENTS = { ...SLOT_EVENTS, ...FILL_EVENTS, ...TYPED_EVENTS };

type Counts = Pick<
  SupervisorContext,
  'inbound' | 'outbound' | 'targets' | 'blocktargets' | 'wanted' | 'once' | 'hasOutcome' | 'feeleropen'
>;

/** Why the event cannot occur with these counts; empty when it can. */
export function impossible(event: GridEvent, counts: Counts): string {
  if (event.type === 'peer.ended' && (event.inbound ? counts.inbound : counts.outbound) === 0)
    return 'no such peer';
  if (/^feeler\.(found|ended)$/.test(event.type) && !counts.feeleropen) return 'no feeler was looked for';
  return event.type.startsWith('target.') ? impossibleTarget(event as SupervisorEvent, counts) : '';
}

/** With `once`, established targets are not counted in `targets`. */
function impossibleTarget(event: SupervisorEvent, counts: Counts): string {
  const { targets, blocktargets, once, hasOutcome } = counts;
  if (event.type === 'target.ended' && !(once && event.established)) {
    const isBlock = event.connection_type === 'block-relay-only';
    if ((isBlock ? blocktargets : targets - blocktargets) === 0) return 'no such target';
  }
  const wasEstablished = event.type === 'target.ended' && event.established;
  if (wasEstablished && !hasOutcome) return 'no target was established';
  return targets === 0 && !(once && wasEstablished) ? 'no such target' : '';
}

const steppers = new Map<SupervisorInput, Stepper<typeof supervisorMachine>>();

/** One stepper per input. */
export function stepperOf(input: SupervisorInput): Stepper<typeof supervisorMachine> {
  const stepper = steppers.get(input) ?? new Stepper(supervisorMachine, input);
  steppers.set(input, stepper);
  return stepper;
}

/** The machine in a situation, with its armed timers. */
export function stateAfter({ input, events }: Situation) {
  const stepper = stepperOf(input);
  let { snapshot, actions } = stepper.begin();
  let armed = armedAfter(new Map(), actions);
  for (const event of events) {
    ({ snapshot, actions } = stepper.next(snapshot, event));
    armed = armedAfter(armed, actions);
  }
  return { snapshot, armed };
}

const COUNTED = [
  'outbound',
  'inbound',
  'targets',
  'blocktargets',
  'wanted',
  'candidates',
  'feeleropen',
] as const;

/** The counts that changed: `targets 2, candidates 1`. */
const countsText = (before: SupervisorContext, after: SupervisorContext): string =>
  COUNTED.filter((key) => before[key] !== after[key])
    .map((key) => `${key} ${String(after[key])}`)
    .join(', ');

/** The cell as text, and the branch that was taken. */
export function supervisorCell(situation: Situation, event: GridEvent) {
  const { snapshot, armed } = stateAfter(situation);
  const why = impossible(event, snapshot.context);
  if (why !== '') return { text: why, branch: undefined };
  if (isTimer(event) && !armed.has(event.type)) return { text: 'not armed', branch: undefined };
  const stepper = stepperOf(situation.input);
  const [branch] = stepper.taken(snapshot, event) as { description?: string }[];
  const next = stepper.next(snapshot, event);
  const effects = next.actions
    .filter(({ type }) => type.startsWith('effect.'))
    .map(({ type, params }) =>
      [type.slice('effect.'.length), (params as { code?: string } | undefined)?.code].join(' ').trim(),
    );
  const [from, to] = [leafOf(snapshot.value), leafOf(next.snapshot.value)];
  const parts = [
    ...effects,
    from === to ? '' : `→ ${to}`,
    countsText(snapshot.context, next.snapshot.context),
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  const reason = ignoredReason('supervisor', from, event.type) ?? branch?.description ?? '';
  return { text: text || `ignored: ${reason}`, branch };
}
