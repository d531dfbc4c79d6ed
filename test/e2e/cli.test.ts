/** The program, as a user runs it, against real nodes: `connect`, `listen` and `probe`. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { REASONS } from '../../src/reasons.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

const MAIN = 'dist/src/cli/main.js';
const NAMES = ['bitcoind', 'litecoind', 'bcoin'] as const;
const start = { bitcoind, litecoind, bcoin };

type Program = ChildProcessByStdio<null, Readable, null>;
const running = new Set<Program>();

function verack(...args: string[]): Program {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** The first line of output that `wanted` takes; rejects when the program ends before. */
async function line(child: Program, wanted: (text: string) => boolean): Promise<string> {
  for await (const text of createInterface(child.stdout)) if (wanted(text)) return text;
  throw new Error('the program ended without saying it');
}

const exitOf = (child: Program): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', resolve));

describeNode(NAMES, 'the program against real nodes', () => {
  const nodes = new Map<string, RealNode>();

  beforeAll(async () => {
    for (const name of NAMES) nodes.set(name, await start[name]());
  });
  // A node processes the end of a connection later than we do: the next test would find it among the peers.
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    for (const node of nodes.values())
      await node.peersUntil((peers) => peers.length === 0, 'empty list of peers');
  });
  const nodeOf = (name: string): RealNode => nodes.get(name)!;

  test.each(NAMES)('connect completes a v1 handshake with %s and stays connected', async (name) => {
    const { host, port } = nodeOf(name);
    const child = verack('connect', '--chain', 'regtest', '--no-v2transport', '--json', `${host}:${port}`);
    const text = await line(child, (each) => each.includes('"event":"established"'));
    expect(JSON.parse(text)).toMatchObject({
      addr: `${host}:${port}`,
      state: 'established',
      transport_protocol_type: 'v1',
    });
    const [theirs] = await nodeOf(name).handshaken(1);
    expect(theirs).toMatchObject({
      subver: expect.stringMatching(/^\/verack:/),
      transport: 'v1',
      inbound: true,
    });
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(0);
  });

  test.each(['bitcoind', 'litecoind'])('connect tries v2 with %s, then v1', async (name) => {
    const { host, port } = nodeOf(name);
    const child = verack('connect', '--chain', 'regtest', '--json', `${host}:${port}`);
    const seen = JSON.parse(await line(child, (each) => each.includes('"event":"established"'))) as {
      transport_protocol_type: string;
      session_id: string;
    };
    expect(seen.transport_protocol_type).toBe(name === 'bitcoind' ? 'v2' : 'v1');
    const [theirs] = await nodeOf(name).handshaken(1);
    expect(theirs?.raw.session_id ?? '').toBe(seen.session_id);
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(0);
  });

  test.each(NAMES)('listen completes the handshake when %s dials', async (name) => {
    const services = name === 'bcoin' ? ['--services', 'NETWORK,WITNESS'] : [];
    const child = verack('listen', '--chain', 'regtest', '--port', '0', '--json', ...services);
    const { port } = JSON.parse(await line(child, (each) => each.includes('"event":"listening"'))) as {
      port: number;
    };
    await nodeOf(name).dial('127.0.0.1', port, false);
    const [theirs] = await nodeOf(name).handshaken(1);
    expect(theirs).toMatchObject({ inbound: false, subver: expect.stringMatching(/^\/verack:/) });
    child.kill('SIGINT');
    expect(await exitOf(child)).toBe(0);
  });

  test.each(NAMES)('probe reports the version fields of %s', async (name) => {
    const { host, port, version } = nodeOf(name);
    const child = verack('probe', '--chain', 'regtest', '--no-v2transport', '--json', `${host}:${port}`);
    const report = JSON.parse(await line(child, () => true)) as Record<string, unknown>;
    expect(report).toMatchObject({ ok: true, subver: version });
    expect(await exitOf(child)).toBe(0);
  });

  test('probe of a node on another chain names that chain', async () => {
    const { host, port } = nodeOf('bitcoind');
    const child = verack('probe', '--chain', 'main', '--no-v2transport', '--json', `${host}:${port}`);
    const report = JSON.parse(await line(child, () => true)) as object;
    const reason = { code: 'ERR_FRAME_MAGIC', facts: { network: 'regtest' } };
    expect(report).toMatchObject({ ok: false, reason });
    expect(await exitOf(child)).toBe(REASONS.ERR_FRAME_MAGIC.exit);
  });
});
