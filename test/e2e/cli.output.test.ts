/** The output of the built program: slow readers, full disks, closed pipes. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode } from '../../src/index.js';
import { loadCases } from '../../src/conformance/case-files.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { claimPorts } from './nodes/ports.js';

const nodes: BitcoinNode[] = [];

async function listening(): Promise<string> {
  const node = createNode({ chain: 'regtest' });
  nodes.push(node);
  const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
  return `${local.host}:${local.port}`;
}

/** Runs a line of bash in which `verack` is the built program. */
const shell = (line: string): Program =>
  new Program([`verack() { "$0" dist/src/cli/main.js "$@"; }; ${line}`, process.execPath], {}, [
    'bash',
    '-c',
  ]);

beforeAll(() => build(), 120_000);
afterEach(endAll);
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

test('a reader that starts late gets every line', async () => {
  const piped = shell('verack conform --list --json | { sleep 1; cat; }; exit "${PIPESTATUS[0]}"');
  expect(await piped.exit).toBe(0);
  expect(piped.events).toHaveLength(loadCases().length);
});

test('a usage error that is read late is complete', async () => {
  const piped = shell(`verack decode --command ${'x'.repeat(100_000)} 00 2>&1 | { sleep 1; wc -c; }`);
  await piped.exit;
  expect(Number(piped.stdout)).toBeGreaterThan(100_000);
});

const hasFullDevice = existsSync('/dev/full') && spawnSync('sh', ['-c', 'echo > /dev/full']).status !== 0;

(hasFullDevice ? describe : describe.skip)('a full disk', () => {
  test('is one sentence and exit code 8', async () => {
    const diagram = shell('verack diagram > /dev/full');
    expect(await diagram.exit).toBe(8);
    expect(diagram.stderr).toBe(
      'verack: standard output cannot be written: the disk is full (ENOSPC); lines are lost.\n',
    );
  });

  test('for diagnostics is exit code 8 too', async () => {
    const at = await listening();
    const connect = shell(`verack connect --regtest --once -v ${at} 2> /dev/full`);
    expect(await connect.exit).toBe(8);
    expect(connect.stdout).toMatch(/^established /);
  });

  test('does not end a listener', async () => {
    const ports = await claimPorts();
    const listen = shell(
      `echo started; exec "$0" dist/src/cli/main.js listen --regtest --port ${ports.p2p} --log json > /dev/full 2>&1`,
    );
    await listen.until('stdout', /started/);
    const connect = new Program(['connect', '--regtest', `127.0.0.1:${ports.p2p}`]);
    await connect.until('stdout', /^established /);
    connect.kill('SIGKILL');
    listen.kill('SIGTERM');
    ports.release();
    expect(await listen.exit).toBe(8);
  });
});

test('a closed pipe ends a command that has nothing more to print', async () => {
  const at = await listening();
  const piped = shell(`verack connect --regtest -v ${at} | head -1; exit "\${PIPESTATUS[0]}"`);
  expect(await piped.exit).toBe(0);
  expect(piped.stdout).toMatch(/^established .*\n$/);
});

test('a closed pipe of the diagnostics does not stop the results', async () => {
  const at = await listening();
  const connect = shell(`verack connect --regtest --once -v ${at} 2> >(true)`);
  expect([0, 8]).toContain(await connect.exit);
  expect(connect.stdout).toMatch(/^established /);
});

test.each([
  'connect --regtest --datadir none --connect=0',
  'listen --regtest --datadir none --port 0',
  'demo --stay',
])(
  '%s --inspect: the address of the page is labelled, and is the last line before the program waits',
  async (command) => {
    const program = new Program([...command.split(' '), '--inspect']);
    const [line] = await program.until('stdout', /^page: http:\/\/127\.0\.0\.1:\d+\/$/m);
    await program.until('stderr', /^page: .*\n/m);
    expect(program.stderr.trimEnd().split('\n').at(-1)).toBe(line);
    program.kill('SIGINT');
    await program.exit;
  },
);
