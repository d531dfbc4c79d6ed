/** What one peer more, and one less, costs in crowds of two sizes, over links in memory: the tasks of a `Worker`. */
import {
  type BitcoinNode,
  createNode,
  type Endpoint,
  memoryNet,
  type Peer,
  VirtualClock,
} from '../../src/index.js';
import { serveTasks } from './tasks.js';

const BATCH = 500;
const ROOM = 40_000;
/** Connections for each port of the listener. */
const PER_PORT = 1_000;

/** Microseconds, the mean over a batch. */
export interface Cost {
  readonly spawn: number;
  readonly stop: number;
}

interface Crowd {
  readonly client: BitcoinNode;
  readonly clock: VirtualClock;
}

/** A new address for every dial, so that none is a duplicate; the listener accepts on all of them. */
const target = (i: number): Endpoint => ({
  host: `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
  port: 1,
});

/** A dialling node with `count` established peers, all on a listener in the same memory. */
async function crowdOf(count: number): Promise<Crowd> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock });
  const slots = { maxinbound: ROOM, maxoutbound: ROOM };
  const server = createNode({
    chain: 'regtest',
    clock,
    net: net.at('10.0.0.1'),
    maxpending: 0,
    maxpersource: 0,
    acceptrate: 0,
    ...slots,
  });
  const client = createNode({ chain: 'regtest', clock, net: net.at('10.0.0.2'), ...slots });
  for (let port = 1; port <= 1 + Math.floor((count + BATCH) / PER_PORT); port++)
    await server.listen({ host: '0.0.0.0', port });
  const peers = Array.from({ length: count }, (_, i) => client.dial(target(i)));
  clock.advance(100);
  demandEstablished(peers);
  return { client, clock };
}

function demandEstablished(peers: readonly Peer[]): void {
  const found = peers.filter((peer) => peer.info()?.state === 'established').length;
  if (found !== peers.length) throw new Error(`${found} of ${peers.length} peers are established`);
}

const crowds = new Map<number, Crowd>();
let dialled = ROOM;

async function cost({ beside }: { beside: number }): Promise<Cost> {
  const { client, clock } = crowds.get(beside) ?? (await crowdOf(beside));
  crowds.set(beside, { client, clock });
  const targets = Array.from({ length: BATCH }, () => target(dialled++));
  const before = performance.now();
  const peers = targets.map((at) => client.dial(at));
  const spawned = performance.now();
  clock.advance(10);
  demandEstablished(peers);
  const settled = performance.now();
  for (const peer of peers) peer.close();
  const stopped = performance.now();
  clock.advance(10);
  return { spawn: ((spawned - before) * 1e3) / BATCH, stop: ((stopped - settled) * 1e3) / BATCH };
}

serveTasks({ cost });
