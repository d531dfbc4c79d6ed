/** The map that releases the values of deleted entries, against a `Map`. */
import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { ReleasingMap } from '../src/node/releasing-map.js';

test('is what a Map is', () => {
  const key = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 200 }), (moves) => {
      const [map, model] = [new ReleasingMap<number, object>(), new Map<number, object>()];
      for (const [isAdded, at] of moves) {
        if (!isAdded) {
          map.delete(at);
          model.delete(at);
        } else if (!model.has(at)) {
          const value = { at };
          map.add(at, value);
          model.set(at, value);
        }
        expect([map.size, map.has(at), map.get(at)]).toEqual([model.size, model.has(at), model.get(at)]);
        expect([...map.values()]).toEqual([...model.values()]);
      }
    }),
    { numRuns: 20 },
  );
});

test('its entries may be added and deleted while they are listed', () => {
  const map = new ReleasingMap<number, { readonly id: number }>();
  const add = (id: number): void => map.add(id, { id });
  [1, 2, 3].forEach(add);
  const seen: number[] = [];
  for (const { id } of map.values()) {
    seen.push(id);
    if (id !== 1) continue;
    map.delete(2);
    add(4);
  }
  expect(seen).toEqual([1, 3, 4]);
});

test('a table that V8 has replaced refers to no deleted value', () => {
  const set = jest.spyOn(Map.prototype, 'set');
  const map = new ReleasingMap<number, object>();
  map.add(1, { id: 1 });
  const stored: unknown = set.mock.calls.at(-1)?.[1];
  set.mockRestore();
  expect(stored).toEqual({ value: { id: 1 } });
  map.delete(1);
  expect(stored).toEqual({ value: undefined });
});
