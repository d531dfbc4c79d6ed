/** `verack crawl` as a user runs it, against a network over TCP on 127.x. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { planNetwork, SimulatedNetwork } from '../support/simulated-network.js';

const directory = mkdtempSync(join(tmpdir(), 'verack-crawl-cli-'));
const plan = planNetwork({ seed: 1, size: 150, reachable: 110, octet: 21 });
let network: SimulatedNetwork | undefined;
beforeAll(async () => {
  build();
  network = await new SimulatedNetwork(plan, { net: tcpNet(), clock: systemClock, seed: 1 }).start();
});
afterEach(endAll);
afterAll(async () => {
  await network?.stop();
  rmSync(directory, { recursive: true });
});

const crawl = (...args: string[]): Program =>
  new Program(['crawl', '--regtest', '--seednode', plan[0]!.addr, '--allow-unroutable', '--json', ...args]);

const last = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}');

function attemptsIn(file: string): { addr: string; outcome: string }[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { event: string; addr: string; outcome: string })
    .filter(({ event }) => event === 'attempt');
}

describe('150 addresses, 110 of them reachable', () => {
  test('all are found, and --json ends with one object', async () => {
    const output = join(directory, 'whole.ndjson');
    const program = crawl('--output', output);
    expect(await program.exit).toBe(0);
    expect(last(program.stdout)).toMatchObject({ reachable: 110, attempted: 150, completeness: 'complete' });
    expect(last(program.stdout)).toHaveProperty('seconds');
    // Nothing else is printed: no inspector was asked for.
    expect(program.stdout.trimEnd().split('\n')).toHaveLength(1);
    const manifest = JSON.parse(readFileSync(`${output}.manifest.json`, 'utf8')) as object;
    expect(manifest).toMatchObject({ reachable: 110, file: { bytes: readFileSync(output).length } });
  });

  test('kill -9 in the middle, then --resume: the same set, no node twice in the file', async () => {
    const output = join(directory, 'killed.ndjson');
    const held = network!.hold([plan[109]!.addr]);
    const program = crawl('--output', output, '--parallel', '16', '--peertimeout', '300');
    while (!hasAttempts(output, 40)) await new Promise((resolve) => setTimeout(resolve, 20));
    program.kill('SIGKILL');
    await program.exit;
    held.release();
    const resumed = crawl('--output', output, '--resume');
    expect(await resumed.exit).toBe(0);
    const attempts = attemptsIn(output);
    expect(attempts).toHaveLength(150);
    expect(new Set(attempts.map(({ addr }) => addr)).size).toBe(150);
    const reachable = attempts.filter(({ outcome }) => outcome === 'reachable').map(({ addr }) => addr);
    expect(reachable.sort()).toEqual(
      plan
        .slice(0, 110)
        .map(({ addr }) => addr)
        .sort(),
    );
  });

  test('a finished crawl is printed as CSV without contacting a node', async () => {
    const output = join(directory, 'whole.ndjson');
    const program = new Program(['crawl', output, '--format', 'csv']);
    expect(await program.exit).toBe(0);
    expect(program.stdout.trimEnd().split('\n')).toHaveLength(151);
  });
});

function hasAttempts(file: string, count: number): boolean {
  try {
    return (readFileSync(file, 'utf8').match(/"event":"attempt"/g)?.length ?? 0) >= count;
  } catch {
    return false;
  }
}

describe('what is refused', () => {
  test.each([
    [['--allow-unroutable', '--contact', 'a@example.org'], '--allow-unroutable is refused on main'],
    [['--seednode', '8.8.8.8'], '--contact is required on main'],
    [['--regtest', '--seednode', '127.0.0.1'], 'is not publicly routable'],
    [['--regtest', '--resume'], '--resume needs --output FILE'],
    [['--regtest'], 'there is no address to begin with on regtest'],
  ])('%j', async (args, sentence) => {
    const program = new Program(['crawl', ...args]);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toContain(sentence);
  });

  test('an output file that is there already is not overwritten', async () => {
    const output = join(directory, 'taken.ndjson');
    writeFileSync(output, '{}\n');
    const program = crawl('--output', output);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toContain('--resume');
  });
});
