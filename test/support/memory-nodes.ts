/** A scene for tests: a virtual clock, a net in memory, seeded chance, and nodes that live on them. */
import { createNode, type BitcoinNode, type NodeOptions, VirtualClock } from '../../src/index.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';

export interface Scene {
  readonly clock: VirtualClock;
  readonly net: MemoryNet;
  /** A regtest node on this scene, seen from `host`. */
  readonly node: (options?: NodeOptions, host?: string) => BitcoinNode;
  /** Lets `ms` of virtual time pass, microtasks included. */
  readonly pass: (ms?: number) => Promise<void>;
}

/** Bytes that depend on the seed only (a linear congruential generator; never for secrets). */
export function seededRandom(seed: number): (count: number) => Uint8Array {
  let state = seed >>> 0;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

export function scene(latency = 1): Scene {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency });
  let seed = 0;
  return {
    clock,
    net,
    node: (options = {}, host = '127.0.0.1') =>
      createNode({ chain: 'regtest', clock, net: net.at(host), random: seededRandom(++seed), ...options }),
    pass: async (ms = 1_000) => {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
