/** The transport's grid: its columns, its rows, and what the machine decides in each cell. */
import type { SnapshotFrom } from 'xstate';

import {
  ignoredReason,
  type TransportContext,
  type TransportEvent,
  transportMachine,
} from '../../machines/index.js';
import { armedAfter, leafOf, Stepper } from '../support/step.js';
import type { Timer } from './row.js';

export type Role = TransportContext['role'];
export const PHASES = ['opening', 'detecting', 'keySent', 'garbage', 'versionPacket'] as const;
export type Phase = (typeof PHASES)[number];

/** A state in which the exchange can be; `received` and `v2only` are distinguished where they matter. */
export interface TransportColumn {
  readonly leaf: Phase;
  readonly role: Role;
  readonly v2only: boolean;
  readonly received: boolean;
}

const column = (leaf: Phase, role: Role, received: boolean, v2only = false): TransportColumn => ({
  ...{ leaf, role, received, v2only },
});

export const TRANSPORT_COLUMNS: readonly TransportColumn[] = [
  column('opening', 'initiator', false),
  column('opening', 'responder', false),
  column('detecting', 'responder', false),
  column('detecting', 'responder', false, true),
  column('keySent', 'initiator', false),
  column('keySent', 'initiator', false, true),
  column('keySent', 'initiator', true),
  column('keySent', 'initiator', true, true),
  column('keySent', 'responder', true),
  column('garbage', 'initiator', true),
  column('garbage', 'responder', true),
  column('versionPacket', 'initiator', true),
  column('versionPacket', 'responder', true),
];

/** For people and for keys: `keySent (initiator, received)`. */
export function columnName({ leaf, role, received, v2only }: TransportColumn): string {
  const details = leaf === 'keySent' && role === 'initiator' ? [received ? 'received' : 'silent'] : [];
  return `${leaf} (${[role, ...details, ...(v2only ? ['v2only'] : [])].join(', ')})`;
}

/** Core's answer by column name, or else by phase; `stay` where none is given. */
export interface TransportRow {
  readonly name: string;
  readonly rule: string;
  readonly event: TransportEvent | Timer;
  /** In words of {@link verdictOfTransport}; by column name, or else by phase. */
  readonly core: Readonly<Record<string, string>>;
  /** The function of Core in which the verdict was read, where no case of the suite shows it. */
  readonly source?: string;
  /** We decide otherwise than Core does, on purpose: where, and why. */
  readonly ours?: { readonly columns: readonly string[]; readonly why: string };
}

const row = (
  name: string,
  rule: string,
  event: TransportRow['event'],
  core: TransportRow['core'] = {},
  more: Pick<TransportRow, 'source' | 'ours'> = {},
): TransportRow => ({ ...{ name, rule, event, core }, ...more });

const CLOSED = { detecting: 'close', keySent: 'close', garbage: 'close', versionPacket: 'close' } as const;
const ENDED = { ...CLOSED, 'keySent (initiator, silent)': 'v1 anew' } as const;

const broken = (
  name: string,
  rule: string,
  code: Extract<TransportEvent, { type: 'bytes.broken' }>['code'],
): TransportRow => row(name, rule, { type: 'bytes.broken', code, facts: {} }, CLOSED);

const KEY_SENT = [
  'keySent (initiator, silent)',
  'keySent (initiator, silent, v2only)',
  'keySent (initiator, received)',
  'keySent (initiator, received, v2only)',
];
/** The one deviation. */
const PROOF = {
  columns: KEY_SENT,
  why:
    'Core reads the header as a key, and reconnects as v1 only when it received nothing at all and had sent its 24 bytes ' +
    '(ShouldReconnectV1). For us the 16 bytes are proof: v1 at once, or the end where v1 is refused',
} as const;

const links: readonly TransportRow[] = [
  row(
    'link: TCP opens',
    '6.3, 12',
    { type: 'link.connected' },
    {
      'opening (initiator)': 'key',
      'opening (responder)': 'next',
    },
    { source: 'V2Transport::V2Transport' },
  ),
  row(
    'link: is closed by the peer',
    '6.3, out-036, 037',
    { type: 'link.closed', code: 'ERR_LINK_EOF' },
    ENDED,
  ),
  row('link: is reset', '6.3, out-036, 037', { type: 'link.closed', code: 'ERR_LINK_RESET' }, ENDED),
  row(
    'timer: handshakeTimeout',
    '6.3, in-v2-019, out-039',
    { type: 'xstate.after.handshakeTimeout.transport.exchanging' },
    ENDED,
  ),
];

const bytes: readonly TransportRow[] = [
  row('bytes: the first', '6.2, in-v2d-004, out-037', { type: 'bytes.arrived' }),
  row(
    'bytes: 16 as of a v1 version',
    '6.2, in-v2d-001, 012, out-040',
    { type: 'bytes.v1' },
    {
      detecting: 'v1',
      'detecting (responder, v2only)': 'close',
    },
    { ours: PROOF },
  ),
  row(
    'bytes: one that v1 would not send',
    '6.2, in-v2d-002, 005, 006, in-v2-024',
    { type: 'bytes.v2' },
    {
      detecting: 'key',
    },
  ),
  row(
    'bytes: all 64 of their key',
    '6.2, in-v2-018, 024, out-038',
    { type: 'bytes.key' },
    {
      keySent: 'terminator',
    },
  ),
  row(
    'bytes: their terminator at once',
    '6.2, in-v2-002',
    { type: 'bytes.garbage', size: 0 },
    { garbage: 'next' },
  ),
  row(
    'bytes: their terminator behind 4,095',
    '6.2, in-v2-002',
    { type: 'bytes.garbage', size: 4_095 },
    {
      garbage: 'next',
    },
  ),
];

const packets: readonly TransportRow[] = [
  row('packet: a decoy', '6.1, in-v2-006, out-048', { type: 'packet.decoy' }),
  row('packet: version', '6.2, in-v2-007, out-038', { type: 'packet.version' }, { versionPacket: 'v2' }),
  row(
    'broken: v1 of another network',
    '6.2, in-v2d-003, 008',
    { type: 'bytes.broken', code: 'ERR_V2_OTHER_NETWORK', facts: {} },
    { ...CLOSED, ...Object.fromEntries(KEY_SENT.map((name) => [name, 'stay'])) },
    {
      ours: {
        columns: KEY_SENT,
        why: 'Core reads the header as a key; for us it says which chain the peer runs',
      },
    },
  ),
  broken('broken: no terminator in 4,111 bytes', '6.2, in-v2-003, 004, out-047', 'ERR_V2_GARBAGE'),
  broken('broken: a packet does not decrypt', '6.2, in-v2-005, out-046', 'ERR_V2_AUTH'),
  broken('broken: a packet of 4,000,014 bytes', '6.1, in-v2-013', 'ERR_V2_LENGTH'),
];

export const TRANSPORT_ROWS: readonly TransportRow[] = [...links, ...bytes, ...packets];

/** What a cell comes to; the same is read off a running node. */
export interface TransportCell {
  /** The state afterwards, when it is another one. */
  readonly to: string;
  readonly code: string;
  /** `key`, `terminator`, in order. */
  readonly sends: readonly string[];
  /** Keys of the context that changed. */
  readonly notes: readonly string[];
}

export interface DecidedTransport extends TransportCell {
  readonly armed: boolean;
  readonly why: string;
  readonly branch: object | undefined;
}

type Snapshot = SnapshotFrom<typeof transportMachine>;

/** The stepper of a column. */
export const transportStepper = ({ role, v2only }: TransportColumn): Stepper<typeof transportMachine> =>
  new Stepper(transportMachine, { id: 1, role, v2only, handshakeTimeout: 60_000 });

/** The events that lead to a column. */
export function wayToTransport({ leaf, role, received }: TransportColumn): TransportEvent[] {
  if (leaf === 'opening') return [];
  const way: TransportEvent[] = [{ type: 'link.connected' }];
  if (received) way.push({ type: 'bytes.arrived' });
  if (role === 'responder' && leaf !== 'detecting') way.push({ type: 'bytes.v2' });
  if (leaf === 'garbage' || leaf === 'versionPacket') way.push({ type: 'bytes.key' });
  if (leaf === 'versionPacket') way.push({ type: 'bytes.garbage', size: 7 });
  return way;
}

/** The machine in a column, with the timers that are armed there. */
export function transportIn(column: TransportColumn): { snapshot: Snapshot; armed: Map<string, number> } {
  const stepper = transportStepper(column);
  let { snapshot, actions } = stepper.begin();
  let armed = armedAfter(new Map(), actions);
  for (const event of wayToTransport(column)) {
    ({ snapshot, actions } = stepper.next(snapshot, event));
    armed = armedAfter(armed, actions);
  }
  return { snapshot, armed };
}

const SENDS: Readonly<Record<string, string>> = {
  'effect.sendKey': 'key',
  'effect.sendTerminator': 'terminator',
};

/** Keys of the context that differ, the reason aside. */
export function changedTransport(before: TransportContext, after: TransportContext): string[] {
  const keys = Object.keys(after) as (keyof TransportContext)[];
  return keys.filter((key) => key !== 'reason' && before[key] !== after[key]);
}

/** What the events, one after the other, come to in a column. */
export function foretellTransport(
  column: TransportColumn,
  events: readonly TransportRow['event'][],
): TransportCell {
  const stepper = transportStepper(column);
  const before = transportIn(column).snapshot;
  let snapshot = before;
  const sends: string[] = [];
  for (const event of events) {
    const step = stepper.next(snapshot, event);
    snapshot = step.snapshot;
    sends.push(...step.actions.flatMap(({ type }) => SENDS[type] ?? []));
  }
  const to = leafOf(snapshot.value);
  return {
    ...{ to: to === column.leaf ? '' : to, code: snapshot.context.reason?.code ?? '', sends },
    notes: changedTransport(before.context, snapshot.context),
  };
}

/** The cell of `row` in `column`. */
export function transportCell({ event }: TransportRow, column: TransportColumn): DecidedTransport {
  const { snapshot, armed } = transportIn(column);
  const timer = event.type.startsWith('xstate.after.');
  const [branch] = transportStepper(column).taken(snapshot, event) as { description?: string }[];
  const why = branch?.description ?? ignoredReason('transport', column.leaf, event.type) ?? '';
  return { ...foretellTransport(column, [event]), armed: !timer || armed.has(event.type), why, branch };
}

/** The cell in one line of a table. */
export function transportText(cell: DecidedTransport): string {
  if (!cell.armed) return 'not armed';
  const parts = [
    cell.sends.length > 0 ? `sends ${cell.sends.join(', ')}` : '',
    cell.to === '' ? '' : `→ ${cell.to}`,
    cell.code,
    cell.to === '' && cell.notes.length > 0 ? `notes ${cell.notes.join(', ')}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' ') : `ignored: ${cell.why}`;
}

/** Core's answers in one line: the columns in which it does something. */
export function coreTextOfTransport({ core }: TransportRow): string {
  const answers = Object.entries(core).map(([where, verdict]) => `${where}: ${verdict}`);
  return answers.length > 0 ? answers.join('; ') : 'stay';
}

/** What Core does there; undefined in `opening`, where Core has no answer before TCP is open. */
export function coreOfTransport({ core }: TransportRow, column: TransportColumn): string | undefined {
  const name = columnName(column);
  if (column.leaf === 'opening') return core[name];
  return core[name] ?? core[column.leaf] ?? 'stay';
}

const ENDS: Readonly<Record<string, string>> = { failed: 'close', fallback: 'v1 anew', v1: 'v1', v2: 'v2' };

/** The same words for a cell: `next` is a step without a word to the other side. */
export function verdictOfTransport({ to, sends }: TransportCell): string {
  if (to in ENDS) return ENDS[to]!;
  if (sends.length > 0) return sends.join(' ');
  return to === '' ? 'stay' : 'next';
}
