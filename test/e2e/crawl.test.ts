/** The crawl at full size over TCP, and the fleet: workers as processes, a real NATS server, `kill -9` in the middle. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { planNetwork, SimulatedNetwork } from '../support/simulated-network.js';
import { hasNats, NatsServer } from './nodes/nats.js';

const directory = mkdtempSync(join(tmpdir(), 'verack-fleet-'));
const plan = planNetwork({ seed: 1, size: 500, reachable: 391, octet: 31 });
const wanted = plan.slice(0, 391).map(({ addr }) => addr);
let network: SimulatedNetwork;

beforeAll(async () => {
  build();
  network = await new SimulatedNetwork(plan, { net: tcpNet(), clock: systemClock, seed: 1 }).start();
});
afterEach(() => {
  endAll();
  network.hold([]);
  network.accepted.clear();
});
afterAll(async () => {
  await network.stop();
  rmSync(directory, { recursive: true });
});

const crawl = (...args: string[]): Program => new Program(['crawl', '--regtest', '--json', ...args]);
/** Open contacts of a worker. */
const PARALLEL = 16;
const begin = ['--seednode', plan[0]!.addr, '--allow-unroutable'];

interface Attempt {
  readonly event: string;
  readonly addr: string;
  readonly outcome: string;
  readonly vantage: string;
}

function attemptsIn(file: string): Attempt[] {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Attempt).filter(({ event }) => event === 'attempt');
  } catch {
    return [];
  }
}

async function reached(file: string, count: number): Promise<void> {
  while (attemptsIn(file).length < count) await wait(50);
}

const reachableIn = (file: string): string[] =>
  attemptsIn(file)
    .filter(({ outcome }) => outcome === 'reachable')
    .map(({ addr }) => addr)
    .sort();

test('a single process finds all 391', async () => {
  const output = join(directory, 'single.ndjson');
  expect(await crawl(...begin, '--output', output).exit).toBe(0);
  expect(reachableIn(output)).toEqual([...wanted].sort());
});

if (!hasNats() && process.env.CI !== 'true')
  test.skip('the fleet: nats-server is not installed', () => undefined);
else
  describe('the fleet', () => {
    let server: NatsServer;
    let runs = 0;
    beforeAll(async () => {
      server = await NatsServer.start(join(directory, 'nats'));
    });
    afterAll(() => server.stop());

    const worker = (vantage: string): Program =>
      crawl(
        ...['--nats', server.url, '--vantage', vantage],
        ...['--parallel', String(PARALLEL), '--peertimeout', '300'],
      );
    const coordinator = (output: string, ...more: string[]): Program =>
      crawl(...begin, '--nats', server.url, '--coordinate', '--output', output, ...more);
    const freshFile = (): string => join(directory, `fleet-${++runs}.ndjson`);

    test('three workers find what a single process finds, each address once, from three places', async () => {
      const output = freshFile();
      const workers = ['a', 'b', 'c'].map(worker);
      // More than two workers can have open: the third, which may start late, must take some of them.
      const held = network.hold(wanted.slice(1, 2 * PARALLEL + 2));
      const running = coordinator(output);
      for (let n = 0; n < 2_000 && held.dialled.size <= 2 * PARALLEL; n++) await wait(50);
      held.release();
      expect(await running.exit).toBe(0);
      expect(reachableIn(output)).toEqual([...wanted].sort());
      expect(attemptsIn(output)).toHaveLength(500);
      expect([...network.accepted.values()].every((count) => count === 1)).toBe(true);
      expect(new Set(attemptsIn(output).map(({ vantage }) => vantage))).toEqual(new Set(['a', 'b', 'c']));
      for (const each of workers) each.kill('SIGTERM');
      expect(await Promise.all(workers.map(({ exit }) => exit))).toEqual([0, 0, 0]);
    });

    test('kill -9 of a worker and of the server in the middle: the same set', async () => {
      const output = freshFile();
      const [first, ...others] = ['a', 'b', 'c'].map(worker);
      const held = network.hold(wanted.slice(-1));
      const running = coordinator(output, '--parallel', '24');
      await reached(output, 80);
      first!.kill('SIGKILL');
      await reached(output, 160);
      await server.restart('SIGKILL');
      held.release();
      expect(await running.exit).toBe(0);
      expect(reachableIn(output)).toEqual([...wanted].sort());
      expect(attemptsIn(output)).toHaveLength(500);
      // Only what the dead worker had open may have been contacted again.
      const again = [...network.accepted.values()].filter((count) => count > 1);
      expect(again.length).toBeLessThanOrEqual(PARALLEL);
      for (const each of others) each.kill('SIGTERM');
      await Promise.all(others.map(({ exit }) => exit));
    });

    test('kill -9 of the coordinator, then --resume: the same set', async () => {
      const output = freshFile();
      const workers = ['a', 'b'].map(worker);
      const held = network.hold(wanted.slice(-1));
      const running = coordinator(output, '--parallel', '24');
      await reached(output, 100);
      running.kill('SIGKILL');
      await running.exit;
      held.release();
      expect(await coordinator(output, '--resume').exit).toBe(0);
      expect(reachableIn(output)).toEqual([...wanted].sort());
      expect(attemptsIn(output)).toHaveLength(500);
      for (const each of workers) each.kill('SIGTERM');
      await Promise.all(workers.map(({ exit }) => exit));
    });

    test('without a worker: an alarm within 60 s, as a line and as a metric', async () => {
      const running = coordinator(freshFile(), '--metrics=127.0.0.1:0');
      const [url] = await running.until('stdout', /http:\S+\/metrics/);
      const [, seconds] = await running.until('stderr', /stale: no result for (\d+) s/);
      expect(Number(seconds)).toBeLessThan(60);
      const text = await (await fetch(url)).text();
      expect(Number(/^verack_crawl_result_age_seconds (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(30);
      running.kill('SIGTERM');
      expect(await running.exit).toBe(4);
    });
  });
