/** The grid once more, on running nodes: what a node does on the wire is what the machine says in the cell. */
import { expect, test } from '@jest/globals';

import { obstacleIn, playAll, REACHED, report } from './grid/compare.js';
import { playInMemory } from './grid/memory.js';
import { foretold, seen, slotObstacle } from './grid/slots.js';
import { HAPPENINGS, isAbsurd, isTimer, SITUATIONS, stateAfter } from './grid/supervisor.js';
import { say } from './support/print.js';

test('over links in memory, a node does what the cell says', async () => {
  const started = performance.now();
  const { seen, foretold } = await playAll(REACHED, playInMemory);
  expect(seen).toEqual(foretold);
  report('memory', REACHED.length, started, obstacleIn);
}, 60_000);

test('a node keeps its slots as the supervisor says', async () => {
  const [got, said, left] = [[] as unknown[], [] as unknown[], new Map<string, number>()];
  for (const [name, situation] of Object.entries(SITUATIONS)) {
    for (const happening of Object.values(HAPPENINGS)) {
      if (isTimer(happening)) continue;
      const why = slotObstacle(name, happening);
      if (why !== '') left.set(why, (left.get(why) ?? 0) + 1);
      if (why !== '' || isAbsurd(happening, stateAfter(situation).snapshot.context)) continue;
      got.push([name, happening, await seen(situation, happening)]);
      said.push([name, happening, foretold(situation, happening)]);
    }
  }
  expect(got).toEqual(said);
  say(`supervisor: ${got.length} cells exercised; not exercised:`);
  for (const [why, count] of left) say(`  ${count} × ${why}`);
});
