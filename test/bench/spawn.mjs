/**
 * Does one peer more, or one less, cost more in a crowd? Times a dial (spawn) and a close (stop) beside 10 and beside
 * 10,000 established peers, in turn, over links in memory, and prints the ratios.
 *
 *   npm run build && node test/bench/spawn.mjs
 */
import { performance } from 'node:perf_hooks';
import { createNode, memoryNet, VirtualClock } from '../../dist/src/index.js';

const SMALL = 10;
const LARGE = 10_000;
const BATCH = 500;
const ROUNDS = 15;

/** A dialling node with `count` established peers, all on a listener in the same memory. */
async function crowd(count) {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock });
  const slots = { maxinbound: 2 * LARGE, maxoutbound: 2 * LARGE, maxpending: 0 };
  const server = createNode({ chain: 'regtest', clock, net: net.at('10.0.0.1'), ...slots });
  const client = createNode({ chain: 'regtest', clock, net: net.at('10.0.0.2'), ...slots });
  for (let port = 1; port <= 1 + Math.floor((count + BATCH) / 1000); port++)
    await server.listen({ host: '0.0.0.0', port });
  for (let i = 0; i < count; i++) client.dial(target(i));
  clock.advance(100);
  if (client.peers.list().some((peer) => peer.state !== 'established'))
    throw new Error('the crowd is not established');
  return { client, clock };
}

/** A new address for every dial, so that none is a duplicate; the listener hears on all of them. */
const target = (i) => ({ host: `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, port: 1 });

/** Microseconds for one spawn and one stop, the mean over a batch. */
function measure({ client, clock }, offset) {
  const before = performance.now();
  const peers = Array.from({ length: BATCH }, (_, i) => client.dial(target(offset + i)));
  const spawned = performance.now();
  clock.advance(10);
  const settled = performance.now();
  for (const peer of peers) peer.close();
  const stopped = performance.now();
  clock.advance(10);
  return { spawn: ((spawned - before) * 1e3) / BATCH, stop: ((stopped - settled) * 1e3) / BATCH };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const small = await crowd(SMALL);
const large = await crowd(LARGE);
const rows = Array.from({ length: ROUNDS }, (_, round) => ({
  small: measure(small, LARGE + round * BATCH),
  large: measure(large, LARGE + round * BATCH),
}));
for (const what of ['spawn', 'stop']) {
  const [few, many] = ['small', 'large'].map((size) => median(rows.map((row) => row[size][what])));
  const ratio = median(rows.map((row) => row.large[what] / row.small[what]));
  console.log(
    `${what}: ${few.toFixed(1)} µs beside ${SMALL}, ${many.toFixed(1)} µs beside ${LARGE}: ${ratio.toFixed(2)} times`,
  );
}
process.exit(0);
