/** The delay of the event loop: a busy loop is not a suspended machine, and the other way round. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  causeOfDelay,
  type LateTimer,
  LoopDelay,
  SAMPLE_INTERVAL,
  SAMPLES,
  systemCpu,
} from '../src/node/loop-delay.js';
import { VirtualClock } from '../src/net/virtual-clock.js';

function measured(threshold = 1_000) {
  const clock = new VirtualClock();
  const late: LateTimer[] = [];
  let cpu = 0;
  const target = new LoopDelay({ clock, cpu: () => cpu, threshold, late: (timer) => late.push(timer) });
  target.start();
  /** Something keeps the loop for so long, using so much CPU; then the timers run. */
  const keep = (ms: number, used: number): void => {
    cpu += used;
    clock.jump(ms);
    clock.advance(0);
  };
  return { target, clock, late, keep };
}

describe('the cause of a delay', () => {
  test('a loop that worked for 16 s was busy', () => {
    const { late, keep } = measured();
    keep(16_000, 15_000);
    expect(late).toEqual([{ ms: 15_900, cause: 'busy' }]);
  });

  test('a machine that slept for 16 s was suspended', () => {
    const { late, keep } = measured();
    keep(16_000, 60);
    expect(late).toEqual([{ ms: 15_900, cause: 'suspended' }]);
  });

  test('is decided by a tenth of the time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 1e6 }), (elapsed) => {
        expect(causeOfDelay(elapsed, elapsed / 9)).toBe('busy');
        expect(causeOfDelay(elapsed, elapsed / 11)).toBe('suspended');
      }),
    );
  });

  test('this process measures its own work as work', () => {
    const before = systemCpu();
    let sum = 0;
    while (systemCpu() - before < 5) for (let n = 0; n < 10_000; n += 1) sum += n;
    expect(sum).toBeGreaterThan(0);
  });
});

describe('delays', () => {
  test('are 0 where nothing is late, and before the first sample', () => {
    const { target, clock, late } = measured();
    expect([target.max, target.percentile(99)]).toEqual([0, 0]);
    clock.advance(10_000);
    expect([target.max, target.percentile(99), late]).toEqual([0, 0, []]);
  });

  test('are kept with their maximum and percentiles', () => {
    const { target, clock, keep } = measured();
    clock.advance(97 * SAMPLE_INTERVAL);
    keep(300, 200);
    keep(500, 400);
    clock.advance(SAMPLE_INTERVAL);
    expect([target.max, target.percentile(99), target.percentile(50)]).toEqual([400, 200, 0]);
  });

  test('do not include a suspension', () => {
    const { target, keep } = measured();
    keep(20_000, 10);
    expect(target.max).toBe(0);
  });

  test('are forgotten after a minute', () => {
    const { target, clock, keep } = measured();
    keep(700, 600);
    expect(target.max).toBe(600);
    clock.advance(SAMPLES * SAMPLE_INTERVAL);
    expect(target.max).toBe(0);
  });

  test('are measured from start to stop', () => {
    const { target, clock } = measured();
    target.start();
    expect(clock.armed).toBe(1);
    target.stop();
    expect(clock.armed).toBe(0);
  });
});
