/** `--metrics` of the built program: the address, the error when it cannot listen, and that nothing is served without the option. */
import { mkdirSync, mkdtempSync, cpSync, readdirSync, rmSync, symlinkSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build, endAll, Program } from '../support/cli-process.js';
import { readExposition } from '../support/prometheus-parser.js';

const verack = (line: string): Program => new Program(line.split(' '));

/** The value of one series at that address. */
async function valueAt(url: string, name: string, labels: object): Promise<number | undefined> {
  const response = await fetch(url);
  const { samples = [] } = readExposition(await response.text()).get(name) ?? {};
  return samples.find((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;
}

/** The program with all it needs except prom-client, as `npm install --omit=optional` leaves it. */
function withoutOptional(): string {
  const folder = mkdtempSync(join(tmpdir(), 'verack-bare-'));
  copyFileSync('package.json', join(folder, 'package.json'));
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  for (const name of readdirSync('node_modules').flatMap((each) =>
    each.startsWith('@')
      ? readdirSync(join('node_modules', each)).map((inner) => `${each}/${inner}`)
      : [each],
  )) {
    if (name === 'prom-client' || name.startsWith('.')) continue;
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }
  return folder;
}

beforeAll(() => build(), 120_000);
afterEach(endAll);

describe('--metrics', () => {
  test('serves the figures of listen and connect, each at its own address', async () => {
    const listen = verack('listen --regtest --port 0 --metrics 0');
    const [, at = ''] = await listen.until('stdout', /^listening on (\S+)$/m);
    const [, mine = ''] = await listen.until('stdout', /^metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m);
    const connect = verack(`connect --regtest --json --metrics=[::1]:0 ${at}`);
    const [, theirs = ''] = await connect.until(
      'stdout',
      /"event":"metrics","url":"(http:\/\/\[::1\]:\d+\/metrics)"/,
    );
    await connect.until('stdout', /"event":"established"/);
    await listen.until('stdout', /^established/m);
    for (const url of [mine, theirs]) {
      expect(await valueAt(url, 'verack_handshakes_total', { outcome: 'ok', transport: 'v2' })).toBe(1);
    }
    expect(await valueAt(mine, 'verack_peers', { direction: 'inbound', state: 'established' })).toBe(1);
    expect(await valueAt(theirs, 'verack_peers', { direction: 'outbound', state: 'established' })).toBe(1);
    connect.kill('SIGTERM');
    listen.kill('SIGTERM');
    expect([await connect.exit, await listen.exit]).toEqual([0, 0]);
  });

  test('counts the nodes of the demo', async () => {
    const demo = verack('demo --stay --metrics 0');
    const [, url = ''] = await demo.until('stdout', /^metrics at (\S+)$/m);
    await demo.until('stderr', /the demo keeps running/);
    expect(await valueAt(url, 'verack_handshakes_total', { outcome: 'ERR_PROTO_SELF' })).toBeGreaterThan(0);
    demo.kill('SIGTERM');
    await demo.exit;
  });

  test('names a port that is in use', async () => {
    const first = verack('listen --regtest --port 0 --metrics 0');
    const [, port = ''] = await first.until('stdout', /^metrics at http:\/\/127\.0\.0\.1:(\d+)/m);
    const second = verack(`listen --regtest --port 0 --metrics ${port}`);
    expect(await second.exit).toBe(2);
    expect(second.stderr).toMatch(
      new RegExp(
        `metrics cannot be served on 127\\.0\\.0\\.1 port ${port} \\(EADDRINUSE\\); give --metrics another port`,
      ),
    );
  });
});

describe('without prom-client', () => {
  let folder = '';
  beforeAll(() => {
    folder = withoutOptional();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const bare = (line: string): Program =>
    new Program(line.split(' '), {}, [process.execPath, join(folder, 'dist/src/cli/main.js')]);

  test('everything else works, since it is loaded on demand', async () => {
    const listen = bare('listen --regtest --port 0');
    const [, at = ''] = await listen.until('stdout', /^listening on (\S+)$/m);
    const connect = bare(`connect --regtest --once ${at}`);
    expect(await connect.exit).toBe(0);
  });

  test('--metrics names the command that installs it', async () => {
    const listen = bare('listen --regtest --port 0 --metrics 0');
    expect(await listen.exit).toBe(2);
    expect(listen.stdout).toBe('');
    expect(listen.stderr).toContain('type "npm install prom-client@15"');
  });
});
