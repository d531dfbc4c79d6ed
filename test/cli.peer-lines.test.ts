/** Which ends of connections are reported as failures. */
import { expect, test } from '@jest/globals';
import { failureLine, hintFor, isDeparture, isOrderly } from '../src/cli/peer-lines.js';
import type { PeerInfo } from '../src/index.js';

const ended = (inbound: boolean, code: string, state: string): PeerInfo =>
  ({ inbound, lastreason: { code, facts: { state } } }) as unknown as PeerInfo;

test.each([
  [true, 'ERR_LINK_EOF', 'established', true],
  [true, 'ERR_LINK_EOF', 'versionReceived', false],
  [true, 'ERR_LINK_RESET', 'established', false],
  [false, 'ERR_LINK_EOF', 'established', false],
])('inbound %s, %s in %s: a peer that leaves in order is %s', (inbound, code, state, expected) => {
  expect(isDeparture(ended(inbound, code, state))).toBe(expected);
});

test.each([
  [true, 'ERR_LINK_EOF', ''],
  [true, 'ERR_LINK_RESET', ''],
  [true, 'ERR_FRAME_MAGIC', undefined],
  [false, 'ERR_LINK_EOF', undefined],
])('inbound %s, %s: the hint about a node that we dial is replaced by %j', (inbound, code, hint) => {
  expect(hintFor(ended(inbound, code, 'versionReceived'))).toBe(hint);
});

test('what was requested or planned is no failure', () => {
  expect([isOrderly('ERR_LOCAL_CANCELLED'), isOrderly('ERR_LINK_EOF')]).toEqual([true, false]);
});

test.each([
  ['ENOTFOUND', 'Check the spelling'],
  ['ECONNREFUSED', 'No DNS server answered'],
  ['EAI_AGAIN', 'No DNS server answered'],
  ['ENOTDNS', 'is not looked up: give an IP address'],
])('a name without an address, %s: %s', (syscode, hint) => {
  const line = failureLine('a.internal', { code: 'ERR_DIAL_DNS', facts: { syscode } }, (_, text) => text);
  expect(line).toContain(hint);
});
