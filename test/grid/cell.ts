/** The columns of the peer's grid, and the machine's outcome in each of its cells. */
import type { SnapshotFrom } from 'xstate';

import {
  CONNECTION_TYPES,
  OUTBOUND_CONNECTION_TYPES,
  type ConnectionType,
  CORE_RULES,
  ignoredReason,
  type MessageSequence,
  messagesOf,
  type Outgoing,
  type PeerContext,
  type PeerEvent,
  peerMachine,
} from '../../machines/index.js';
import { armedAfter, leafOf, Stepper } from '../support/step.js';
import { versionEvent } from './handshake.js';
import { type Given, PINGNONCE, type Row, type Timer } from './row.js';

export const NON_FINAL_STATES = [
  'connecting',
  'awaitingVersion',
  'versionSent',
  'versionReceived',
  'established',
] as const;
export type NonFinalState = (typeof NON_FINAL_STATES)[number];

/** A state in which a connection of that type can be. */
export interface Column {
  readonly leaf: NonFinalState;
  readonly type: ConnectionType;
}

const STAYING = CONNECTION_TYPES.filter((type) => type !== 'feeler');

/** The types that reach it: an inbound peer does not send first, and a feeler ends before it awaits a verack. */
export const TYPES_IN: Readonly<Record<NonFinalState, readonly ConnectionType[]>> = {
  connecting: CONNECTION_TYPES,
  awaitingVersion: ['inbound'],
  versionSent: OUTBOUND_CONNECTION_TYPES,
  versionReceived: STAYING,
  established: STAYING,
};

export const COLUMNS: readonly Column[] = NON_FINAL_STATES.flatMap((leaf) =>
  TYPES_IN[leaf].map((type) => ({ leaf, type })),
);

/** What a cell comes to. The same form is read off the machine and off a running node. */
export interface Cell {
  /** The state afterwards, when it is another one. */
  readonly to: string;
  /** The code of the reason, in a final state. */
  readonly code: string;
  /** Messages sent, in order, with what matters in them. */
  readonly sends: readonly string[];
  /** Keys of the context that changed. */
  readonly notes: readonly string[];
}

/** A machine's cell, and in the config's own words why. */
export interface Decided extends Cell {
  readonly kind: 'decided' | 'unarmed' | 'outside';
  readonly why: string;
  /** The branch that decided. */
  readonly branch: object | undefined;
  readonly closes: boolean;
}

type Snapshot = SnapshotFrom<typeof peerMachine>;
const steppers = new Map<string, Stepper<typeof peerMachine>>();

/** A stepper per type and rules. */
export function stepperOf(type: ConnectionType, given: Given = {}): Stepper<typeof peerMachine> {
  const rules = { ...CORE_RULES, ...given.rules };
  const key = JSON.stringify([type, rules]);
  const found = steppers.get(key) ?? new Stepper(peerMachine, { id: 1, connection_type: type, rules });
  steppers.set(key, found);
  return found;
}

const TICK: PeerEvent = {
  ...{ type: 'clock.tick', at: 122_000, lastrecv: 122_000, lastsend: 122_000 },
  ...{ stalledat: -1, pending: 0, nonce: PINGNONCE },
};

/** What has happened since the handshake. */
function since({ pings, asked }: Given): PeerEvent[] {
  const events: PeerEvent[] = pings ? [{ type: 'wire.pong', at: 1_000, nonce: PINGNONCE }] : [];
  if (asked) events.push({ type: 'wire.getaddr' });
  if (pings === 'pinged') events.push(TICK);
  return events;
}

/** The events that lead to a column. */
export function eventsTo({ leaf, type }: Column, given: Given = {}): PeerEvent[] {
  if (leaf === 'connecting') return [];
  const way: PeerEvent[] = [{ type: 'link.open', at: 1_000, elapsed: 0 }];
  if (given.self && type !== 'inbound') way.push({ type: 'supervisor.self' });
  if (leaf === 'awaitingVersion' || leaf === 'versionSent') return way;
  const version = versionEvent({ version: given.version ?? 70017 });
  way.push({ ...version, at: 1_000 } as PeerEvent);
  if (leaf === 'versionReceived') return way;
  way.push({ type: 'wire.verack', at: 1_000, nonce: PINGNONCE });
  way.push(...since(given));
  return type === 'feeler' ? [] : way;
}

interface Place {
  readonly snapshot: Snapshot;
  readonly armed: ReadonlyMap<string, number>;
}

const NOTHING: Given = {};
const places = new Map<Given, Map<string, Place>>();

/** The machine in a column, with the timers that are armed there. */
export function stateIn(column: Column, given: Given = NOTHING): Place {
  const known = places.get(given) ?? new Map<string, Place>();
  places.set(given, known);
  const key = keyOf(column);
  const place = known.get(key) ?? lead(column, given);
  known.set(key, place);
  return place;
}

function lead(column: Column, given: Given): Place {
  const stepper = stepperOf(column.type, given);
  let { snapshot, actions } = stepper.begin();
  let armed = armedAfter(new Map(), actions);
  for (const event of eventsTo(column, given)) {
    ({ snapshot, actions } = stepper.next(snapshot, event));
    armed = armedAfter(armed, actions);
  }
  return { snapshot, armed };
}

/** How a message reads in a cell. */
export function describe(message: Outgoing): string {
  if (message.command === 'sendcmpct') return `sendcmpct(${message.announce}, ${Number(message.version)})`;
  if (message.command === 'feefilter') return `feefilter(${Number(`0x${message.feerate}`)})`;
  if (message.command === 'pong') return `pong(${message.nonce})`;
  if (message.command === 'ping') return message.nonce === '' ? 'ping(without nonce)' : 'ping';
  return message.command;
}

/** Keys whose values differ; the reason is compared by its code. */
export function changed(before: PeerContext, after: PeerContext): string[] {
  const keys = Object.keys(after) as (keyof PeerContext)[];
  const differs = (key: keyof PeerContext) =>
    before[key] !== after[key] && JSON.stringify(before[key]) !== JSON.stringify(after[key]);
  return keys.filter((key) => key !== 'reason' && differs(key));
}

const BLANK = { to: '', code: '', sends: [], notes: [], why: '', branch: undefined, closes: false } as const;

const keyOf = ({ leaf, type }: Column): string => `${leaf} ${type}`;

const cells = new Map<Row, Map<string, Decided>>();

/** The cell of `row` in `column`. */
export function cellOf(row: Row, column: Column): Decided {
  const known = cells.get(row) ?? new Map<string, Decided>();
  cells.set(row, known);
  const key = keyOf(column);
  const cell = known.get(key) ?? judge(row, column);
  known.set(key, cell);
  return cell;
}

function judge(row: Row, column: Column): Decided {
  const { snapshot, armed } = stateIn(column, row.given);
  const event = row.event(snapshot.context);
  if (!event) return { ...BLANK, kind: 'outside', why: 'not shown to the machine' };
  if (event.type.startsWith('xstate.after.') && !armed.has(event.type)) return { ...BLANK, kind: 'unarmed' };
  return decide(stepperOf(column.type, row.given), snapshot, event);
}

function decide(stepper: Stepper<typeof peerMachine>, before: Snapshot, event: PeerEvent | Timer): Decided {
  const [branch] = stepper.taken(before, event) as { description?: string }[];
  const { snapshot, actions } = stepper.next(before, event);
  const sends = actions
    .filter(({ type }) => type === 'effect.send')
    .flatMap(({ params, info }) =>
      messagesOf(
        (params as { sequence: MessageSequence }).sequence,
        info.context as PeerContext,
        event as PeerEvent,
      ),
    );
  const [from, to] = [leafOf(before.value), leafOf(snapshot.value)];
  return {
    ...{ kind: 'decided', to: to === from ? '' : to, code: snapshot.context.reason?.code ?? '' },
    ...{ sends: sends.map(describe), notes: changed(before.context, snapshot.context), branch },
    ...{ why: branch?.description ?? ignoredReason('peer', from, event.type) ?? '' },
    ...{ closes: actions.some(({ type }) => type === 'effect.close') },
  };
}

/** The cell in one line of a table. */
export function textOf(cell: Decided): string {
  if (cell.kind === 'unarmed') return 'not armed';
  if (cell.kind === 'outside') return 'not shown to the machine';
  const parts = [
    cell.sends.length > 0 ? `sends ${cell.sends.join(', ')}` : '',
    cell.to === '' ? '' : `→ ${cell.to}`,
    cell.code,
    cell.to === '' && cell.notes.length > 0 ? `notes ${cell.notes.join(', ')}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' ') : `ignored: ${cell.why}`;
}

/** What Core does there, in the row's words; undefined while connecting, where Core has no messages to judge. */
export function coreOf(row: Row, { leaf, type }: Column): string | undefined {
  const [awaitsVersion, awaitsVerack, established] = row.coreBy?.[type] ?? row.core;
  if (leaf === 'connecting') return undefined;
  if (leaf === 'established') return established;
  return leaf === 'versionReceived' ? awaitsVerack : awaitsVersion;
}

/** The same words for what a cell comes to. */
export function verdictOf(cell: Cell): string {
  if (cell.to === 'failed' || cell.to === 'closed') return 'close';
  if (cell.to === 'versionReceived') return 'K';
  if (cell.to === 'established') return 'E';
  return cell.sends.length === 0 ? 'stay' : cell.sends.map((send) => send.replace(/\(.*/, '')).join(' ');
}
