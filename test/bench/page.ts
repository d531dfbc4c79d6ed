/** What the inspector's page costs the node that it watches, and the browser that shows it. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { missing, program } from '../e2e/nodes/installed.js';
import { type Candidate, type Figure, interleave, ratioOf, rowsOf, type Sample, spreadOf } from './figure.js';
import type { Run } from './generator.js';
import type { Lab } from './lab.js';
import { cpuSeconds } from './machine.js';
import { startVerack, type Verack } from './server.js';

const PEERS = 1_000;
const INFLIGHT = 16;
/** A ping to every peer, so many times in one measurement, this many milliseconds apart. */
const PINGS = 10;
const PACE_MS = 500;
/** Peers that are renewed in one measurement. */
const RENEWED = 1_000;
/** The browser is to be ready, and the node to have calmed down. */
const CALM_MS = 3_000;

interface Crowd {
  readonly server: Verack;
  readonly run: Run;
}

async function crowded({ cores, generator }: Lab, more: readonly string[]): Promise<Crowd> {
  const server = await startVerack(cores?.measured, 2 * PEERS, [], more);
  const { run, handshakes } = await generator.hold({
    port: server.port,
    total: PEERS,
    inflight: INFLIGHT,
    keep: PEERS,
  });
  if (handshakes.failed > 0) throw new Error(`${handshakes.failed} of ${PEERS} peers were not established`);
  return { server, run };
}

/** CPU microseconds of the node for each of `count` things that `work` has it do. */
const cost = (crowd: Crowd, count: number, work: (run: Run) => Promise<void>): Candidate => {
  return async (): Promise<Sample> => {
    const before = cpuSeconds(crowd.server.pid) ?? NaN;
    await work(crowd.run);
    return { value: (((cpuSeconds(crowd.server.pid) ?? NaN) - before) * 1e6) / count };
  };
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function chat(run: Run): Promise<void> {
  for (let n = 0; n < PINGS; n += 1) await Promise.all([run.ping(), wait(PACE_MS)]);
}

async function renew(run: Run): Promise<void> {
  await run.more(RENEWED);
}

/** The page, with a list of how long each of its updates took, milliseconds. */
async function opened(browser: Browser, { server }: Crowd): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1_600, height: 1_000 } });
  await page.addInitScript(`
    globalThis.took = [];
    new PerformanceObserver((list) => took.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ entryTypes: ['measure'] });
  `);
  await page.goto(/http:\S+/.exec(server.said)?.[0] ?? '');
  await page.getByText(String(PEERS), { exact: true }).first().waitFor();
  await wait(CALM_MS);
  await page.evaluate('took.length = 0');
  return page;
}

async function measure(lab: Lab, browser: Browser) {
  const [alone, watched] = [await crowded(lab, []), await crowded(lab, ['--inspect'])];
  const page = await opened(browser, watched);
  const pings = await interleave(lab.rounds, {
    alone: cost(alone, PINGS * PEERS, chat),
    'with the page': cost(watched, PINGS * PEERS, chat),
  });
  const handshakes = await interleave(lab.rounds, {
    alone: cost(alone, RENEWED, renew),
    'with the page': cost(watched, RENEWED, renew),
  });
  return { pings, handshakes, took: await page.evaluate<number[]>('took') };
}

export const page: Figure = {
  name: 'page',
  about: `CPU time for a ping, ${(PEERS * 1_000) / PACE_MS} a second from ${PEERS} peers, while the page shows them`,
  reading: 'of the node without --inspect',
  unit: 'µs',
  goal: { atMost: 1.3 },
  async run(lab) {
    const lacking = missing('chromium');
    if (lacking !== undefined) throw new Error(lacking);
    const browser = await chromium.launch({
      executablePath: program('chromium') ?? '',
      args: ['--no-sandbox', '--disable-background-networking', '--disable-gpu'],
    });
    try {
      const { pings, handshakes, took } = await measure(lab, browser);
      const rows = rowsOf(pings, 'alone');
      const times = [...took].sort((a, b) => a - b);
      const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? NaN).toFixed(1);
      const renewal = ratioOf(rowsOf(handshakes, 'alone'), 'with the page').median;
      const each = spreadOf((handshakes.get('with the page') ?? []).map(({ value }) => value)).median;
      const notes = [
        `a handshake, ${RENEWED} at full speed: ${each.toFixed(0)} µs, ${renewal.toFixed(2)} of the node without`,
        `the browser: ${times.length} updates, ${at(0.5)} ms in the median, 99 of 100 within ${at(0.99)} ms, ${at(1)} ms at most`,
      ];
      return { value: ratioOf(rows, 'with the page'), rows, notes };
    } finally {
      await browser.close();
    }
  },
};
