/** Work on a long list: bounded at a time, in order, and over when it is interrupted. */
import { expect, test } from '@jest/globals';
import { eachOf } from '../src/cli/each-of.js';

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('at most so many items at a time; the results are in the order of the items', async () => {
  let [active, most] = [0, 0];
  const results = await eachOf(
    [3, 1, 2, 0, 5],
    { limit: 2, interrupted: new AbortController().signal },
    async (n) => {
      most = Math.max(most, ++active);
      for (let i = 0; i < n; i++) await pause();
      active--;
      return n * 10;
    },
  );
  expect([results, most]).toEqual([[30, 10, 20, 0, 50], 2]);
});

test('no further item is begun after an interruption', async () => {
  const controller = new AbortController();
  const begun: number[] = [];
  const items = Array.from({ length: 1_000 }, (_, n) => n);
  const results = await eachOf(items, { limit: 4, interrupted: controller.signal }, async (n) => {
    begun.push(n);
    if (n === 9) controller.abort();
    await pause();
    return n;
  });
  expect(begun.length).toBeLessThanOrEqual(12);
  expect(results).toEqual(begun);
});
