/** Is every (state, event) cell decided, and as Bitcoin Core decides it? The tables in test/grid are the answer. */
import { describe, expect, test } from '@jest/globals';

import {
  type ConnectionType,
  OUTBOUND_EVENTS,
  outboundMachine,
  PEER_EVENTS,
  peerMachine,
  SUPERVISOR_EVENTS,
  supervisorMachine,
} from '../machines/index.js';
import { cellOf, COLUMNS, coreOf, type Column, verdictOf } from './grid/cell.js';
import { OUTBOUND_GRID_EVENTS, OUTBOUND_SITUATIONS, outboundCell, outboundIn } from './grid/outbound.js';
import { NOT_IN_CORE } from './grid/row.js';
import { ROWS } from './grid/rows.js';
import {
  AUTOMATIC_SITUATIONS,
  FILL_EVENTS,
  GRID_EVENTS,
  type GridEvent,
  MANUAL_SITUATIONS,
  type Situation,
  ALL_SITUATIONS,
  SLOT_EVENTS,
  TYPED_EVENTS,
  TYPED_SITUATIONS,
  supervisorCell,
} from './grid/supervisor.js';
import { sourceOf } from './grid/source.js';
import { nameOf, renderPeer } from './grid/table.js';
import { staleness } from './support/generated-file.js';
import { head, line, renderPlain } from './support/markdown-table.js';
import { print } from './support/print.js';
import { branchesOf, leafOf, leavesOf } from './support/step.js';

const UPDATE = 'UPDATE_GRID';
const NOTE = `Generated from the machine's config by \`${UPDATE}=1 npm test -- test/grid\`; a stale table fails the tests.`;

describe("the peer's grid", () => {
  /** Computed by the tests, not while they are collected, so that a single test does not compute all cells. */
  const grid = () =>
    ROWS.flatMap((row) => COLUMNS.map((column) => ({ row, column, cell: cellOf(row, column) })));
  type Place = ReturnType<typeof grid>[number];

  test('has a row for every event, and names each row once', () => {
    const types = new Set(grid().map(({ row, column }) => row.event(contextFor(column))?.type));
    expect(PEER_EVENTS.filter((type) => !types.has(type))).toEqual([]);
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    print(`peer: ${ROWS.length} rows × ${COLUMNS.length} columns = ${ROWS.length * COLUMNS.length} cells`);
  });

  test("has a source of Core's verdict for every row", () => {
    expect(ROWS.filter((row) => sourceOf(row) === '').map(({ name }) => name)).toEqual([]);
    const kinds = ROWS.map((row) => sourceOf(row).replace(/:.*/, ''));
    const counts = ['run', 'read', 'notes'].map(
      (kind) => `${kinds.filter((k) => k === kind).length} ${kind}`,
    );
    print(`peer: sources of Core's verdicts, rows: ${counts.join(', ')}`);
  });

  test('shows every branch of the config', () => {
    const shown = new Set(grid().map(({ cell }) => cell.branch));
    const branches = branchesOf(peerMachine);
    const missing = branches.filter(({ definition }) => !shown.has(definition)).map(({ id }) => id);
    expect(missing).toEqual([]);
    print(`peer: ${branches.length} of ${branches.length} branches of the config are shown in the grid`);
  });

  test('has a reason code exactly where the connection ends', () => {
    const odd = grid().filter(({ cell }) => (cell.code === '') === cell.closes);
    expect(odd.map(({ row, column }) => `${row.name} · ${nameOf(column)}`)).toEqual([]);
  });

  test('has a description where nothing happens', () => {
    const mute = grid().filter(
      ({ cell }) =>
        cell.kind === 'decided' && cell.why === '' && verdictOf(cell) === 'stay' && cell.notes.length === 0,
    );
    const bare = mute.filter(({ row }) => !row.name.startsWith('timer: '));
    expect(bare.map(({ row, column }) => `${row.name} · ${nameOf(column)}`)).toEqual([]);
  });

  test('decides as Bitcoin Core does', () => {
    const judged = grid().filter(
      ({ row, column }) => ![undefined, NOT_IN_CORE].includes(coreOf(row, column)),
    );
    const differs = ({ row, column, cell }: Place) => verdictOf(cell) !== coreOf(row, column);
    const other = judged.filter((place) => differs(place) && !place.row.ours);
    const text = ({ row, column, cell }: Place) =>
      `${row.name} · ${nameOf(column)}: ${verdictOf(cell)}, Core: ${coreOf(row, column)} (${row.rule})`;
    expect(other.map(text)).toEqual([]);
    const ours = judged.filter(({ row }) => row.ours);
    expect(ours.filter((place) => !differs(place))).toEqual([]);
    print(`peer: ${judged.length} cells compared with Core's verdict, ${ours.length} differ on purpose:`);
    for (const why of new Set(ours.map(({ row }) => `${row.name}: ${row.ours}`))) print(`  ${why}`);
  });

  test('equals the committed table', () => {
    expect(staleness('test/grid/peer.md', renderPeer(ROWS, NOTE), UPDATE)).toBe('');
  });
});

/** Enough of a context for rows that look at it. */
const contextFor = ({ type }: Column) =>
  ({ pingsentat: 1, openedat: 1, pingnonce: '', connection_type: type, rules: {} }) as never;

describe('the bursts', () => {
  const SETTINGS = ['wtxidrelay', 'sendaddrv2'];
  /** protocol.md 4.1, the last column, for versions of 70016 and more; `alert` goes to 70012 and less. */
  const BURSTS: Readonly<Record<ConnectionType, readonly string[]>> = {
    inbound: ['version', ...SETTINGS, 'verack'],
    'outbound-full-relay': [...SETTINGS, 'verack', 'getaddr'],
    manual: [...SETTINGS, 'verack', 'getaddr'],
    'addr-fetch': [...SETTINGS, 'verack', 'getaddr'],
    'block-relay-only': [...SETTINGS, 'verack'],
    feeler: [...SETTINGS, 'verack'],
  };
  const burst = (type: ConnectionType, version: number): string[] => [
    ...BURSTS[type].filter((command) => version >= 70016 || !SETTINGS.includes(command)),
    ...(version <= 70012 ? ['alert'] : []),
  ];
  const waiting = COLUMNS.filter(({ leaf }) => leaf === 'awaitingVersion' || leaf === 'versionSent');
  const rowOf = (name: string) => ROWS.find((row) => row.name === name)!;

  test.each([70017, 70016, 70015, 70013, 70012, 60000])(
    'that answers version %d is that of Core',
    (version) => {
      for (const column of waiting) {
        const { sends } = cellOf(rowOf(`version: ${version}`), column);
        expect([column.type, ...sends]).toEqual([column.type, ...burst(column.type, version)]);
      }
    },
  );

  const PING = 'ping';
  const OLD_PING = 'ping(without nonce)';
  const FEE = 'feefilter(1000)';
  const CMPCT = 'sendcmpct(0, 2)';
  test.each([
    ['verack: from a 70017', [CMPCT, PING], false],
    ['verack: from a 70014', [CMPCT, PING], false],
    ['verack: from a 70013', [PING], false],
    ['verack: from a 60001', [PING], false],
    ['verack: from a 60000', [OLD_PING], false],
    ['verack: from a 70017, we relay', [CMPCT, PING], true],
    ['verack: from a 70012, we relay', [PING], false],
  ] as const)('on %s is %j', (name, expected, fee) => {
    for (const column of COLUMNS.filter(({ leaf }) => leaf === 'versionReceived')) {
      const withFee = fee && column.type !== 'block-relay-only' ? [...expected, FEE] : expected;
      expect([column.type, ...cellOf(rowOf(name), column).sends]).toEqual([column.type, ...withFee]);
    }
  });
});

describe("the supervisor's grid", () => {
  const cells = () =>
    Object.values(GRID_EVENTS).flatMap((event) =>
      Object.values(ALL_SITUATIONS).map((situation) => supervisorCell(situation, event)),
    );

  test('has a row for every event', () => {
    const types = new Set(Object.values(GRID_EVENTS).map(({ type }) => type as string));
    expect(SUPERVISOR_EVENTS.filter((type) => !types.has(type))).toEqual([]);
  });

  test('shows every branch of the config', () => {
    const shown = new Set(cells().map(({ branch }) => branch));
    const missing = branchesOf(supervisorMachine).filter(({ definition }) => !shown.has(definition));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  const tableOf = (
    situations: Readonly<Record<string, Situation>>,
    events: Readonly<Record<string, GridEvent>>,
  ): string[] => [
    ...head(['event', ...Object.keys(situations)]),
    ...Object.entries(events).map(([name, event]) =>
      line([name, ...Object.values(situations).map((situation) => supervisorCell(situation, event).text)]),
    ),
    '',
  ];

  test('equals the committed table', () => {
    const page = [
      '# What the supervisor does, cell by cell',
      '',
      NOTE,
      '',
      '## Slots',
      '',
      'One slot in each direction.',
      '',
      ...tableOf(MANUAL_SITUATIONS, SLOT_EVENTS),
      '## Automatic outbound connections',
      '',
      'Two connections are wanted. `targets` counts the automatic targets that exist (with `once`, those that are not',
      'established yet), `wanted` the connections to hold (with `once`, those that are still to be made), `candidates` the',
      'addresses that were not dialled yet.',
      '',
      ...tableOf(AUTOMATIC_SITUATIONS, { ...FILL_EVENTS, 'user.stop': SLOT_EVENTS['user.stop']! }),
      '## Connection types',
      '',
      'One full-relay and one block-relay-only connection are wanted (`blocktargets` of the `targets` are block-relay-only), and',
      'feelers. `feeling`: a feeler is under way, or its address is looked for.',
      '',
      ...tableOf(TYPED_SITUATIONS, TYPED_EVENTS),
    ];
    expect(staleness('test/grid/supervisor.md', page.join('\n'), UPDATE)).toBe('');
  });
});

describe("the outbound machine's grid", () => {
  const situations = Object.values(OUTBOUND_SITUATIONS);

  test('has a column for every state that is not final, and a row for every event', () => {
    const leaves = new Set(situations.map((situation) => leafOf(outboundIn(situation).snapshot.value)));
    const living = leavesOf(outboundMachine).filter(({ type }) => type !== 'final');
    expect([...leaves].sort()).toEqual(living.map(({ key }) => key).sort());
    const types = new Set(Object.values(OUTBOUND_GRID_EVENTS).map(({ type }) => type as string));
    expect(OUTBOUND_EVENTS.filter((type) => !types.has(type))).toEqual([]);
  });

  test('has situations that are named after their state', () => {
    for (const [name, situation] of Object.entries(OUTBOUND_SITUATIONS))
      expect([name, leafOf(outboundIn(situation).snapshot.value)]).toEqual([name, name.split(',')[0]]);
  });

  test('shows every branch of the config', () => {
    const events = Object.values(OUTBOUND_GRID_EVENTS);
    const shown = new Set(
      situations.flatMap((situation) => events.map((event) => outboundCell(situation, event).branch)),
    );
    const missing = branchesOf(outboundMachine).filter(({ definition }) => !shown.has(definition));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  test('equals the committed table', () => {
    const rows = Object.entries(OUTBOUND_GRID_EVENTS).map(([name, event]) => [
      name,
      ...situations.map((situation) => outboundCell(situation, event).text),
    ]);
    const note = [
      NOTE,
      '',
      'Where nothing else is said, a target is persistent and has one address. A delay is for a draw of 0.5, in milliseconds.',
      'In `closed` and `failed` no event is handled: both are final.',
    ].join('\n');
    const columns = ['event', ...Object.keys(OUTBOUND_SITUATIONS)];
    const page = renderPlain('What the outbound machine does, cell by cell', note, columns, rows);
    expect(staleness('test/grid/outbound.md', page, UPDATE)).toBe('');
  });
});
