/** The cost of one peer over TCP: complete connections, with the flooding peer in a separate process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, type PeerInfo, tcpNet, VirtualClock } from '../src/index.js';
import type { Endpoint, Link } from '../src/net/link.js';
import { greeting, VERACK } from './grid/handshake.js';
import { frame, framed, ZERO } from './grid/row.js';

const ANYWHERE: Endpoint = { host: '127.0.0.1', port: 0 };
const MIB = 1 << 20;
const READ = 65_536;
const DIALS = 15;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listening(options = {}): Promise<{ node: BitcoinNode; at: Endpoint }> {
  const node = createNode({ chain: 'regtest', ...options });
  closers.push(() => node.stop());
  const { local } = await node.listen(ANYWHERE);
  return { node, at: local };
}

const established = async (node: BitcoinNode): Promise<PeerInfo> =>
  ((await once(node, 'established')) as [PeerInfo])[0];
const ended = async (node: BitcoinNode): Promise<PeerInfo> => ((await once(node, 'ended')) as [PeerInfo])[0];

/** Makes a handshake with raw bytes, in this process. */
function handshake(at: Endpoint): Promise<Link> {
  return new Promise((resolve, reject) => {
    tcpNet().dial(at, {
      failed: (code) => reject(new Error(code)),
      opened: (link) => {
        closers.push(() => link.destroy());
        link.attach({ data: () => undefined, closed: () => undefined });
        link.write([greeting(70017), VERACK]);
        resolve(link);
      },
    });
  });
}

test('a peer that never reads holds a bounded queue, and ends with ERR_LINK_STALLED', async () => {
  const clock = new VirtualClock();
  const { node, at } = await listening({ clock });
  const [peer, link] = await Promise.all([established(node), handshake(at)]);
  link.pause();
  const block = { command: 'block', payload: new Uint8Array(100_000) } as const;
  const isTaken = (): boolean => node.send(peer.id, block);
  // The system's own buffers take some megabytes, and not all at once.
  for (let refused = 0; refused < 20; await new Promise(setImmediate)) refused = isTaken() ? 0 : refused + 1;
  const over = ended(node);
  clock.advance(1_100_000);
  expect(node.peers.size).toBe(1);
  clock.advance(110_000);
  const { lastreason } = await over;
  expect(lastreason).toMatchObject({ code: 'ERR_LINK_STALLED', facts: { ms: 1_200_000 } });
  const pending = Number(lastreason?.facts.pending);
  expect(pending).toBeGreaterThan(1_000_000);
  expect(pending).toBeLessThan(1_000_000 + 100_024);
});

const FLOODER = `
const [port, hello, bytes] = process.argv.slice(1);
const socket = require('net').connect(+port, '127.0.0.1');
socket.on('error', () => {}).on('close', () => process.exit(0)).resume();
socket.write(Buffer.from(hello, 'base64'));
const unit = Buffer.from(bytes, 'base64');
const flood = Buffer.concat(Array(Math.ceil(${MIB} / unit.length)).fill(unit));
const pour = () => { while (socket.write(flood)); socket.once('drain', pour); };
pour();
`;

/** Sends `unit` over and over, as fast as it is read, and reads whatever comes back. */
function flood(at: Endpoint, unit: Uint8Array): ChildProcess {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const hello = base64(Buffer.concat([greeting(70017), VERACK]));
  const child = spawn(process.execPath, ['-e', FLOODER, String(at.port), hello, base64(unit)]);
  closers.push(() => child.kill('SIGKILL'));
  return child;
}

/** The most bytes of one peer that are handled within a turn of the event loop. */
function watchTurns(node: BitcoinNode, id: number): { most: number; total: number } {
  const seen = { most: 0, total: 0 };
  let turn = 0;
  let isOver = false;
  node.on('message', (message) => {
    if (message.id === id && message.direction === 'received') turn += 24 + message.payload.length;
  });
  const next = (): void => {
    seen.most = Math.max(seen.most, turn);
    seen.total += turn;
    turn = 0;
    if (!isOver) setImmediate(next);
  };
  closers.push(() => (isOver = true));
  next();
  return seen;
}

const PING = framed({ command: 'ping', nonce: ZERO });
const INV = frame('inv', Uint8Array.of(1, 2, 0, 0, 0, ...Array<number>(32).fill(7)));
const BAD = PING.map((byte, at) => (at === 20 ? byte ^ 1 : byte));

describe('while another peer floods', () => {
  test('with valid messages, others complete handshakes, memory is bounded, and the flooding peer is only slowed', async () => {
    const { node, at } = await listening();
    const child = flood(at, Buffer.concat([...Array<Uint8Array>(99).fill(INV), PING]));
    const flooder = await established(node);
    const seen = watchTurns(node, flooder.id);
    const before = process.memoryUsage().rss;
    let handshakes = 0;
    node.on('established', () => (handshakes += 1));
    const other = createNode({ chain: 'regtest', maxoutbound: DIALS });
    closers.push(() => other.stop());
    for (let round = 0; round < DIALS; round += 1) {
      const port = await node.listen(ANYWHERE);
      await other.dial(port.local).established();
    }
    while (handshakes < DIALS) await once(node, 'established');
    // However slow the machine is, so much is read before the turns are judged.
    while (seen.total <= 2 * MIB) await new Promise(setImmediate);
    // A turn ends with the read that makes it a whole one, and the system's read may be a whole one itself.
    expect(seen.most).toBeLessThanOrEqual(3 * READ);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
    expect(child.exitCode).toBeNull();
  });

  test('with dropped messages, its connection is closed with a reason', async () => {
    const { node, at } = await listening();
    const over = ended(node);
    const child = flood(at, BAD);
    expect((await over).lastreason).toMatchObject({
      code: 'ERR_LINK_FLOOD',
      facts: { state: 'established', what: 'useless', limit: 1_000 },
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
