/** How many addresses of `addr` messages are accepted, and the answers to `getaddr`. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AddrRateLimit, GetAddrCache } from '../src/addresses/index.js';
import { recordAt, services } from './support/addresses.js';
import { bookOf, START } from './support/book.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

describe('the rate limit of addr (measured on bitcoind)', () => {
  test('one at first, ten more after 100 s', () => {
    const limit = new AddrRateLimit(0);
    expect(limit.take(1_000, 0)).toBe(1);
    expect(limit.take(1_000, 0)).toBe(0);
    expect(limit.take(1_000, 100 * SECOND)).toBe(10);
  });

  test('a thousand after our getaddr, then the rest of the bucket', () => {
    const limit = new AddrRateLimit(0);
    limit.getaddrSent();
    expect(limit.take(1_000, 5 * SECOND)).toBe(1_000);
    expect(limit.take(1_000, 5 * SECOND)).toBe(1);
    expect(limit.take(1_000, 5 * SECOND)).toBe(0);
  });

  test('it fills to a thousand, not further, and not above what our getaddr gave', () => {
    const limit = new AddrRateLimit(0);
    expect(limit.take(5_000, 1_000 * HOUR)).toBe(1_000);
    limit.getaddrSent();
    limit.getaddrSent();
    expect(limit.take(0, 2_000 * HOUR)).toBe(0);
    expect(limit.take(5_000, 3_000 * HOUR)).toBe(2_000);
  });

  test('a clock that runs backwards adds nothing', () => {
    const limit = new AddrRateLimit(100 * SECOND);
    expect(limit.take(9, 0)).toBe(1);
    expect(limit.take(9, 9 * SECOND)).toBe(0);
  });

  test('never more than the first one, what our getaddr gave and a tenth a second', () => {
    const message = fc.record({ after: fc.nat(10_000_000), count: fc.nat(1_000), asks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const limit = new AddrRateLimit(0);
        let [now, taken, allowed] = [0, 0, 1];
        for (const { after, count, asks } of messages) {
          now += after;
          if (asks) limit.getaddrSent();
          allowed += after / 10_000 + (asks ? 1_000 : 0);
          taken += limit.take(count, now);
          expect(taken).toBeLessThanOrEqual(allowed + 1e-6);
        }
      }),
    );
  });
});

describe('the answers to getaddr', () => {
  const filled = () => {
    const book = bookOf('getaddr');
    for (const service of services(6_000, 'getaddr')) book.add([recordAt(service, START)], service);
    return book;
  };

  test('23 % of the book, 1,000 at most', () => {
    const few = bookOf('few');
    for (const service of services(100, 'few')) few.add([recordAt(service, START)], service);
    expect(new GetAddrCache(few, () => 0).answer('ipv4', 0)).toHaveLength(Math.floor(few.size() * 0.23));
    const asked: object[] = [];
    new GetAddrCache({ getAddr: (limits) => (asked.push(limits), []) }, () => 0).answer('ipv4', 0);
    expect(asked).toEqual([{ max: 1_000, percent: 23 }]);
  });

  test.each([
    [0, 21],
    [0.999999, 26.99],
  ])('the same for 21 to 27 hours (%d)', (fraction, hours) => {
    const cache = new GetAddrCache(filled(), () => fraction);
    const first = cache.answer('ipv4 0.0.0.0:8333', 0);
    expect(cache.answer('ipv4 0.0.0.0:8333', hours * HOUR)).toBe(first);
    expect(cache.answer('ipv4 0.0.0.0:8333', (hours + 0.02) * HOUR)).not.toEqual(first);
  });

  test('another one for another network or local socket', () => {
    const cache = new GetAddrCache(filled(), () => 0);
    const first = cache.answer('ipv4 0.0.0.0:8333', 0);
    expect(cache.answer('onion 127.0.0.1:8334', 0)).not.toEqual(first);
    expect(cache.answer('ipv4 0.0.0.0:8333', 1)).toBe(first);
  });
});
