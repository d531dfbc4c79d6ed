/**
 * The supervisor × its surroundings, explored exhaustively: the source of candidates, the automatic targets with their slots and
 * connections, the timer of feelers, and a caller who may stop the node at any moment. Each answers in every way that it can.
 */
import type { SnapshotFrom } from 'xstate';

import {
  type SlotType,
  type SupervisorEvent,
  type SupervisorInput,
  supervisorMachine,
} from '../../machines/index.js';
import { type Action, armedAfter, leafOf, Stepper } from './step.js';

type Snapshot = SnapshotFrom<typeof supervisorMachine>;

/** A target of the machine: its type and how far it is. `refused`: it got no slot and its end is not reported yet. */
export interface Target {
  readonly type: SlotType | 'feeler';
  readonly is: 'asking' | 'refused' | 'dialling' | 'established' | 'ended';
}

/** What is outside of the machine. */
interface Surroundings {
  readonly targets: readonly Target[];
  /** Questions to the source that have no answer yet. */
  readonly finding: number;
  readonly findingFeeler: number;
  readonly isFeelerArmed: boolean;
  readonly isStopped: boolean;
}

/** One moment. */
export interface Moment extends Surroundings {
  readonly snapshot: Snapshot;
  readonly leaf: string;
  readonly armed: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  readonly by: { readonly from: Moment; readonly move: string } | undefined;
  /** Where the moves from here lead; filled while exploring. */
  readonly next: Moment[];
}

type Event = SupervisorEvent | { readonly type: `xstate.after.${string}` };
/** An event, and the surroundings in which the machine gets it. */
type Move = readonly [name: string, event: Event, around: Surroundings];

/** Moments beyond which the surroundings are described wrongly. */
const MOST = 50_000;

/** Holds for each answer of the source: none, too few, as many as are wanted, more. */
const COUNTS = [0, 1, 2, 3];

const isOpen = ({ is }: Target): boolean => is === 'dialling' || is === 'established';
const slotTargets = ({ targets }: Surroundings): readonly Target[] =>
  targets.filter(({ type }) => type !== 'feeler');
const countOf = (targets: readonly Target[], type: Target['type']): number =>
  targets.filter((target) => target.type === type).length;

/** The surroundings with one target changed, or gone. */
function changed(around: Surroundings, target: Target, is?: Target['is']): Surroundings {
  const others = [...around.targets];
  others.splice(around.targets.indexOf(target), 1);
  return { ...around, targets: is ? [...others, { ...target, is }] : others };
}

/** The end of a target, as its actor reports it. */
function endOf({ type, is }: Target): SupervisorEvent {
  if (type === 'feeler') return { type: 'feeler.ended' };
  return { type: 'target.ended', connection_type: type, established: is === 'ended', draw: 0.5 };
}

/** `ended` remembers that the handshake was complete, `refused` that it was not. */
function movesOf(around: Surroundings, target: Target): Move[] {
  const name = `${target.type} ${target.is}`;
  if (target.is === 'asking') {
    const requests = [false, true].map((known): SupervisorEvent => ({
      ...{ type: 'slot.requested', ticket: 1, known, grouped: false },
    }));
    // The effect that answers finds this one first.
    const others = changed(around, target).targets;
    const asking = { ...around, targets: [target, ...others] };
    return requests.map((event, n) => [`${name}, known: ${n > 0}`, event, asking]);
  }
  if (target.is === 'refused' || target.is === 'ended')
    return [[`${name}: reported`, endOf(target), changed(around, target)]];
  const ended: SupervisorEvent = { type: 'peer.ended', id: 1, inbound: false };
  const isDialling = target.is === 'dialling';
  const end: Move = [`${name}: ends`, ended, changed(around, target, isDialling ? 'refused' : 'ended')];
  if (!isDialling || target.type === 'feeler') return [end];
  const established = changed(around, target, 'established');
  return [end, [`${name}: established`, { type: 'target.established' }, established]];
}

function movesFrom(moment: Moment): Move[] {
  const { finding, findingFeeler, isFeelerArmed, isStopped, armed } = moment;
  const answered = { ...moment, finding: finding - 1 };
  const found = COUNTS.map((count): Move => [
    `the source names ${count}`,
    { type: 'candidates.found', count, draw: 0.5 },
    answered,
  ]);
  const feelers = [false, true].map((exists): Move => [
    `an address for a feeler: ${exists}`,
    { type: 'feeler.found', exists },
    { ...moment, findingFeeler: findingFeeler - 1 },
  ]);
  const due: Move = [
    'a feeler is due',
    { type: 'feeler.due', draw: 0.5 },
    { ...moment, isFeelerArmed: false },
  ];
  return [
    ...(finding > 0 && !isStopped ? found : []),
    ...(findingFeeler > 0 && !isStopped ? feelers : []),
    ...(isFeelerArmed && !isStopped ? [due] : []),
    ...distinct(moment.targets).flatMap((target) => movesOf(moment, target)),
    ...[...armed.keys()].map((type): Move => [type, { type } as Event, moment]),
    ...(isStopped
      ? []
      : [['the caller stops it', { type: 'user.stop' }, { ...moment, isStopped: true }] as Move]),
  ];
}

const spelled = ({ type, is }: Target): string => `${type} ${is}`;
const distinct = (targets: readonly Target[]): Target[] => [
  ...new Map(targets.map((target) => [spelled(target), target])).values(),
];

const opened = (type: Target['type'], count: number): Target[] =>
  Array.from({ length: count }, () => ({ type, is: 'asking' }));

type Effect = (around: Surroundings, context: Snapshot['context']) => Surroundings;

const answerTo =
  (is: Target['is']): Effect =>
  (around) => {
    const asking = around.targets.find((target) => target.is === 'asking');
    return asking ? changed(around, asking, is) : around;
  };

const openTargets: Effect = (around, { opening, blockopening }) => ({
  ...around,
  targets: [
    ...around.targets,
    ...opened('outbound-full-relay', opening - blockopening),
    ...opened('block-relay-only', blockopening),
  ],
});

/** What each effect changes outside. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  'effect.findCandidates': (around) => ({ ...around, finding: around.finding + 1 }),
  'effect.findFeeler': (around) => ({ ...around, findingFeeler: around.findingFeeler + 1 }),
  'effect.armFeeler': (around, { feelerdelay }) => ({ ...around, isFeelerArmed: feelerdelay > 0 }),
  'effect.openFeeler': (around) => ({ ...around, targets: [...around.targets, ...opened('feeler', 1)] }),
  'effect.grantSlot': answerTo('dialling'),
  'effect.refuseSlot': answerTo('refused'),
  'effect.openTargets': openTargets,
  'effect.openAnchors': openTargets,
};

const afterEffects = (
  around: Surroundings,
  { context }: Snapshot,
  actions: readonly Action[],
): Surroundings => actions.reduce((next, { type }) => EFFECTS[type]?.(next, context) ?? next, around);

type Claims = readonly (readonly [isFault: boolean, fault: string])[];

function faultsOf(moment: Moment, actions: readonly Action[]): string[] {
  const claims = [...countClaims(moment), ...feelerClaims(moment, actions), ...waitingClaims(moment)];
  return claims.filter(([isFault]) => isFault).map(([, fault]) => fault);
}

/** The counts of the context are those of what exists. With `once` an established target no longer counts. */
function countClaims(moment: Moment): Claims {
  const { context } = moment.snapshot;
  const slots = slotTargets(moment);
  const counted = context.once ? slots.filter(({ is }) => is !== 'established' && is !== 'ended') : slots;
  // While it drains, targets no longer matter.
  const isRunning = !moment.isStopped;
  const full = countOf(slots, 'outbound-full-relay');
  const block = countOf(slots, 'block-relay-only');
  const open = moment.targets.filter(isOpen).length;
  return [
    [
      isRunning && context.targets !== counted.length,
      `${context.targets} targets counted, ${counted.length} exist`,
    ],
    [
      isRunning && !context.once && context.blocktargets !== block,
      'block-relay-only targets counted wrongly',
    ],
    [full > 2, 'more full-relay targets than slots'],
    [block > context.blockwanted, 'more block-relay-only targets than slots'],
    [context.outbound !== open, `${context.outbound} connections counted, ${open} exist`],
    [open > context.maxoutbound, 'more connections than slots'],
  ];
}

function feelerClaims(moment: Moment, actions: readonly Action[]): Claims {
  const { context } = moment.snapshot;
  const feelers = countOf(moment.targets, 'feeler') + moment.findingFeeler;
  const begins = actions.some(({ type }) => type === 'effect.findFeeler');
  return [
    [feelers > 1, 'two feelers'],
    [
      !moment.isStopped && context.feeleropen !== feelers > 0,
      'it does not know whether a feeler is under way',
    ],
    [begins && context.targets < context.wanted, 'a feeler although a slot is empty'],
    [moment.finding > 1, 'the source is asked twice at a time'],
  ];
}

/** While the node runs an empty slot has an answer or a delay to wait for. */
function waitingClaims({ snapshot, leaf, finding, armed, isStopped, targets }: Moment): Claims {
  const { context } = snapshot;
  const isFilling = !isStopped && leaf !== 'filled' && leaf !== 'manual';
  const isShort = context.targets < context.wanted;
  const isWaiting = finding > 0 || armed.size > 0 || (context.once && context.targets > 0);
  const isOver = leaf === 'stopped';
  return [
    [isFilling && isShort && !isWaiting, 'an empty slot waits for nothing'],
    [leaf === 'filled' && targets.some(({ is }) => is === 'asking'), 'filled, and a target asks'],
    [isOver && armed.size > 0, 'stopped, and a timer is armed'],
  ];
}

function keyOf(moment: Moment): string {
  const { leaf, snapshot, finding, findingFeeler, isFeelerArmed, isStopped, armed } = moment;
  const { candidates, wanted, hasOutcome, feeleropen, outbound } = snapshot.context;
  const targets = moment.targets.map(spelled).sort();
  const facts = [
    candidates,
    wanted,
    hasOutcome,
    feeleropen,
    outbound,
    finding,
    findingFeeler,
    isFeelerArmed,
    isStopped,
  ];
  return JSON.stringify([leaf, facts, targets, [...armed.keys()]]);
}

/** Every moment that can be reached, the nearest first; `faults` of each names what must not be. */
export function supervisorProduct(input: SupervisorInput, anchors: number): readonly Moment[] {
  const stepper = new Stepper(supervisorMachine, input);
  const fill: Move = ['it is to fill its slots', { type: 'user.fill', anchors, draw: 0.5 }, NOTHING];
  const before = {
    ...NOTHING,
    snapshot: stepper.begin().snapshot,
    leaf: 'manual',
    armed: new Map<string, number>(),
  };
  const start = after(stepper, { ...before, faults: [], by: undefined, next: [] }, fill);
  const known = new Map([[keyOf(start), start]]);
  const moments = [start];
  for (const moment of moments) {
    if (moment.leaf === 'stopped' || moment.faults.length > 0) continue;
    for (const move of movesFrom(moment)) {
      const to = after(stepper, moment, move);
      const same = known.get(keyOf(to));
      moment.next.push(same ?? to);
      if (same && to.faults.length === 0) continue;
      known.set(keyOf(to), to);
      moments.push(to);
      if (moments.length > MOST) throw new Error(`more than ${MOST} states`);
    }
  }
  return moments;
}

const NOTHING: Surroundings = {
  targets: [],
  finding: 0,
  findingFeeler: 0,
  isFeelerArmed: false,
  isStopped: false,
};

function after(
  stepper: Stepper<typeof supervisorMachine>,
  from: Moment,
  [move, event, around]: Move,
): Moment {
  const { snapshot, actions } = stepper.next(from.snapshot, event);
  const { targets, finding, findingFeeler, isFeelerArmed, isStopped } = afterEffects(
    around,
    snapshot,
    actions,
  );
  const next: Moment = {
    ...{ targets, finding, findingFeeler, isFeelerArmed, isStopped, snapshot, leaf: leafOf(snapshot.value) },
    ...{ armed: armedAfter(from.armed, actions), faults: [], by: { from, move }, next: [] },
  };
  // A running timer that fires is no longer armed.
  if (event.type.startsWith('xstate.')) (next.armed as Map<string, number>).delete(event.type);
  return { ...next, faults: faultsOf(next, actions) };
}

/** The moves that lead to a moment. */
export function movesTo({ by }: Moment): string[] {
  return by ? [...movesTo(by.from), by.move] : [];
}
