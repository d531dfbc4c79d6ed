/** A late tick: a busy loop is not a suspended machine, and the other way round. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { systemClock, VirtualClock } from '../src/index.js';
import { causeOfDelay } from '../src/node/loop-delay.js';
import { PeerClock } from '../src/node/peer-clock.js';

/** A peer clock, and what it reports after the loop was kept for `ms` with so much CPU used. */
function jumpsAfter(ms: number, used: number): (readonly [number, string])[] {
  const clock = new VirtualClock();
  const jumps: (readonly [number, string])[] = [];
  let cpu = 0;
  const timed = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    setTimeout: (fn: () => void, delay: number) => clock.setTimeout(fn, delay),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    cpu: () => cpu,
  };
  const peers = new PeerClock(timed, {
    tick: () => undefined,
    jumped: (late, kind) => void jumps.push([late, kind]),
  });
  peers.start();
  cpu += used;
  clock.jump(ms);
  clock.advance(0);
  peers.stop();
  return jumps;
}

describe('a late tick', () => {
  test('of a loop that worked for 17 s moves no deadline', () => {
    expect(jumpsAfter(17_000, 15_000)).toEqual([]);
  });

  test('of a machine that slept for 17 s is a jump', () => {
    expect(jumpsAfter(17_000, 60)).toEqual([[16_000, 'monotonic']]);
  });
});

describe('the cause of a delay', () => {
  test('is decided by a tenth of the time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 1e6 }), (elapsed) => {
        expect(causeOfDelay(elapsed, elapsed / 9)).toBe('busy');
        expect(causeOfDelay(elapsed, elapsed / 11)).toBe('suspended');
      }),
    );
  });

  test('this process measures its own work as work', () => {
    const cpu = (): number => systemClock.cpu!();
    const before = cpu();
    let sum = 0;
    while (cpu() - before < 5) for (let n = 0; n < 10_000; n += 1) sum += n;
    expect(sum).toBeGreaterThan(0);
  });
});
