/** The share of the address book that an attacker with one group can fill with 100,000 addresses: no more than in Core. */
import { expect, test } from '@jest/globals';
import { NEW_BUCKETS, TRIED_BUCKETS, BUCKET_SIZE, type NetService } from '../../src/addresses/index.js';
import { addressOf, recordAt, services } from '../support/addresses.js';
import { bookOf, StoppedClock, taken } from '../support/book.js';

const FLOOD = 100_000;
const HOUR = 3_600;

test('one source group fills at most 6.25 % of new, and addresses from elsewhere stay', () => {
  const clock = new StoppedClock();
  const book = bookOf('flood of new', clock);
  const honest = services(1_000, 'honest');
  for (const service of honest) book.add([recordAt(service, clock.seconds)], service);
  const sources = Array.from({ length: 256 }, (_, i) => addressOf(`45.99.${i}.1`));
  const before = taken(book, 'new');
  const isHonest = new Set(
    [...book.positions('new')].map(({ entry }) => `${entry.addr.join()} ${entry.port}`),
  );
  for (let i = 0; i < FLOOD; i++) {
    const service = {
      networkID: 1,
      addr: Uint8Array.of(1 + (i % 9), (i >> 4) & 255, i >> 12, i & 255),
      port: i & 0xffff,
    };
    book.add([recordAt(service, clock.seconds)], sources[i & 255]!);
  }
  const ofFlood = [...book.positions('new')].filter(
    ({ entry }) => !isHonest.has(`${entry.addr.join()} ${entry.port}`),
  );
  const share = ofFlood.length / (NEW_BUCKETS * BUCKET_SIZE);
  expect(share).toBeLessThanOrEqual(0.0625);
  expect(share).toBeGreaterThan(0.05);
  expect(new Set(ofFlood.map(({ bucket }) => bucket)).size).toBeLessThanOrEqual(64);
  expect(taken(book, 'new') - ofFlood.length).toBe(before);
});

test('one group fills at most 3.125 % of tried, from any sources and with any patience', () => {
  const clock = new StoppedClock();
  const book = bookOf('flood of tried', clock);
  const sources = services(500, 'sources');
  for (let i = 0; i < FLOOD; i++) {
    const service: NetService = {
      networkID: 1,
      addr: Uint8Array.of(45, 99, i >> 8, i & 255),
      port: 1 + (i >> 16),
    };
    book.add([recordAt(service, clock.seconds)], sources[i % sources.length]!);
    book.good(service);
    clock.seconds += i % 100 === 0 ? 5 * HOUR : 0;
    if (i % 100 === 0) book.resolveCollisions();
  }
  const slots = taken(book, 'tried');
  const share = slots / (TRIED_BUCKETS * BUCKET_SIZE);
  expect(share).toBeLessThanOrEqual(0.03125);
  expect(share).toBeGreaterThan(0.03);
});
