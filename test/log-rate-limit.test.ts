/** Log lines that inbound peers cause: limited by kind and source, summed up, and in bounded memory. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LOG_LIMITS, LogRateLimit, suppressedSentence } from '../src/cli/log-rate-limit.js';

const A = '203.0.113.0/24';
const B = '198.51.100.0/24';
const { period, perSource, perKind } = LOG_LIMITS;

/** Lines at the same moment; how many were allowed. */
function log(target: LogRateLimit, kind: string, source: string, count: number, at = 0): number {
  return Array.from({ length: count }, () => target.isAllowed(kind, source, at)).filter(Boolean).length;
}

describe('lines', () => {
  test('of one kind and source are written up to the limit', () => {
    expect(log(new LogRateLimit(), 'refused', A, 1_000)).toBe(perSource);
  });

  test('of another kind or source are not affected', () => {
    const target = new LogRateLimit();
    log(target, 'refused', A, 1_000);
    expect(log(target, 'refused', B, 5)).toBe(5);
    expect(log(target, 'ended', A, 5)).toBe(5);
  });

  test('of one kind are limited over all sources', () => {
    const target = new LogRateLimit();
    for (let n = 0; n < 20; n += 1) log(target, 'refused', `10.${n}.0.0/24`, 9);
    expect(target.flush()[0]?.count).toBe(20 * 9 - perKind);
  });

  test('are written again in the next period', () => {
    const target = new LogRateLimit();
    log(target, 'refused', A, 1_000);
    target.summaries(period);
    expect(log(target, 'refused', A, 1_000, period)).toBe(perSource);
  });
});

describe('the summary', () => {
  test('comes at the end of the period, once, with the sources that have most', () => {
    const target = new LogRateLimit();
    log(target, 'refused', B, perSource + 12);
    log(target, 'refused', A, perSource + 300);
    log(target, 'ended', A, 1);
    expect(target.summaries(period - 1)).toEqual([]);
    const summaries = target.summaries(period);
    expect(summaries.map(suppressedSentence)).toEqual([
      '312 more like this: refused, most from 203.0.113.0/24 (300), 198.51.100.0/24 (12)',
    ]);
    expect(target.summaries(10 * period)).toEqual([]);
  });

  test('names no source when no source stands out', () => {
    const summary = { kind: 'refused', count: 7, sources: [] };
    expect(suppressedSentence(summary)).toBe('7 more like this: refused');
  });

  test('a flood of sources is counted in bounded memory, and completely', () => {
    const target = new LogRateLimit({ ...LOG_LIMITS, sources: 4 });
    for (let n = 0; n < 10_000; n += 1) target.isAllowed('refused', `10.0.${n}.0/24`, 0);
    const [summary] = target.flush();
    expect(summary?.count).toBe(10_000 - 4 - perSource);
  });
});

test('every line is either written or in a summary, and a period writes no more than the limits', () => {
  const line = fc.tuple(fc.constantFrom('refused', 'ended'), fc.nat(9), fc.nat(period / 20));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 400 }), (lines) => {
      const target = new LogRateLimit({ ...LOG_LIMITS, perSource: 3, perKind: 8, sources: 5 });
      let at = 0;
      let written = 0;
      let counted = 0;
      let periods = 1;
      for (const [kind, source, pause] of lines) {
        at += pause;
        const over = target.summaries(at);
        counted += over.reduce((sum, { count }) => sum + count, 0);
        if (target.isAllowed(kind, `${source}`, at)) written += 1;
        periods = 1 + Math.floor(at / period);
      }
      counted += target.flush().reduce((sum, { count }) => sum + count, 0);
      expect(written + counted).toBe(lines.length);
      expect(written).toBeLessThanOrEqual((periods + 1) * 2 * 8);
    }),
  );
});
