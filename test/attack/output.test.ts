/** What inbound peers can make the program write: volume of the log, a reader that stalls, a disk that is full. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build, endAll, Program } from '../support/cli-process.js';
import { report } from './figures.js';
import { attacked, endAttacks, handshakeTime, pause, Target } from './target.js';

const SECONDS = 8;
const VISITORS = 20;
/** Minutes of a day. */
const MINUTES = 1_440;

beforeAll(build, 120_000);
afterEach(() => {
  endAttacks();
  endAll();
});

describe('the volume of the log', () => {
  test.each([
    ['pretty', '37 GB a day'],
    ['json', '76 GB a day'],
    ['core', '128 GB a day'],
  ])('--log %s under handshakes without end from one address', async (form, before) => {
    const { program, port } = Target.listen(`--log ${form}`, 114);
    const at = await port;
    const [log, results] = [program.stderr.length, program.stdout.length];
    const beganat = performance.now();
    await attacked('visits', VISITORS, at);
    await pause(SECONDS * 1_000);
    const seconds = (performance.now() - beganat) / 1_000;
    // The limits are those of a minute, and it is shorter: what is written now is all of a minute.
    const megabytes = ((program.stderr.length - log) * MINUTES) / 1e6;
    const lines = program.stdout.slice(results).split('\n').length;
    const perLine = Math.round((program.stdout.length - results) / lines);
    report(
      `log volume, --log ${form}`,
      `${megabytes.toFixed(1)} MB a day at ${Math.round(lines / seconds)} handshakes a second; results on stdout: ${perLine} bytes for each`,
      before,
    );
    expect(megabytes).toBeLessThan(100);
  });
});

test('a reader of --json -vv that stalls', async () => {
  const target = Target.listen('--json -vv', 114);
  const port = await target.port;
  target.program.stopReading();
  await attacked('visits', VISITORS, port);
  const most = await target.peakOf(2 * SECONDS);
  endAttacks();
  target.program.readOn();
  const [, lost] = await target.program.until('stdout', /"event":"lost","lines":(\d+)/);
  report(
    'a reader of --json -vv that stalls',
    `RSS ${Math.round(most)} MB; ${lost} lines dropped and counted`,
    'RSS 598 MB',
  );
  expect(most).toBeLessThan(200);
});

const isRoot = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const hasFullDevice = existsSync('/dev/full');

describe('a disk that is full', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verack-attack-'));
  const node = [process.execPath, 'dist/src/cli/main.js', 'listen', '--regtest', '--datadir', 'none'].join(
    ' ',
  );

  /** Runs a line of a shell; newcomers connect during the attack. */
  async function survives(line: string, port: number): Promise<number> {
    const program = new Program([], {}, ['bash', '-c', line]);
    for (let isUp = false, tries = 0; !isUp && tries < 100; await pause(200), tries += 1)
      isUp = await handshakeTime(port).then(
        () => true,
        () => false,
      );
    await attacked('visits', VISITORS, port);
    await pause(SECONDS * 1_000);
    const newcomer = Math.round(await handshakeTime(port));
    program.kill('SIGKILL');
    return newcomer;
  }

  (hasFullDevice ? test : test.skip)('under stdout and stderr', async () => {
    const port = 18_610;
    const newcomer = await survives(`exec ${node} --port ${port} --log json > /dev/full 2>&1`, port);
    report(
      'stdout and stderr on a full disk',
      `the node serves; newcomer ${newcomer} ms`,
      'exit 1, a fault in verack',
    );
  });

  (isRoot ? test : test.skip)('of 100 kB, under --json', async () => {
    const port = 18_611;
    const mount = `mount -t tmpfs -o size=100k tmpfs ${folder}`;
    const line = `exec unshare --mount bash -c '${mount} && exec ${node} --port ${port} --json > ${folder}/out'`;
    const newcomer = await survives(line, port);
    report(
      '--json on a file system of 100 kB',
      `the node serves; newcomer ${newcomer} ms`,
      'dead after 1,036 connections',
    );
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));
});
