/**
 * The figures of `verack crawl`: `npm run bench:crawl`, `-- --only tcp,memory,coverage,kill`, `-- --seeds 20`,
 * `-- --results FILE` (coverage: keeps the result of each seed, and goes on with the seeds that are missing).
 *
 * tcp: the simulated network of 500 addresses over TCP, 391 of them reachable, in a process of its own. memory: 20,000
 * addresses over TCP, hostile nodes among them. coverage: how often the 95 % interval holds the truth, on a virtual clock.
 * kill: `kill -9` at random moments, then `--resume`. A missed goal is printed, and is no failure.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Covered, coverageOf } from '../support/interval-coverage.js';
import type { Cost } from '../../src/crawl/counts.js';
import type { PlanOptions } from '../support/simulated-network.js';

const MAIN = 'dist/src/cli/main.js';
const NETWORK = 'dist/test/support/simulated-network-process.js';
const directory = mkdtempSync(join(tmpdir(), 'verack-bench-crawl-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

interface Served {
  readonly child: ChildProcess;
  readonly first: string;
}

/** A network in a process of its own. */
async function serve(plan: PlanOptions): Promise<Served> {
  const child = spawn(process.execPath, [NETWORK, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
    child.once('exit', () => reject(new Error('the network did not start')));
  });
  return { child, first };
}

const argsFor = (first: string, ...more: readonly string[]): string[] => [
  ...[MAIN, 'crawl', '--regtest', '--seednode', first, '--allow-unroutable', '--json'],
  ...more,
];

interface Ran {
  readonly summary: Record<string, unknown> & { readonly seconds: number; readonly reachable: number };
  readonly cpu: number;
  readonly rss: number;
}

/** Runs the program under GNU time. */
function crawl(first: string, ...more: readonly string[]): Ran {
  const times = join(directory, 'time');
  const command = ['-o', times, '-f', '%U %S %M', process.execPath, ...argsFor(first, ...more)];
  const text = execFileSync('/usr/bin/time', command, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const [user = 0, system = 0, rss = 0] = readFileSync(times, 'utf8')
    .trim()
    .split(/\s+/)
    .slice(-3)
    .map(Number);
  const last = text.trimEnd().split('\n').at(-1) ?? '{}';
  return { summary: JSON.parse(last) as Ran['summary'], cpu: user + system, rss: rss / 1_024 };
}

async function tcp(): Promise<void> {
  const { child, first } = await serve({ seed: 1, size: 500, reachable: 391 });
  for (let run = 1; run <= 5; run++) {
    const output = join(directory, `tcp-${run}.ndjson`);
    const { summary, cpu, rss } = crawl(first, '--output', output);
    console.log(
      `tcp: ${summary.reachable} of 391 found in ${summary.seconds} s (goal < 2 s), ${cpu.toFixed(2)} s of CPU with the start of Node, ${rss.toFixed(0)} MB`,
    );
  }
  child.kill();
}

async function memory(): Promise<void> {
  const { child, first } = await serve({
    seed: 2,
    size: 20_000,
    reachable: 12_000,
    hostile: 0.05,
    advertises: 250,
  });
  const limits = ['--replytimeout', '5', '--peertimeout', '5', '--parallel', '128'];
  const { summary, cpu, rss } = crawl(first, ...limits, '--output', join(directory, 'memory.ndjson'));
  const { attempted, skipped, not_followed, costs } = summary;
  console.log(
    `memory: ${rss.toFixed(0)} MB (goal < 300), ${summary.reachable} reachable, ${String(attempted)} contacted in ${summary.seconds} s, ${cpu.toFixed(0)} s of CPU; skipped ${JSON.stringify(skipped)}, not followed ${String(not_followed)}`,
  );
  // One address in twenty is hostile: endless or invented addresses, slow bytes, silence, a closed connection.
  for (const [reason, cost] of Object.entries(costs as Record<string, Cost>))
    console.log(
      `memory: ${reason}: ${cost.contacts} contacts, ${(cost.seconds / cost.contacts).toFixed(2)} s and ${Math.round(cost.bytes / cost.contacts)} bytes each, ${cost.longest_seconds.toFixed(1)} s at most`,
    );
  child.kill();
}

/** Seeds that a file of results holds already, so that a long run can go on; none without a file. */
function coveredIn(file: string | undefined): Covered[] {
  if (file === undefined || !existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Covered);
}

async function coverage(seeds: number, file: string | undefined): Promise<void> {
  const options = { size: 20_000, reachable: 12_000, churn: 0.02, rounds: 4, sample: 2_000, advertises: 30 };
  const done = new Map(coveredIn(file).map((one) => [one.seed, one]));
  for (let seed = 1; seed <= seeds; seed++) {
    if (done.has(seed)) continue;
    const one = await coverageOf(seed, options);
    done.set(seed, one);
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(one)}\n`);
    if (!one.holds) console.log(`coverage: ${JSON.stringify(one)}`);
  }
  const all = [...done.values()].filter(({ seed }) => seed <= seeds);
  const held = all.filter(({ holds }) => holds).length;
  const unroutable = all.reduce((sum, one) => sum + one.unroutable, 0);
  console.log(
    `coverage: the interval holds the truth in ${held} of ${seeds} seeds (goal 93 of 100), ${unroutable} contacts of unroutable addresses (goal 0)`,
  );
}

interface Attempt {
  readonly event: string;
  readonly addr: string;
  readonly outcome: string;
  readonly reason: unknown;
  readonly phases: unknown;
}

function attemptsIn(file: string): Attempt[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Attempt).filter(({ event }) => event === 'attempt');
}

const reachableIn = (attempts: readonly Attempt[]): string[] =>
  attempts.filter(({ outcome }) => outcome === 'reachable').map(({ addr }) => addr);

/** What one set has and the other has not, with the recorded attempts; empty when they are equal. */
function differenceOf(attempts: readonly Attempt[], wanted: readonly string[]): string {
  const found = reachableIn(attempts);
  const missing = wanted.filter((addr) => !found.includes(addr));
  const extra = found.filter((addr) => !wanted.includes(addr));
  if (missing.length + extra.length === 0) return '';
  const recorded = missing.map((addr) => {
    const { reason, phases } = attempts.find((attempt) => attempt.addr === addr) ?? {};
    return `${addr} ${JSON.stringify({ reason, phases })}`;
  });
  return `${missing.length} missing, ${extra.length} more; ${recorded.slice(0, 5).join('; ')}`;
}

async function kill(): Promise<void> {
  const { child, first } = await serve({ seed: 1, size: 500, reachable: 391 });
  const whole = join(directory, 'whole.ndjson');
  crawl(first, '--output', whole);
  const wanted = reachableIn(attemptsIn(whole));
  let equal = 0;
  let twice = 0;
  for (let run = 0; run < 20; run++) {
    const output = join(directory, `kill-${run}.ndjson`);
    const program = spawn(process.execPath, argsFor(first, '--output', output), { stdio: 'ignore' });
    const pause = Math.round(300 + 100 * run + Math.random() * 100);
    await wait(pause);
    program.kill('SIGKILL');
    await new Promise((resolve) => program.once('exit', resolve));
    crawl(first, '--output', output, '--resume');
    const attempts = attemptsIn(output);
    const found = reachableIn(attempts);
    const difference = differenceOf(attempts, wanted);
    if (difference !== '') console.log(`kill: run ${run} after ${pause} ms: ${difference}`);
    equal += difference === '' ? 1 : 0;
    twice += found.length - new Set(found).size;
  }
  console.log(
    `kill: the same set after kill -9 and --resume in ${equal} of 20 runs, ${twice} contacts made twice`,
  );
  child.kill();
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'tcp,memory,coverage,kill' },
    seeds: { type: 'string', default: '100' },
    results: { type: 'string' },
  },
});
const wanted = values.only.split(',');
if (wanted.includes('tcp')) await tcp();
if (wanted.includes('memory')) await memory();
if (wanted.includes('coverage')) await coverage(Number(values.seeds), values.results);
if (wanted.includes('kill')) await kill();
process.exit(0);
