import { describe, expect, test } from '@jest/globals';
import { createActor } from 'xstate';
import { CORE_RULES } from '../machines/index.js';
import { memoryNet, NETWORKS, VirtualClock } from '../src/index.js';
import { PeerPool, type PoolListener } from '../src/node/peer-pool.js';
import { memoryNetwork, seededRandom } from './support/memory-nodes.js';

const NO_LISTENER: PoolListener = {
  isListening: () => false,
  moved: () => undefined,
  message: () => undefined,
  dropped: () => undefined,
  drained: () => undefined,
  askedForAddresses: () => undefined,
  ended: () => undefined,
  ponged: () => undefined,
  jumped: () => undefined,
  ticked: () => undefined,
};

describe('kill', () => {
  test('destroys every link that has not closed, and leaks nothing', () => {
    const clock = new VirtualClock();
    const net = memoryNet({ timers: clock });
    const identity = {
      version: 70_017,
      services: '0000000000000000',
      user_agent: new Uint8Array(),
      start_height: 0,
    };
    const env = { clock, net, random: seededRandom(1), lookup: () => () => undefined };
    const ended: (string | undefined)[] = [];
    const listener = {
      ...NO_LISTENER,
      ended: (_: unknown, { reason }: { reason: { code: string } }) => ended.push(reason.code),
    };
    const pool = new PeerPool({ env, chain: NETWORKS.regtest, identity, rules: CORE_RULES }, listener);
    createActor(pool.logic, { clock }).start();
    for (const port of [1, 2, 3])
      pool.spawn({ connection_type: 'manual', v2: false, remote: { host: '10.0.0.9', port } });
    expect(pool.tracker.size).toBe(3);
    pool.kill();
    expect([pool.tracker.size, clock.armed]).toEqual([0, 0]);
    expect(ended).toEqual(Array(3).fill('ERR_LOCAL_CANCELLED'));
    clock.advance(100_000);
    expect(ended).toHaveLength(3);
  });
});

describe('the shared tick', () => {
  test('comes once a second, also when a peer ends in it and the next is dialled at once', async () => {
    const { clock, node, pass } = memoryNetwork();
    let ticks = 0;
    const counting = {
      now: () => clock.now(),
      wall: () => clock.wall(),
      setTimeout: (fn: () => void, ms: number) =>
        clock.setTimeout(() => {
          if (ms === 1_000) ticks += 1;
          fn();
        }, ms),
      clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    };
    await node({}, '10.0.0.1').listen({ host: '10.0.0.1', port: 18_444 });
    const us = node({ clock: counting, rules: { idleTimeout: 5_000 } }, '10.0.0.2');
    const reasons: (string | undefined)[] = [];
    us.on('ended', ({ lastreason }) => {
      reasons.push(lastreason?.code);
      us.dial('10.0.0.1:18444');
    });
    us.dial('10.0.0.1:18444');
    await pass(9_500);
    expect(reasons).toEqual(['ERR_TIME_IDLE']);
    ticks = 0;
    await pass(2_000);
    expect(ticks).toBe(2);
  });
});
