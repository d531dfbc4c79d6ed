/** A wall clock before 1970, as a board without a battery has it. */
import { expect, test } from '@jest/globals';
import type { Clock } from '../src/index.js';
import { memoryNetwork } from './support/memory-nodes.js';

test('a handshake is completed, and the peer measures the offset', async () => {
  const { clock, node, pass } = memoryNetwork();
  const before1970: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall() - 1_900_000_000_000,
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  };
  const listener = node({ clock: before1970 }, '10.0.0.1');
  await listener.listen({ host: '10.0.0.1', port: 18444 });
  const peer = node({}, '10.0.0.2').dial('10.0.0.1:18444');
  await pass();
  // Core treats a negative timestamp as 0 (net_processing.cpp, VERSION).
  expect(peer.info()).toMatchObject({ state: 'established', timeoffset: -1_800_000_000 });
});
