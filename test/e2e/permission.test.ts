/**
 * The program under the permission model of Node.js, with the right to read its own package and nothing else. Runs with
 * the Node.js that runs the tests; .ci/node-versions runs it with the other supported lines.
 */
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createNode } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';

const PACKAGE = realpathSync('.');
const FLAG = process.version.startsWith('v20.') ? '--experimental-permission' : '--permission';
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'verack-permission-'));

/** The line of SECURITY.md; `granted` are further rights. */
function restricted(line: string, ...granted: string[]): Program {
  const rights = [FLAG, `--allow-fs-read=${PACKAGE}/`, ...granted];
  const command = [process.execPath, '--no-warnings', ...rights, join(PACKAGE, 'dist/src/cli/main.js')];
  return new Program(line.split(' '), {}, command);
}

async function addressOf(program: Program): Promise<string> {
  const [, at = ''] = await program.until('stdout', /^listening on (\S+)$/m);
  return at;
}

beforeAll(() => build(), 120_000);
afterEach(endAll);
afterAll(() => rmSync(folder, { recursive: true }));

describe('with the right to read the package', () => {
  test('a listener completes handshakes, and ends in order', async () => {
    const listen = restricted('listen --regtest --port 0 --datadir none');
    const node = createNode({ chain: 'regtest' });
    await node.dial(await addressOf(listen)).established();
    // Longer than the pause before the reader of a pipe is watched, which would start a program.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await node.stop();
    await listen.until('stdout', /^established /m);
    listen.kill('SIGTERM');
    expect(await listen.exit).toBe(0);
    expect(listen.stderr).not.toMatch(/fault in verack|ERR_ACCESS_DENIED/);
  });

  test('the page and the metrics are served', async () => {
    const listen = restricted('listen --regtest --port 0 --datadir none --metrics 0 --inspect 0');
    await addressOf(listen);
    const [, metrics = ''] = await listen.until('stdout', /metrics at (\S+)/);
    const [, page = ''] = await listen.until('stdout', /page: (\S+)/);
    expect(await (await fetch(metrics)).text()).toContain('verack_peers');
    expect((await fetch(page)).status).toBe(200);
  });

  test('the data directory is not used, and the listener continues', async () => {
    const listen = restricted(`listen --regtest --port 0 --datadir ${folder}`);
    await addressOf(listen);
    await listen.until('stderr', /banlist\.json is not used: the system refused \(ERR_ACCESS_DENIED\)/);
    await listen.until('stderr', /ERR_ACCESS_DENIED\): nothing is saved/);
  });

  test('names are looked up in this process, since no other may be started', async () => {
    const probe = restricted('probe --regtest localhost:1');
    expect(await probe.exit).toBe(4);
    expect(probe.stderr).toContain('ERR_DIAL_REFUSED 127.0.0.1:1');
  });

  test('a recording is refused, with its cause', async () => {
    const listen = restricted(
      `listen --regtest --port 0 --datadir none --record ${join(folder, 'no.ndjson')}`,
    );
    expect(await listen.exit).toBe(2);
    expect(listen.stderr).toContain('ERR_ACCESS_DENIED');
  });
});

test('with the right to write one folder, recordings go there', async () => {
  const file = join(folder, 'conversation.ndjson');
  const listen = restricted(
    `listen --regtest --port 0 --datadir none --record ${file}`,
    `--allow-fs-write=${folder}/`,
  );
  const node = createNode({ chain: 'regtest' });
  await node.dial(await addressOf(listen)).established();
  await listen.until('stdout', /^established /m);
  await node.stop();
  listen.kill('SIGTERM');
  expect(await listen.exit).toBe(0);
  expect(statSync(file).size).toBeGreaterThan(1_000);
  const again = restricted(`listen --regtest --port 0 --record ${file}`, `--allow-fs-write=${folder}/`);
  expect(await again.exit).toBe(2);
  expect(again.stderr).toContain('EEXIST');
});
