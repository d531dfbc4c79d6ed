/** Byte sequences that arrive in pieces: joined with any split, buffered in bounded memory, and released. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteBuffer, GROWTH_STEP } from '../src/wire/byte-buffer.js';

const LARGE = 300_000;
const PATTERN = Uint8Array.from({ length: LARGE }, (_, at) => at % 251);
const bytesOf = (size: number): Uint8Array => PATTERN.subarray(0, size);

/** Takes a run in pieces of those sizes, the last one for the rest. */
function collected(target: ByteBuffer, run: Uint8Array, sizes: readonly number[]): Uint8Array | undefined {
  let at = 0;
  for (const size of [...sizes, run.length]) {
    const whole = target.take(run.subarray(at, at + size), 0, run.length);
    at += size;
    if (whole) return whole;
    expect(target.size).toBeLessThanOrEqual(at + GROWTH_STEP);
  }
  return undefined;
}

test('a run is whole again in every split, small or large, one after the other', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 60_000, max: LARGE }));
  const run = fc.record({ size, pieces: fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 3 }), (runs) => {
      const target = new ByteBuffer();
      const wholes = runs.map(({ size, pieces }) => collected(target, bytesOf(size), pieces));
      // Compared at the end: what was given stays as it is while later runs are collected.
      wholes.forEach((whole, n) => expect(Buffer.compare(whole!, bytesOf(runs[n]!.size))).toBe(0));
      expect([target.size, target.held]).toEqual([0, 0]);
    }),
    { numRuns: 20 },
  );
});

test('a large run that is given up frees its memory without the garbage collector', () => {
  const before = process.memoryUsage().rss;
  const buffers = Array.from({ length: 10 }, () => new ByteBuffer());
  const run = new Uint8Array(4_000_000).fill(7);
  for (const target of buffers) target.take(run.subarray(0, -1), 0, run.length);
  const held = process.memoryUsage().rss - before;
  for (const target of buffers) target.clear();
  expect(held - (process.memoryUsage().rss - before)).toBeGreaterThan(30_000_000);
});
