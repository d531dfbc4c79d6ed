/** Two thousand peers connect over TCP, complete the handshake and close; `npm run bench -- --only soak` is the long form. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { type BitcoinNode, type Clock, createNode, systemClock } from '../../src/index.js';
import { type Census, censusOf, slopeOf } from '../bench/process-state.js';
import { features, frame, nonceAt, version } from '../bench/canned-bytes.js';

const BATCHES = 8;
const BATCH = 256;
const INFLIGHT = 8;
/** Until the list of the last 1,000 peers that ended is full. Code is still compiled behind it. */
const WARM_UP = 4;
/** Bytes of heap for each cycle: a key exchange that is not let go costs 11,000, what is still compiled about 500. */
const BOUND = 2_000;
const LIMIT_MS = 120_000;

/** The system's clock, and the timers that are armed on it. */
function countingClock(): { clock: Clock; armed: Set<unknown> } {
  const armed = new Set<unknown>();
  const clock: Clock = {
    ...systemClock,
    setTimeout: (fn, ms) => {
      const timer = systemClock.setTimeout(() => {
        armed.delete(timer);
        fn();
      }, ms);
      armed.add(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      armed.delete(timer);
      systemClock.clearTimeout(timer);
    },
  };
  return { clock, armed };
}

/**
 * The sockets, of both ends, that were made since the call: how many, and which are open. The process may have others:
 * those of the test runner, and what an earlier test file left.
 */
function countingSockets(): { open: ReadonlySet<Socket>; made: () => number } & Disposable {
  const open = new Set<Socket>();
  let made = 0;
  const add = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    made += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  const channels = ['net.client.socket', 'net.server.socket'];
  for (const name of channels) subscribe(name, add);
  const stop = (): void => channels.forEach((name) => void unsubscribe(name, add));
  return { open, made: () => made, [Symbol.dispose]: stop };
}

/** The system closes the last sockets with a delay; a socket that is open after a hundred turns is leaked. */
async function atRest(
  node: BitcoinNode,
  open: ReadonlySet<Socket>,
): Promise<Pick<Census, 'peers' | 'slots'> & { sockets: number }> {
  let { peers, slots } = await censusOf(node);
  for (let turns = 0; turns < 100 && open.size > 0; turns++) ({ peers, slots } = await censusOf(node));
  return { peers, slots, sockets: open.size };
}

/** Where the peers come from. Nobody else uses it, so that a port of it that was closed is still free for the next connection. */
const FROM = '127.83.0.1';

/**
 * One peer, up to the pong and the end: by reset, so that its port is free again. Comes from `localPort`, 0 for any, and
 * tells from which: the node remembers the last outcome of each address.
 */
function visit(port: number, localPort: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: FROM, localPort }, () => {
      localPort = socket.localPort ?? 0;
      socket.write(version());
    });
    socket.on('error', reject);
    socket.once('data', () => {
      socket.write(Buffer.concat([features(), frame('ping', Buffer.from('12345678'))]));
      socket.on('data', (chunk: Buffer) => {
        if (nonceAt(chunk, 'pong') >= 0) socket.resetAndDestroy();
      });
    });
    socket.on('close', () => resolve(localPort));
  });
}

/** Several at a time, each of them from a port of its own. */
async function visits(port: number, ports: number[]): Promise<void> {
  const some = async (_: number, i: number): Promise<void> => {
    for (let left = BATCH / INFLIGHT; left > 0; left--) ports[i] = await visit(port, ports[i] ?? 0);
  };
  await Promise.all(ports.map(some));
}

test(
  'peers that came and went leave nothing behind',
  async () => {
    const { clock, armed } = countingClock();
    using sockets = countingSockets();
    await using node = createNode({ chain: 'regtest', v2transport: true, clock });
    const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
    const ports = Array.from({ length: INFLIGHT }, () => 0);
    let established = 0;
    node.on('established', () => established++);
    const points: [number, number][] = [];
    for (let batch = 1; batch <= BATCHES; batch++) {
      await visits(local.port, ports);
      while (node.peers.size > 0) await new Promise((resolve) => setImmediate(resolve));
      points.push([batch * BATCH, (await censusOf(node)).heap]);
    }
    expect(established).toBe(BATCHES * BATCH);
    expect(sockets.made()).toBe(2 * BATCHES * BATCH);
    expect(await atRest(node, sockets.open)).toEqual({ peers: 0, slots: 0, sockets: 0 });
    expect(armed.size).toBe(0);
    expect(slopeOf(points.slice(WARM_UP))).toBeLessThan(BOUND);
  },
  LIMIT_MS,
);
