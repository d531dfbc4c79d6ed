/** The grid once more, on running nodes: a node does on the wire what the machine decides in the cell. */
import { expect, test } from '@jest/globals';

import { obstacleIn, playAll, REACHED, report } from './grid/compare.js';
import { playInMemory } from './grid/memory.js';
import { OUTBOUND_GRID_EVENTS, OUTBOUND_SITUATIONS } from './grid/outbound.js';
import { expectedOutbound, outboundObstacle, outboundOnNode } from './grid/outbound.live.js';
import { expectedOutcome, outcomeOnNode, slotObstacle } from './grid/slots.js';
import { FILL_EVENTS, impossible, isTimer, SITUATIONS, SLOT_EVENTS, stateAfter } from './grid/supervisor.js';
import { print } from './support/print.js';

test('over links in memory, a node does what the machine decides in each cell', async () => {
  const started = performance.now();
  const { actual, expected } = await playAll(REACHED, playInMemory);
  expect(actual).toEqual(expected);
  report('memory', REACHED.length, started, obstacleIn);
});

test('a node keeps its slots as the supervisor decides', async () => {
  const [actual, expected, left] = [[] as unknown[], [] as unknown[], new Map<string, number>()];
  for (const [name, situation] of Object.entries(SITUATIONS)) {
    const { snapshot, armed } = stateAfter(situation);
    for (const [eventName, event] of Object.entries({ ...SLOT_EVENTS, ...FILL_EVENTS })) {
      if ((isTimer(event) && !armed.has(event.type)) || impossible(event, snapshot.context) !== '') continue;
      const why = slotObstacle(name, situation, event);
      if (why !== '') left.set(why, (left.get(why) ?? 0) + 1);
      if (why !== '') continue;
      actual.push([name, eventName, await outcomeOnNode(situation, event)]);
      expected.push([name, eventName, expectedOutcome(situation, event)]);
    }
  }
  expect(actual).toEqual(expected);
  print(`supervisor: ${actual.length} cells exercised; not exercised:`);
  for (const [why, count] of left) print(`  ${count} × ${why}`);
});

test('a target does what the outbound machine decides', async () => {
  const [actual, expected, left] = [[] as unknown[], [] as unknown[], new Map<string, number>()];
  for (const [name, situation] of Object.entries(OUTBOUND_SITUATIONS)) {
    for (const [eventName, event] of Object.entries(OUTBOUND_GRID_EVENTS)) {
      const why = outboundObstacle(name, eventName);
      if (why !== '') left.set(why, (left.get(why) ?? 0) + 1);
      if (why !== '') continue;
      actual.push([name, eventName, await outboundOnNode(situation, eventName, event)]);
      expected.push([name, eventName, expectedOutbound(situation, event)]);
    }
  }
  expect(actual).toEqual(expected);
  print(`outbound: ${actual.length} cells exercised; not exercised:`);
  for (const [why, count] of left) print(`  ${count} × ${why}`);
});
