/** The supervisor × source, targets, connections and caller, explored exhaustively: counts are right, no slot is forgotten, it ends. */
import { describe, expect, test } from '@jest/globals';

import type { SupervisorInput } from '../machines/index.js';
import { print } from './support/print.js';
import { type Moment, movesTo, supervisorProduct } from './support/supervisor-product.js';

const LIMITS: SupervisorInput = {
  ...{ maxinbound: 1, maxoutbound: 4, drainTimeout: 2_000, wanted: 2, blockwanted: 0, once: false },
  feelerInterval: 0,
};

const NODES: readonly [string, SupervisorInput, number][] = [
  ['two full-relay slots', LIMITS, 0],
  [
    'one full-relay and one block-relay-only slot, feelers',
    { ...LIMITS, blockwanted: 1, feelerInterval: 120_000 },
    0,
  ],
  ['the same after a run with anchors', { ...LIMITS, blockwanted: 1, feelerInterval: 120_000 }, 2],
  ['a slot less than targets, so that some are refused', { ...LIMITS, maxoutbound: 1 }, 0],
  ['once', { ...LIMITS, once: true }, 0],
];

describe.each(NODES)('a node with %s', (what, input, anchors) => {
  const moments = supervisorProduct(input, anchors);

  test('counts its targets and connections, exceeds no limit, and never leaves a slot empty for good', () => {
    const faulty = moments.filter(({ faults }) => faults.length > 0);
    expect(faulty.slice(0, 3).map((moment) => [moment.faults, movesTo(moment)])).toEqual([]);
    print(`supervisor, ${what}: ${moments.length} states`);
  });

  test('can stop from everywhere, and fills its slots', () => {
    const stopped = moments.filter(({ leaf }) => leaf === 'stopped');
    expect(stopped.length).toBeGreaterThan(0);
    expect(reaching(moments, stopped).size).toBe(moments.length);
    const isFull = ({ targets }: Moment): boolean =>
      targets.filter(({ is }) => is === 'established').length >= Math.min(2, input.maxoutbound);
    const running = moments.filter(({ isStopped, leaf }) => !isStopped && leaf !== 'filled');
    const full = reaching(moments, moments.filter(isFull));
    // With `once` a target that failed is not replaced when no candidate is left.
    if (!input.once) expect(running.filter((moment) => !full.has(moment)).map(movesTo)).toEqual([]);
  });
});

/** The moments from which one of `goals` can be reached. */
function reaching(moments: readonly Moment[], goals: readonly Moment[]): ReadonlySet<Moment> {
  const before = new Map<Moment, Moment[]>();
  for (const moment of moments)
    for (const to of moment.next) before.set(to, [...(before.get(to) ?? []), moment]);
  const found = new Set(goals);
  for (const moment of found) for (const from of before.get(moment) ?? []) found.add(from);
  return found;
}
