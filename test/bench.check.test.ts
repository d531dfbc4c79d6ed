/** The regression guard of the benchmark: what counts as lost. */
import { describe, expect, test } from '@jest/globals';
import { checkLines, compareRatios, type Ratio } from './bench/check.js';

const MORE: Ratio = { name: 'inbound', value: 0.5, better: 'more' };
const LESS: Ratio = { name: 'latency', value: 2, better: 'less' };
const now = (name: string, value: number): Ratio => ({ name, value, better: 'more' });
const lost = (committed: readonly Ratio[], measured: readonly Ratio[]) =>
  compareRatios(committed, measured).map(({ isLost }) => isLost);

describe('a ratio is lost', () => {
  test('when more than 15 % of what should be large is gone', () => {
    expect(lost([MORE], [now('inbound', 0.43)])).toEqual([false]);
    expect(lost([MORE], [now('inbound', 0.42)])).toEqual([true]);
    expect(lost([MORE], [now('inbound', 0.9)])).toEqual([false]);
  });

  test('when what should be small has grown by more than 15 %', () => {
    expect(lost([LESS], [now('latency', 2.29)])).toEqual([false]);
    expect(lost([LESS], [now('latency', 2.31)])).toEqual([true]);
    expect(lost([LESS], [now('latency', 1)])).toEqual([false]);
  });

  test('when it was not measured, or is no number', () => {
    expect(lost([MORE, LESS], [now('inbound', Number.NaN)])).toEqual([true, true]);
  });
});

test('the table names each ratio and how many are lost', () => {
  const lines = checkLines(compareRatios([MORE, LESS], [now('inbound', 0.25), now('latency', 2)]));
  expect(lines[1]).toMatch(/inbound +committed 0\.500 +now 0\.250 +−50 % +LOST/);
  expect(lines[2]).toMatch(/latency .* ok$/);
  expect(lines.at(-1)).toBe('1 of 2 lost');
});
