/** `verack listen` as an operator runs it: log rotation, metrics behind a token or a socket, systemd, bans. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { bitcoind, describeNode } from './nodes/nodes.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-listener-'));
const inFolder = (name: string): string => join(folder, name);
const nodes: BitcoinNode[] = [];

const listen = (line = '', env: Readonly<Record<string, string>> = {}): Program =>
  new Program(`listen --regtest --port 0 --datadir none ${line}`.trim().split(/\s+/), { env });

async function addressOf(program: Program): Promise<string> {
  const [, at = ''] = await program.until('stdout', /^listening on (\S+)$/m);
  return at;
}

function dialler(localAddress = '127.0.0.1'): BitcoinNode {
  const node = createNode({ chain: 'regtest', net: tcpNet({ localAddress }) });
  nodes.push(node);
  return node;
}

beforeAll(() => build(), 120_000);
afterEach(async () => {
  endAll();
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Resolves when the file contains a line that matches. */
async function untilFile(path: string, pattern: RegExp): Promise<string> {
  for (;;) {
    const text = readFileSync(path, { encoding: 'utf8', flag: 'a+' });
    if (pattern.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('SIGHUP reopens log files, so that they can be rotated; the listener continues', async () => {
  const [log, results] = [inFolder('debug.log'), inFolder('results')];
  const command = [
    'bash',
    '-c',
    `exec "$0" "$@" > ${results} 2> ${log}`,
    process.execPath,
    'dist/src/cli/main.js',
  ];
  const program = new Program('listen --regtest --port 0 --datadir none --log core'.split(' '), {}, command);
  const at = /^listening on (\S+)$/m.exec(await untilFile(results, /^listening on \S+$/m))?.[1] ?? '';
  renameSync(log, `${log}.1`);
  renameSync(results, `${results}.1`);
  program.kill('SIGHUP');
  while (!statSync(log, { throwIfNoEntry: false })) await new Promise((resolve) => setTimeout(resolve, 20));
  await dialler().dial(at).established();
  expect(await untilFile(log, /New inbound/)).not.toContain('Bound to');
  await untilFile(results, /^established /m);
  expect(readFileSync(`${log}.1`, 'utf8')).not.toContain('New inbound');
  program.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

test('SIGHUP ends a listener whose output goes to no files', async () => {
  const program = listen();
  await addressOf(program);
  program.kill('SIGHUP');
  expect(await program.exit).toBe(0);
});

/** A GET over a UNIX socket: status and body. */
function get(socketPath: string, path: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('metrics', () => {
  test('require the token of a file', async () => {
    const file = inFolder('token');
    writeFileSync(file, 'a-secret\n');
    const program = listen(`--metrics 0 --metricstokenfile ${file}`);
    const [, url = ''] = await program.until('stdout', /metrics at (\S+)/);
    const status = async (token?: string): Promise<number> =>
      (await fetch(url, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })).status;
    expect([await status(), await status('another'), await status('a-secret')]).toEqual([401, 401, 200]);
    expect(program.stdout + program.stderr).not.toContain('a-secret');
  });

  test.each([
    ['is empty', inFolder('empty'), 'the first line of the file is empty'],
    ['is not there', inFolder('absent'), 'cannot be read: there is no such file or directory (ENOENT)'],
  ])('with a token file that %s are a usage error', async (_, file, sentence) => {
    if (file.endsWith('empty')) writeFileSync(file, '\n');
    const program = listen(`--metrics 0 --metricstokenfile ${file}`);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toContain(sentence);
  });

  test('are served on a UNIX socket, for its owner and group', async () => {
    const path = inFolder('metrics.sock');
    const program = listen(`--metrics=unix:${path}`);
    await program.until('stdout', new RegExp(`metrics at unix:${path}`));
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await addressOf(program);
    expect((await get(path, '/metrics')).body).toContain('verack_slots{direction="inbound"} 114');
    const { status, body } = await get(path, '/healthz');
    expect([status, JSON.parse(body)]).toMatchObject([200, { ready: true }]);
  });

  test('on an address that others reach come with a warning', async () => {
    const program = listen('--metrics=0.0.0.0:0');
    await program.until('stderr', /warning: any machine that can reach 0\.0\.0\.0 can read the metrics/);
  });
});

/** Receives datagrams at a UNIX socket; Node cannot. Perl is part of every Debian system. */
const RECEIVER = `
  use Socket; $| = 1;
  my $s; socket($s, AF_UNIX, SOCK_DGRAM, 0) && bind($s, pack_sockaddr_un($ARGV[0])) or die;
  print "bound\\n";
  while (defined recv($s, my $text, 4096, 0)) { print "[$text]\\n" if $text !~ /^BARRIER/; }`;

test('systemd is notified that the listener is ready, runs and stops', async () => {
  const socket = inFolder('notify');
  const receiver = spawn('perl', ['-e', RECEIVER, socket]);
  let received = '';
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => (received += text));
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(received) && receiver.exitCode === null) await once(receiver.stdout, 'data');
  };
  try {
    await until(/bound/);
    const program = listen('', { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' });
    await until(/READY=1\nSTATUS=listening\]/);
    await until(/WATCHDOG=1\](.|\n)*WATCHDOG=1\]/);
    program.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    await until(/STOPPING=1\]/);
    expect(received.indexOf('READY')).toBeLessThan(received.indexOf('WATCHDOG'));
    expect(received).toMatch(/\[STOPPING=1\]\n$/);
  } finally {
    receiver.kill();
  }
});

describe('log lines about inbound peers', () => {
  /** Handshakes that end at once, one after the other. */
  async function visits(at: string, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const node = dialler();
      await node.dial(at).established();
      await node.stop();
    }
  }

  test.each([
    ['pretty', /6 more like this: ended, most from 127\.0\.0\.0\/24 \(6\); -v shows each/, 'closed 127'],
    ['json', /"6 more like this: ended, most from 127\.0\.0\.0\/24 \(6\); -v shows each"/, '"event":"ended"'],
  ])('--log %s: ten of a kind and source, then their number at the end', async (form, summary, line) => {
    const program = listen(`--log ${form} --json`);
    const [, at = ''] = await program.until('stdout', /"addr":"(127\.0\.0\.1:\d+)"/);
    await visits(at, 16);
    // Only 10 of the 16 ends have a line in the log, but each of them is an event on stdout.
    await program.until('stdout', /(?:"event":"ended"(?:(?!"event":"ended")[^])*){16}/);
    program.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stderr.split(line)).toHaveLength(11);
    expect(program.stderr).toMatch(summary);
  });
});

describe('banlist.json', () => {
  const datadir = inFolder('data');
  const banning = (...args: string[]): Program =>
    new Program(['listen', '--regtest', '--port', '0', '--datadir', datadir, ...args]);
  const file = join(datadir, 'regtest', 'banlist.json');
  const ended = (program: Program): Promise<unknown> => {
    program.kill('SIGTERM');
    return program.exit;
  };

  test('--ban refuses a subnet, now and at the next start', async () => {
    for (const args of [['--ban', '127.9.0.0/16', '--bantime', '3600'], []]) {
      const program = banning(...args);
      const at = await addressOf(program);
      const refusal = await dialler('127.9.1.1').dial(at).ended();
      expect(refusal.lastreason?.code).toMatch(/ERR_LINK_/);
      await dialler('127.8.1.1').dial(at).established();
      await program.until('stderr', /ERR_POLICY_BANNED 127\.9\.1\.1/);
      await ended(program);
    }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      banned_nets: [{ version: 1, address: '127.9.0.0/16' }],
    });
  });
});

describeNode('bitcoind', 'banlist.json and bitcoind', () => {
  test('it reads ours, and we read its own', async () => {
    const datadir = inFolder('shared');
    const ours = new Program(
      `listen --regtest --port 0 --datadir ${datadir} --ban 127.9.0.0/16 --ban 2001:db8::/32`.split(' '),
    );
    await addressOf(ours);
    ours.kill('SIGTERM');
    await ours.exit;
    const node = await bitcoind({ args: [`-datadir=${datadir}`] });
    const listed = (await node.rpc('listbanned')) as { address: string }[];
    expect(listed.map(({ address }) => address).toSorted()).toEqual(['127.9.0.0/16', '2001:db8::/32']);
    await node.rpc('setban', ['127.9.0.0/16', 'remove']);
    await node.rpc('setban', ['127.7.0.0/16', 'add', 3_600]);
    await node.stop();
    const again = new Program(`listen --regtest --port 0 --datadir ${datadir}`.split(' '));
    const at = await addressOf(again);
    await dialler('127.7.1.1').dial(at).ended();
    await again.until('stderr', /ERR_POLICY_BANNED 127\.7\.1\.1/);
    await dialler('127.9.1.1').dial(at).established();
  });
});
