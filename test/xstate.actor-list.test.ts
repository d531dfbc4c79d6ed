/** A system that lists none of its actors works as before. */
import { expect, jest, test } from '@jest/globals';
import { createActor, fromTransition } from 'xstate';
import { listNoActors } from '../src/xstate/actor-list.js';

test('actors below a system without a list start, receive, and are found by their systemId', () => {
  const counter = fromTransition((count: number) => count + 1, 0);
  const parent = createActor(counter);
  listNoActors(parent.system);
  parent.start();
  const child = createActor(counter, { id: 'child', systemId: 'named', parent }).start();
  child.send({ type: 'more' });
  expect(child.getSnapshot().context).toBe(1);
  expect(parent.system.get('named')).toBe(child);
  expect(Object.keys(parent.system.getAll())).toEqual(['named']);
});

test('no map of the system refers to an actor that was started', () => {
  const counter = fromTransition((count: number) => count + 1, 0);
  const parent = createActor(counter);
  listNoActors(parent.system);
  parent.start();
  const child = createActor(counter, { id: 'child', parent });
  const set = jest.spyOn(Map.prototype, 'set');
  child.start();
  const keys = set.mock.calls.map(([key]): unknown => key);
  set.mockRestore();
  expect(keys).not.toContain(child.sessionId);
});
