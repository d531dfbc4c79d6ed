/** BIP324, cell by cell: the table in test/grid/transport.md, Core's verdicts, and what a node does with real bytes. */
import { describe, expect, test } from '@jest/globals';

import { TRANSPORT_EVENTS, transportMachine } from '../machines/index.js';
import {
  columnName,
  coreOfTransport,
  coreTextOfTransport,
  foretellTransport,
  TRANSPORT_COLUMNS,
  TRANSPORT_ROWS,
  transportCell,
  transportIn,
  transportStepper,
  transportText,
  verdictOfTransport,
} from './grid/transport.js';
import { obstacleTo, playTransport } from './grid/transport.live.js';
import { SOURCE_NOTE, sourceOf } from './grid/source.js';
import { staleness } from './support/generated-file.js';
import { head, line, renderPlain } from './support/markdown-table.js';
import { print } from './support/print.js';
import { branchesOf, leafOf, leavesOf } from './support/step.js';

const UPDATE = 'UPDATE_GRID';
const NOTE = [
  `Generated from the machine's config by \`${UPDATE}=1 npm test -- test/grid\`; a stale table fails the tests.`,
  '',
  'Rules are sections of the protocol notes and case ids of the conformance suite. `silent` and `received`: whether a byte of',
  'theirs has come. `v2only` has a column where it changes a cell. In `v1`, `v2`, `fallback` and `failed` no event is',
  'handled: all four are final.',
  '',
  '`Core` gives the columns in which Bitcoin Core does something, a state for all columns of that state; elsewhere it ignores',
  'the event or reads on. `v1 anew`: another connection, as v1.',
  '',
  SOURCE_NOTE,
].join('\n');

const living = leavesOf(transportMachine).filter(({ type }) => type !== 'final');
const cells = TRANSPORT_ROWS.flatMap((row) =>
  TRANSPORT_COLUMNS.map((column) => ({ row, column, cell: transportCell(row, column) })),
);
const nameOf = ({ row, column }: (typeof cells)[number]): string => `${row.name} · ${columnName(column)}`;

describe("the transport's grid", () => {
  test('has a column for every state that is not final, and each column is in its state', () => {
    const leaves = TRANSPORT_COLUMNS.map((column) => leafOf(transportIn(column).snapshot.value));
    expect(leaves).toEqual(TRANSPORT_COLUMNS.map(({ leaf }) => leaf));
    expect([...new Set(leaves)].sort()).toEqual(living.map(({ key }) => key).sort());
    const contexts = TRANSPORT_COLUMNS.map((column) => transportIn(column).snapshot.context);
    expect(contexts).toMatchObject(
      TRANSPORT_COLUMNS.map(({ role, received, v2only }) => ({ role, received, v2only })),
    );
  });

  test('has a row for every event, names each row once and gives its rule', () => {
    const types = new Set(TRANSPORT_ROWS.map(({ event }) => event.type as string));
    expect(TRANSPORT_EVENTS.filter((type) => !types.has(type))).toEqual([]);
    expect(new Set(TRANSPORT_ROWS.map(({ name }) => name)).size).toBe(TRANSPORT_ROWS.length);
    expect(TRANSPORT_ROWS.filter(({ rule }) => !/^6\.[123]/.test(rule))).toEqual([]);
    expect(TRANSPORT_ROWS.filter((row) => sourceOf(row) === '').map(({ name }) => name)).toEqual([]);
    const ruled = TRANSPORT_ROWS.filter(({ rule }) => /(in|out)-/.test(rule)).length;
    print(
      `transport: ${TRANSPORT_ROWS.length} rows × ${TRANSPORT_COLUMNS.length} columns = ${cells.length} cells, all decided; ${ruled} rows name conformance cases`,
    );
  });

  test('leaves out v2only only where it changes nothing', () => {
    const shown = new Set(TRANSPORT_COLUMNS.map(columnName));
    for (const column of TRANSPORT_COLUMNS) {
      const strict = { ...column, v2only: true };
      if (shown.has(columnName(strict))) continue;
      for (const row of TRANSPORT_ROWS)
        expect([row.name, transportText(transportCell(row, strict))]).toEqual([
          row.name,
          transportText(transportCell(row, column)),
        ]);
    }
  });

  test('shows every branch of the config', () => {
    const shown = new Set(cells.map(({ cell }) => cell.branch));
    const branches = branchesOf(transportMachine);
    expect(branches.filter(({ definition }) => !shown.has(definition)).map(({ id }) => id)).toEqual([]);
    print(`transport: ${branches.length} of ${branches.length} branches of the config are shown in the grid`);
  });

  test('has a reason code exactly where the connection ends, and a description where nothing happens', () => {
    const ends = cells.filter(({ cell }) => (cell.code !== '') !== ['failed', 'fallback'].includes(cell.to));
    expect(ends.map(nameOf)).toEqual([]);
    const mute = cells.filter(({ cell }) => transportText(cell) === 'ignored: ');
    expect(mute.map(nameOf)).toEqual([]);
  });

  test('decides as Bitcoin Core does', () => {
    const judged = cells.filter(({ row, column }) => coreOfTransport(row, column) !== undefined);
    const differs = ({ row, column, cell }: (typeof cells)[number]) =>
      verdictOfTransport(cell) !== coreOfTransport(row, column);
    const isOurs = ({ row, column }: (typeof cells)[number]) =>
      row.ours?.columns.includes(columnName(column));
    const other = judged.filter((place) => differs(place) && !isOurs(place));
    const text = (place: (typeof cells)[number]) =>
      `${nameOf(place)}: ${verdictOfTransport(place.cell)}, Core: ${coreOfTransport(place.row, place.column)}`;
    expect(other.map(text)).toEqual([]);
    const ours = judged.filter(isOurs);
    expect(ours.filter((place) => !differs(place)).map(nameOf)).toEqual([]);
    print(`transport: ${judged.length} cells compared with Core's verdict, ${ours.length} differ on purpose`);
  });

  test('ignores every event in a final state', () => {
    const over = cells.filter(({ cell }) => ['v1', 'v2', 'fallback', 'failed'].includes(cell.to));
    for (const { row, column } of over) {
      const stepper = transportStepper(column);
      const { snapshot } = stepper.next(transportIn(column).snapshot, row.event);
      expect(snapshot.status).toBe('done');
      for (const { event } of TRANSPORT_ROWS) expect(stepper.next(snapshot, event).actions).toEqual([]);
    }
  });

  test('equals the committed table', () => {
    const rows = TRANSPORT_ROWS.map((row) => [
      row.name,
      row.rule,
      coreTextOfTransport(row),
      sourceOf(row),
      ...TRANSPORT_COLUMNS.map((column) => transportText(transportCell(row, column))),
    ]);
    const names = ['event', 'rule', 'Core', 'source', ...TRANSPORT_COLUMNS.map(columnName)];
    const ours = TRANSPORT_ROWS.flatMap(({ name, ours }) =>
      ours ? [line([name, ours.columns.join('; '), ours.why])] : [],
    );
    const table = [
      renderPlain('What the transport machine does, cell by cell', NOTE, names, rows),
      '## Where we differ from Core on purpose',
      '',
      ...head(['event', 'columns', 'why']),
      ...ours,
      '',
    ].join('\n');
    expect(staleness('test/grid/transport.md', table, UPDATE)).toBe('');
  });
});

test('with real bytes, a node does what the machine decides in each cell', async () => {
  const started = performance.now();
  const left = new Map<string, number>();
  const [seen, expected] = [[] as unknown[], [] as unknown[]];
  for (const place of cells) {
    const why = obstacleTo(place.row, place.column);
    if (why !== '') {
      left.set(why, (left.get(why) ?? 0) + 1);
      continue;
    }
    const { events, ...outcome } = await playTransport(place.row, place.column);
    seen.push({ name: nameOf(place), ...outcome, events: events.map(({ type }) => type) });
    const cell = foretellTransport(place.column, events);
    const redials = cell.to === 'fallback';
    expected.push({ name: nameOf(place), ...cell, redials, events: shownOf(place) });
  }
  expect(seen).toEqual(expected);
  const ms = Math.round(performance.now() - started);
  print(`transport: ${seen.length} of ${cells.length} cells exercised on a node in ${ms} ms; not exercised:`);
  for (const [why, count] of left) print(`  ${count} × ${why}`);
});

/** The events that the machine should have got: the first byte is an event of its own. */
function shownOf({ row, column }: (typeof cells)[number]): string[] {
  const { type } = row.event;
  const ofBytes = type.startsWith('bytes.') && type !== 'bytes.arrived';
  const isJudged = type === 'bytes.v1' && column.role === 'responder' && column.leaf !== 'detecting';
  return [...(ofBytes && !column.received ? ['bytes.arrived'] : []), ...(isJudged ? [] : [type])];
}
