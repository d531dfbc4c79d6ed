/** Compares what a node did in a cell with what the machine decides there. */
import { print } from '../support/print.js';
import { type Cell, cellOf, type Column, COLUMNS, type Decided } from './cell.js';
import { type Before, comparable, outcome, type CellRun } from './live.js';
import { obstacle } from './obstacles.js';
import type { Row } from './row.js';
import { ROWS } from './rows.js';
import { nameOf } from './table.js';

/** A cell by its row and its column. */
export interface Place {
  readonly row: Row;
  readonly column: Column;
}

/** Every cell, and those that a node can be brought into. */
export const PLACES: readonly Place[] = ROWS.flatMap((row) => COLUMNS.map((column) => ({ row, column })));
export const REACHED = PLACES.filter(({ row, column }) => obstacle(row, column) === '');

const plain = ({ to, code, sends, notes }: Cell): Cell => ({ to, code, sends, notes: [...notes].sort() });

/** The one event that the machine should have been sent; none where the session or the pool keep it away. */
function eventsFor({ row }: Place, cell: Decided, was: Before): unknown[] {
  const spared = row.spared && cell.to === '' && cell.sends.length === 0;
  const event = row.event(was.context);
  return event && !spared ? [comparable(event)] : [];
}

/** The actual and the expected outcome; equal when the node does what the machine decides. */
function compare(place: Place, run: CellRun, was: Before): [unknown, unknown] {
  const cell = cellOf(place.row, place.column);
  const name = `${place.row.name} · ${nameOf(place.column)}`;
  const events = run.peer.events
    .slice(was.events)
    .filter(({ type }) => type !== 'xstate.init')
    .map(comparable);
  const { via } = place.row;
  const ours =
    via.by === 'action' && (via.action === 'end' || via.action === 'sever' || via.action === 'refuse');
  const open = !ours && run.remote.link !== undefined;
  return [
    { name, ...plain(outcome(run, was)), events, closed: open && run.remote.ended !== '' },
    { name, ...plain(cell), events: eventsFor(place, cell, was), closed: open && cell.closes },
  ];
}

/** The reasons why cells are left out, with their number. */
function leftOut(obstacleOf: (place: Place) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const why of PLACES.map(obstacleOf).filter((why) => why !== ''))
    counts.set(why, (counts.get(why) ?? 0) + 1);
  return counts;
}

export type Play = (row: Row, column: Column) => Promise<{ run: CellRun; was: Before }>;

/** Plays the cells one after the other; returns those whose outcome is not the expected one. */
export async function playAll(
  places: readonly Place[],
  play: Play,
): Promise<{ actual: unknown[]; expected: unknown[] }> {
  const different = { actual: [] as unknown[], expected: [] as unknown[] };
  for (const place of places) {
    const { run, was } = await play(place.row, place.column);
    const [actual, expected] = compare(place, run, was);
    if (JSON.stringify(actual) === JSON.stringify(expected)) continue;
    different.actual.push(actual);
    different.expected.push(expected);
  }
  return different;
}

/** Prints how many cells were played, and why the others were not. */
export function report(
  what: string,
  count: number,
  started: number,
  obstacleOf: (place: Place) => string,
): void {
  const ms = Math.round(performance.now() - started);
  print(`${what}: ${count} of ${PLACES.length} cells exercised in ${ms} ms; not exercised:`);
  for (const [why, count] of leftOut(obstacleOf)) print(`  ${count} × ${why}`);
}

export const obstacleIn = ({ row, column }: Place): string => obstacle(row, column);
