import { describe, expect, test } from '@jest/globals';
import { isLoopback, sourceOf } from '../src/net/source-network.js';

describe('the source of an inbound connection', () => {
  test.each([
    ['203.0.113.7', '203.0.113.0/24'],
    ['203.0.113.255', '203.0.113.0/24'],
    ['203.0.114.7', '203.0.114.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::9', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['somewhere', 'somewhere'],
  ])('of %s is %s', (host, source) => expect(sourceOf(host)).toBe(source));
});

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::ffff:127.0.0.1', true],
  ['::1', true],
  ['128.0.0.1', false],
  ['::2', false],
  ['localhost', false],
])('%s is loopback: %s', (host, expected) => expect(isLoopback(host)).toBe(expected));

test('any spelling of an IPv4 address has the source of the canonical one', () => {
  for (const [spelling, canonical] of [
    ['010.0.0.1', '8.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['0x7f.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
  ] as const) {
    expect([spelling, sourceOf(spelling)]).toEqual([spelling, sourceOf(canonical)]);
    expect([spelling, isLoopback(spelling)]).toEqual([spelling, isLoopback(canonical)]);
  }
  expect(['256.0.0.1', '1.2.3.4.5'].map(sourceOf)).toEqual(['256.0.0.1', '1.2.3.4.5']);
});
