/** Where addresses are placed: the figures of Bitcoin Core's own tests, and the bounds per group. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { BUCKET_SIZE, createNetgroups, DETERMINISTIC_KEY, type NetService } from '../src/addresses/index.js';
import { createPlacement } from '../src/addresses/placement.js';
import { hash256 } from '../src/wire/index.js';
import { addressOf } from './support/addresses.js';
import { bookOf, StoppedClock } from './support/book.js';
import { recordAt } from './support/addresses.js';

const at = (text: string, port = 8333): NetService => ({ ...addressOf(text), port });
const bucket = (slot: number): number => Math.floor(slot / BUCKET_SIZE);
// Core, src/test/addrman_tests.cpp: nKey1 is the hash of the number 1.
const key = hash256(Uint8Array.of(1, 0, 0, 0));
const plain = createPlacement(key, createNetgroups());
const mapped = createPlacement(
  key,
  createNetgroups(new Uint8Array(readFileSync('test/data/addresses/asmap.raw'))),
);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('the buckets of Core (caddrinfo_get_tried_bucket, caddrinfo_get_new_bucket)', () => {
  test('tried: 40, with the asmap 236', () => {
    expect(bucket(plain.triedSlot(at('250.1.1.1')))).toBe(40);
    expect(bucket(mapped.triedSlot(at('250.1.1.1')))).toBe(236);
  });

  test('new: 786, with the asmap 795; the port does not matter', () => {
    const source = addressOf('250.1.2.1');
    for (const port of [8333, 9999]) {
      expect(bucket(plain.newSlot(at('250.1.2.1', port), source))).toBe(786);
      expect(bucket(mapped.newSlot(at('250.1.2.1', port), source))).toBe(795);
    }
  });

  test('addresses of one group: 8 buckets of tried; of different groups: 160', () => {
    const buckets = (texts: readonly string[]): number =>
      new Set(texts.map((text) => bucket(plain.triedSlot(at(text, 0))))).size;
    expect(buckets(range(255).map((i) => `250.1.1.${i}`))).toBe(8);
    expect(buckets(range(255).map((i) => `250.${i}.1.1`))).toBe(160);
  });

  test('addresses of any groups from one source group: at most 64 buckets of new; from many: more', () => {
    const from = (source: (i: number) => string): number =>
      new Set(
        range(1_020).map((i) =>
          bucket(plain.newSlot(at(`${250 + (i >> 8)}.${i % 256}.1.1`), addressOf(source(i)))),
        ),
      ).size;
    expect(from((i) => `251.4.${i >> 8}.1`)).toBeLessThanOrEqual(64);
    expect(from((i) => `250.${i % 255}.1.1`)).toBeGreaterThan(64);
  });

  test('another key gives another position', () => {
    const other = createPlacement(hash256(Uint8Array.of(2, 0, 0, 0)), createNetgroups());
    expect(other.triedSlot(at('250.1.1.1'))).not.toBe(plain.triedSlot(at('250.1.1.1')));
  });
});

test('the slots that bitcoind -test=addrman gave two addresses', () => {
  const clock = new StoppedClock();
  const book = bookOf('places', clock);
  const [first, second] = [at('1.2.3.4'), at('1.2.3.5')];
  for (const service of [first, second]) book.add([recordAt(service, clock.seconds)], service);
  book.good(second);
  expect(DETERMINISTIC_KEY).toHaveLength(32);
  expect([...book.positions('new')]).toMatchObject([{ bucket: 774, position: 4 }]);
  expect([...book.positions('tried')]).toMatchObject([{ bucket: 36, position: 43 }]);
});
