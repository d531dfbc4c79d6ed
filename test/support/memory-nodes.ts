/** A network in memory for tests: a virtual clock, links in memory, seeded random numbers, and nodes that use them. */
import { createNode, type BitcoinNode, type NodeOptions, VirtualClock } from '../../src/index.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';

export interface MemoryNetwork {
  readonly clock: VirtualClock;
  readonly net: MemoryNet;
  /** A regtest node on this network with the address `host`. */
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

export function memoryNetwork(latency = 1): MemoryNetwork {
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

/** The addresses of {@link twoNodes}. */
export const A = { host: '10.0.0.1', port: 18444 };
export const B = { host: '10.0.0.2', port: 18444 };

/** Two nodes on one network: `a` listens at {@link A}, `b` has the address {@link B} and does not listen. */
export async function twoNodes(network: MemoryNetwork = memoryNetwork()) {
  const a = network.node({}, A.host);
  const b = network.node({}, B.host);
  await a.listen(A);
  return { ...network, a, b };
}
