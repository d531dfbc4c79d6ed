/**
 * Floods over TCP against the program, from another process: packets that are of no use, and frames that are never
 * complete. A newcomer's handshake, the delay of the event loop and the memory of the program are measured meanwhile.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createNode, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { percentile, report } from './figures.js';

const SECONDS = 8;
const children: ChildProcess[] = [];

beforeAll(build, 120_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  endAll();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The node under attack. */
async function target() {
  const program = new Program(
    'listen --regtest --port 0 --quiet --maxconnections 1100 --metrics 0 --datadir none'.split(' '),
  );
  const [, port] = await program.until('stdout', /listening on 127\.0\.0\.1:(\d+)/);
  const [, url = ''] = await program.until('stdout', /metrics at (\S+)/);
  return { program, port: Number(port), url };
}

/** Starts the attacker and waits until its connections are established. */
async function attacked(attack: string, peers: number, port: number): Promise<void> {
  const args = ['test/attack/attacker.mjs', attack, String(peers), String(port)];
  const child = spawn('nice', ['-n', '5', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

/** Milliseconds that a newcomer needs until its handshake is complete. */
async function handshakeTime(port: number): Promise<number> {
  const node = createNode({ chain: 'regtest', net: tcpNet({ localAddress: '127.9.9.9' }) });
  const beganat = performance.now();
  await node.dial({ host: '127.0.0.1', port }).established();
  const taken = performance.now() - beganat;
  await node.stop();
  return taken;
}

/** The histogram of the delays of the event loop: how many were at most so many seconds. */
async function lagBuckets(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(url)).text();
  const lines = text.matchAll(/verack_eventloop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)/g);
  return new Map([...lines].map(([, limit = '', count]) => [limit, Number(count)]));
}

/** The delay that 99 % of the samples since then did not exceed, milliseconds: the upper bound of its bucket. */
async function lagSince(before: ReadonlyMap<string, number>, url: string): Promise<number> {
  const buckets = [...(await lagBuckets(url))].map(([limit, count]) => ({
    limit: limit === '+Inf' ? Infinity : Number(limit),
    count: count - (before.get(limit) ?? 0),
  }));
  const total = buckets.at(-1)?.count ?? 0;
  return (buckets.find(({ count }) => count >= total * 0.99)?.limit ?? Infinity) * 1_000;
}

const rssOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

describe('packets that are of no use', () => {
  test.each([
    ['decoys', 110, 'newcomer 7.0 s'],
    ['pings-v2', 110, 'newcomer 10.9 s'],
    ['pings-v1', 1_000, 'two time-outs at 15 s, mean lag 5 s'],
  ] as const)('%s of %i peers', async (attack, peers, was) => {
    const { port, url } = await target();
    await attacked(attack, peers, port);
    const before = await lagBuckets(url);
    const times: number[] = [];
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end;) {
      times.push(await handshakeTime(port));
      await pause(100);
    }
    const lag = await lagSince(before, url);
    const worst = Math.round(Math.max(...times));
    const median = Math.round(percentile(times, 50));
    report(
      `${attack} of ${peers} peers`,
      `newcomer ${median} ms, at most ${worst} ms; lag p99 ≤ ${lag} ms`,
      was,
    );
    expect(worst).toBeLessThan(1_000);
    expect(lag).toBeLessThanOrEqual(100);
  });
});

describe('frames that are never complete', () => {
  test('112 peers with 4 MB less one byte', async () => {
    const { program, port } = await target();
    await attacked('unfinished', 112, port);
    let most = 0;
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end; await pause(100))
      most = Math.max(most, rssOf(program.pid));
    const newcomer = Math.round(await handshakeTime(port));
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await pause(3_000);
    const after = Math.round(rssOf(program.pid));
    report(
      'unfinished frames of 112 peers',
      `RSS ${Math.round(most)} MB, ${after} MB after it; newcomer ${newcomer} ms`,
      'RSS 647 MB, 478 MB after it',
    );
    expect(most).toBeLessThan(200);
  });
});
