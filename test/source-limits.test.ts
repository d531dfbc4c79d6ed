/** Limits by source: exact counts however connections end, rates by token bucket, bounded memory under a flood. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  MAX_RATED_SOURCES,
  SOURCE_LIMITS,
  type SourceLimitOptions,
  SourceLimits,
} from '../src/node/source-limits.js';

const HOST = '203.0.113.1';
const NEIGHBOUR = '203.0.113.200';
const STRANGER = '203.0.114.1';
const UNLIMITED = { handshakes: 0, peers: 0, acceptRate: 0, acceptBurst: 0 };

const limits = (options: Partial<SourceLimitOptions>) =>
  new SourceLimits({ ...SOURCE_LIMITS, ...UNLIMITED, ...options });

/** Connections from one host, one after the other at the same moment; how many were accepted. */
function connect(target: SourceLimits, host: string, count: number, at = 0, firstId = 0): number {
  let accepted = 0;
  for (let id = firstId; id < firstId + count; id += 1) {
    if (target.refusalOf(host, at)) continue;
    target.accepted(id, host, at);
    accepted += 1;
  }
  return accepted;
}

describe('unfinished handshakes', () => {
  test('are limited by source, and the refusal says so', () => {
    const target = limits({ handshakes: 8 });
    expect(connect(target, HOST, 4)).toBe(4);
    expect(connect(target, NEIGHBOUR, 9, 0, 10)).toBe(4);
    expect(target.refusalOf(HOST, 0)).toEqual({ kind: 'handshakes', source: '203.0.113.0/24', limit: 8 });
    expect(target.refusalOf(STRANGER, 0)).toBeUndefined();
  });

  test('no longer count when they are complete', () => {
    const target = limits({ handshakes: 1 });
    connect(target, HOST, 1);
    target.established(0);
    expect(target.refusalOf(HOST, 0)).toBeUndefined();
  });
});

describe('established peers', () => {
  test('are limited by source', () => {
    const target = limits({ peers: 2 });
    for (const id of [1, 2]) {
      target.accepted(id, HOST, 0);
      target.established(id);
    }
    expect(target.refusalOf(NEIGHBOUR, 0)).toEqual({ kind: 'peers', source: '203.0.113.0/24', limit: 2 });
    target.ended(1);
    expect(target.refusalOf(NEIGHBOUR, 0)).toBeUndefined();
  });

  test('reach exactly the limit, even if all handshakes complete at the same time', () => {
    const target = limits({ peers: 3 });
    expect(connect(target, HOST, 9)).toBe(3);
  });

  test('by /64 on IPv6', () => {
    const target = limits({ peers: 1 });
    connect(target, '2001:db8:1:2::1', 1);
    expect(target.refusalOf('2001:db8:1:2:ffff::1', 0)?.source).toBe('2001:db8:1:2::/64');
    expect(target.refusalOf('2001:db8:1:3::1', 0)).toBeUndefined();
  });
});

describe('the accept rate', () => {
  test('allows a burst, and then one per interval', () => {
    const target = limits({ acceptRate: 2, acceptBurst: 5 });
    expect(connect(target, HOST, 50, 1_000)).toBe(5);
    expect(target.refusalOf(HOST, 1_499)).toEqual({ kind: 'rate', source: '203.0.113.0/24', limit: 2 });
    expect(connect(target, HOST, 50, 1_500, 100)).toBe(1);
    expect(connect(target, HOST, 50, 60_000, 200)).toBe(5);
  });

  test('is that of one source: others are not slowed', () => {
    const target = limits({ acceptRate: 1, acceptBurst: 1 });
    connect(target, HOST, 1);
    expect(target.refusalOf(NEIGHBOUR, 0)).toBeDefined();
    expect(target.refusalOf(STRANGER, 0)).toBeUndefined();
  });

  test('never lets more pass in any time than the burst and what the time allows', () => {
    const arrivals = fc.array(fc.nat(700), { maxLength: 200 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 8 }), (pauses, acceptBurst) => {
        const target = limits({ acceptRate: 4, acceptBurst });
        const accepted: number[] = [];
        let at = 0;
        for (const pause of pauses) {
          at += pause;
          if (connect(target, HOST, 1, at, at + accepted.length * 1_000_000) === 1) accepted.push(at);
        }
        for (const [index, start] of accepted.entries()) {
          const since = accepted.length - index;
          expect(since).toBeLessThanOrEqual(acceptBurst + (at - start) / 250 + 1e-9);
        }
      }),
    );
  });

  test('needs no memory for sources that were quiet for long enough', () => {
    const target = limits({ acceptRate: 1, acceptBurst: 4 });
    for (let n = 0; n < 200; n += 1) connect(target, `10.${n}.0.1`, 1, 0, n);
    connect(target, HOST, 1, 5_000, 1_000);
    connect(target, HOST, 1, 10_000, 1_001);
    expect(target.size.rate).toBe(2);
  });

  test('needs bounded memory in a flood of different sources', () => {
    const target = limits({ acceptRate: 1, acceptBurst: 4 });
    for (let n = 0; n < 20_000; n += 1) connect(target, `2001:db8:${n.toString(16)}::1`, 1, 0, n);
    expect(target.size.rate).toBeGreaterThan(MAX_RATED_SOURCES / 4);
    expect(target.size.rate).toBeLessThanOrEqual(MAX_RATED_SOURCES);
  });
});

describe('loopback', () => {
  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])(
    '%s is exempt unless asked for',
    (host) => {
      expect(connect(new SourceLimits(SOURCE_LIMITS), host, 200)).toBe(200);
      expect(connect(new SourceLimits({ ...SOURCE_LIMITS, countsLoopback: true }), host, 200)).toBe(8);
    },
  );
});

test('0 lifts each limit', () => {
  expect(connect(limits({}), HOST, 1_000)).toBe(1_000);
});

test('for any order of events the counts are exact, and return to zero', () => {
  const step = fc.record({
    id: fc.nat(5),
    host: fc.constantFrom(HOST, NEIGHBOUR, STRANGER),
    fact: fc.constantFrom('accepted', 'established', 'ended'),
  });
  const slash24 = (host: string): string => host.split('.').slice(0, 3).join('.');
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const target = limits({ handshakes: 2, peers: 3 });
      const open = new Map<number, { host: string; complete: boolean }>();
      for (const { id, host, fact } of steps) {
        if (fact === 'accepted') target.accepted(id, host, 0);
        else target[fact](id);
        if (fact === 'accepted' && !open.has(id)) open.set(id, { host, complete: false });
        if (fact === 'established' && open.has(id))
          open.set(id, { host: open.get(id)?.host ?? '', complete: true });
        if (fact === 'ended') open.delete(id);
        const there = [...open.values()].filter((one) => slash24(one.host) === slash24(host));
        const isExceeded = there.filter(({ complete }) => !complete).length >= 2 || there.length >= 3;
        expect(target.refusalOf(host, 0) !== undefined).toBe(isExceeded);
      }
      for (const id of open.keys()) target.ended(id);
      expect(target.size).toEqual({ rate: 0, handshakes: 0, peers: 0 });
    }),
  );
});
