/** Each (state, event) cell of each machine is either in its chart or in machines/ignored.ts, never in both, never in neither. */
import { describe, expect, test } from '@jest/globals';

import { IGNORED, type IgnoredCells, MACHINES } from '../machines/index.js';
import { print } from './support/print.js';
import { candidatesOf, leavesOf } from './support/step.js';

const cellName = (state: string, event: string): string => `${state} · ${event}`;

const cellsIn = (groups: readonly IgnoredCells[]): string[] =>
  groups.flatMap(({ states, events }) =>
    states.flatMap((state) => events.map((event) => cellName(state, event))),
  );

interface Candidate {
  readonly target?: unknown;
  readonly actions: readonly unknown[];
  readonly guard?: unknown;
}
const isEmpty = ({ target, actions }: Candidate): boolean => !target && actions.length === 0;
/** It only keeps the event from the parent states: an ignored cell. */
const isForbidden = ([first]: readonly Candidate[]): boolean =>
  first !== undefined && first.guard === undefined && isEmpty(first);

describe.each(MACHINES)('the $name machine', ({ name, machine, events }) => {
  const { unhandled, unmatched } = IGNORED[name]!;
  const cells = leavesOf(machine)
    .filter(({ type }) => type !== 'final')
    .flatMap((leaf) =>
      events.map((event) => ({ name: cellName(leaf.key, event), candidates: candidatesOf(leaf, event) })),
    );

  test('has each cell in the chart or in the table of ignored cells', () => {
    const inChart = cells
      .filter(({ candidates }) => candidates.length > 0 && !isForbidden(candidates))
      .map((cell) => cell.name);
    expect([...inChart, ...cellsIn(unhandled)].sort()).toEqual(cells.map((cell) => cell.name).sort());
    print(
      `${name}: ${cells.length} cells, ${inChart.length} in the chart, ${cells.length - inChart.length} ignored`,
    );
  });

  test('gives a reason for each cell that false guards can leave without a transition', () => {
    const open = cells.filter(({ candidates }) => candidates.at(-1)?.guard !== undefined);
    expect(cellsIn(unmatched).sort()).toEqual(open.map((cell) => cell.name).sort());
  });

  test('has no transition that changes nothing', () => {
    const idle = cells.flatMap((cell) =>
      !isForbidden(cell.candidates) && cell.candidates.some(isEmpty) ? [cell.name] : [],
    );
    expect(idle).toEqual([]);
  });

  test('has a reason for each ignored cell', () => {
    expect([...unhandled, ...unmatched].filter(({ reason }) => reason === '')).toEqual([]);
  });
});

test('every table belongs to a machine', () => {
  expect(Object.keys(IGNORED).sort()).toEqual(MACHINES.map(({ name }) => name).sort());
});
