/**
 * Takes the figures: `npm run bench`, `-- --list`, `-- --only inbound`, `-- --json FILE`; `-- --check` compares ratios with
 * test/bench/ratios.json. Without measuring: `-- --page FILE` puts the figures of a `--json` file into test/bench/README.md,
 * `-- --ratios FILE` its ratios into test/bench/ratios.json.
 *
 * Every figure is a ratio to a ceiling that was measured in the same minutes, in turn. A missed goal is reported, and is no
 * failure: nothing here is a timed test. Ends with 0, with 1 when a figure could not be taken or `--check` found a loss, 2 for
 * wrong options, 130 after Ctrl-C.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stopAll } from '../e2e/nodes/real-node.js';
import { checkLines, compareRatios, type Ratio } from './check.js';
import type { Figure, Result } from './figure.js';
import { isReached } from './figure.js';
import { FIGURES } from './all-figures.js';
import { type Lab, openLab } from './lab.js';
import { describeMachine } from './machine.js';
import { pageTable, type Report, withTable } from './page-table.js';
import { readRatios, ratiosIn, writeRatios } from './ratios.js';
import { stopServers } from './server.js';
import { figureLines } from './table.js';
import { stopWorkers } from './worker.js';

/** A figure that takes longer than this has hung. Long ones get more. */
const LIMIT_MS = 120_000;
const LONG_LIMIT_MS = 3_600_000;
const ROUNDS = 5;
const INTERRUPTED = 130;
const PAGE = fileURLToPath(new URL('../../../test/bench/README.md', import.meta.url));

interface Wanted {
  readonly figures: readonly Figure[];
  readonly rounds: number;
  readonly profile: boolean;
  readonly list: boolean;
  readonly json: string | undefined;
  readonly check: boolean;
  /** Files of `--json` whose figures are put into the page, and into the file of ratios; nothing is measured. */
  readonly page: string | undefined;
  readonly ratios: string | undefined;
}

interface Taken {
  readonly figure: Figure;
  readonly result?: Result;
  readonly error?: string;
}

/** Throws an `Error` with a sentence for a person. */
function readOptions(): Wanted {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string', default: String(ROUNDS) },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      page: { type: 'string' },
      ratios: { type: 'string' },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new Error('--rounds: a number from 1 to 100');
  const names = values.only?.flatMap((list) => list.split(','));
  const { profile, list, json, check, page, ratios } = values;
  const checked = check ? readRatios().map(({ name }) => name) : undefined;
  const figures = (names ?? checked)?.map(figureOf) ?? FIGURES.filter(({ long }) => !long);
  return { figures, rounds, profile, list, json, check, page, ratios };
}

function figureOf(name: string): Figure {
  const figure = FIGURES.find((one) => one.name === name);
  if (figure) return figure;
  throw new Error(`--only ${name}: no such figure; there are ${FIGURES.map((one) => one.name).join(', ')}`);
}

/** Takes one figure. Whatever goes wrong, none of its processes is left. */
async function take(figure: Figure, lab: Lab): Promise<Taken> {
  const timer = new AbortController();
  const late = wait(figure.long ? LONG_LIMIT_MS : LIMIT_MS, undefined, { signal: timer.signal });
  try {
    const work = figure.run(lab);
    const result = await Promise.race([work, late.then(() => Promise.reject(new Error('took too long')))]);
    return { figure, result };
  } catch (error) {
    return { figure, error: error instanceof Error ? error.message : String(error) };
  } finally {
    // The timer last: nothing else keeps this process alive while its children end.
    await clear(lab);
    timer.abort();
  }
}

const clear = (lab: Lab): Promise<unknown> =>
  Promise.all([stopServers(), stopWorkers(), stopAll(), lab.generator.clear()]);

/** What `--json` writes. */
const report = (machine: Record<string, string>, taken: readonly Taken[]) => ({
  at: new Date().toISOString(),
  ...machine,
  figures: taken.map(({ figure: { name, about, reading, unit, goal }, result, error }) => ({
    ...{ name, about, reading, unit, goal },
    ...(goal && result && { reached: isReached(result.value.median, goal) }),
    ...(result ?? { error }),
  })),
});

async function bench({ figures, rounds, profile, json, check }: Wanted): Promise<number> {
  const lab = openLab({ rounds, profile });
  const interrupted = onInterrupt(() => clear(lab).finally(() => lab.generator.remove()));
  const machine: Record<string, string> = { ...describeMachine(lab.cores), generator: lab.generator.about };
  for (const [what, text] of Object.entries(machine)) console.log(`${what}: ${text}`);
  console.log(
    `median (smallest–largest) of ${rounds} rounds in turn; ratios are to the ceiling in the same round`,
  );
  const taken: Taken[] = [];
  for (const figure of figures) {
    const one = await take(figure, lab);
    if (interrupted.aborted) break;
    taken.push(one);
    const lines = one.result
      ? figureLines(figure, one.result)
      : [`${figure.name}: ${figure.about}`, `  failed: ${one.error ?? ''}`];
    console.log(`\n${lines.join('\n')}`);
  }
  lab.generator.remove();
  if (interrupted.aborted) return INTERRUPTED;
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report(machine, taken), undefined, 2)}\n`);
  const isLost = check && isAnyLost(taken);
  return isLost || taken.some(({ error }) => error !== undefined) ? 1 : 0;
}

/** Compares the figures that were asked for. */
function isAnyLost(taken: readonly Taken[]): boolean {
  const measured: readonly Ratio[] = taken.flatMap(({ figure: { name }, result }) =>
    result ? [{ name, value: result.value.median, better: 'more' as const }] : [],
  );
  const committed = readRatios().filter(({ name }) => taken.some(({ figure }) => figure.name === name));
  const comparisons = compareRatios(committed, measured);
  console.log(`\n${checkLines(comparisons).join('\n')}`);
  return comparisons.some(({ isLost }) => isLost);
}

/** A file that `--json` wrote. */
const reportIn = (file: string): Report => JSON.parse(readFileSync(file, 'utf8')) as Report;

function writePage(file: string): void {
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), pageTable(reportIn(file))));
}

/** Ctrl-C, SIGTERM, a closed terminal: all processes end, and unfinished figures are not reported. */
function onInterrupt(stop: () => Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      controller.abort();
      void stop().finally(() => process.exit(INTERRUPTED));
    });
  }
  return controller.signal;
}

function list(): number {
  for (const { name, about, long } of FIGURES)
    console.log(`${name.padEnd(12)} ${about}${long ? ' (only when asked for)' : ''}`);
  return 0;
}

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = readOptions();
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  if (wanted.list) return list();
  const { page, ratios } = wanted;
  if (page !== undefined) writePage(page);
  if (ratios !== undefined) writeRatios(ratiosIn(reportIn(ratios).figures));
  return page !== undefined || ratios !== undefined ? 0 : bench(wanted);
}

process.exit(await main());
