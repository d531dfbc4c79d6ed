/** `verack crawl` against nodes that were written without this program: many kinds of correct, old and misbehaving nodes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { build, endAll, Program } from '../support/cli-process.js';

const directory = mkdtempSync(join(tmpdir(), 'verack-crawl-variants-'));
let network: ChildProcess;
let first = '';
let reachable: string[] = [];

beforeAll(async () => {
  build();
  network = spawn(process.execPath, ['test/support/varied-network.mjs', '61'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const text = await new Promise<string>((resolve) => {
    let line = '';
    network.stdout!.on('data', (chunk: Buffer) => {
      line += chunk.toString();
      if (line.endsWith('\n')) resolve(line);
    });
  });
  ({ first, reachable } = JSON.parse(text) as { first: string; reachable: string[] });
});
afterEach(endAll);
afterAll(() => {
  network.kill();
  rmSync(directory, { recursive: true });
});

interface Attempt {
  readonly event: string;
  readonly addr: string;
  readonly outcome: string;
}

test.each(['256', '50'])(
  'every node that completes a handshake is found; --parallel %s',
  async (parallel) => {
    const output = join(directory, `crawl-${parallel}.ndjson`);
    const where = ['--regtest', '--seednode', first, '--allow-unroutable', '--any-port'];
    const crawl = new Program(['crawl', ...where, '--output', output, '--parallel', parallel, '--json']);
    expect(await crawl.exit).toBe(0);
    expect(JSON.parse(crawl.stdout)).toMatchObject({
      reachable: 391,
      attempted: 500,
      contacts: 500,
      known: 500,
    });
    const events = readFileSync(output, 'utf8').trimEnd().split('\n');
    const attempts = events
      .map((line) => JSON.parse(line) as Attempt)
      .filter(({ event }) => event === 'attempt');
    const found = attempts.filter(({ outcome }) => outcome === 'reachable').map(({ addr }) => addr);
    expect(found.sort()).toEqual([...reachable].sort());
  },
);
