/** Attacks on the metrics, the page and the lab: the node and its newcomers are not affected. */
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { Lab } from '../../src/inspect/lab.js';
import { build, endAll } from '../support/cli-process.js';
import { report } from './figures.js';
import { attacked, endAttacks, newcomers, pause, Target } from './target.js';

/** A connection above the limit is closed. */
const refused = (): Promise<string> => pause(1).then(() => '');

const sockets: Socket[] = [];

beforeAll(build, 120_000);
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  endAttacks();
  endAll();
});

test('15 clients that scrape without end, beside 1,000 peers', async () => {
  const target = Target.listen('--quiet --metrics 0');
  const port = await target.port;
  const [, url = ''] = await target.program.until('stdout', /metrics at (\S+)/);
  await attacked('idle', 1_000, port);
  let [answers, isOver] = [0, false];
  const client = async (): Promise<void> => {
    while (!isOver) {
      const text = await fetch(url).then((response) => response.text(), refused);
      if (text.length > 0) answers += 1;
    }
  };
  const clients = Array.from({ length: 15 }, client);
  await target.delays();
  const times = await newcomers(port, 8);
  const { p99, max } = await target.delays();
  isOver = true;
  await Promise.all(clients);
  const worst = Math.round(Math.max(...times));
  report(
    'metrics scraped by 15 clients, 1,000 peers',
    `${Math.round(answers / 8)} answers a second, most of them 429; newcomer at most ${worst} ms; lag p99 ${p99} ms, max ${max} ms`,
    'with 2,000 peers: 30 scrapes a second, lag above 2.5 s, newcomer 8.9 s',
  );
  expect(worst).toBeLessThan(1_000);
  expect(p99).toBeLessThan(100);
});

test.each([
  ['metrics', '--metrics 0', /metrics at (\S+)/, 16],
  ['the page', '--inspect 0', /page: (\S+)/, 32],
] as const)('idle sockets at %s', async (what, args, pattern, count) => {
  const { program } = Target.listen(`--quiet ${args}`, 114);
  const [, url = ''] = await program.until('stdout', pattern);
  for (let n = 0; n < count; n += 1)
    sockets.push(connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined));
  await pause(500);
  const beganat = performance.now();
  expect((await fetch(url)).status).toBe(200);
  const taken = Math.round(performance.now() - beganat);
  report(`${count} idle sockets at ${what}`, `answered in ${taken} ms`, 'no answer for 30 s');
  expect(taken).toBeLessThan(1_000);
});

test('3,000 starts and 20 skips in the lab', async () => {
  const lab = new Lab({ inspect: () => undefined, observe: () => undefined });
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const [behaviour] = lab.menu.behaviours;
  for (let n = 0; n < 3_000; n += 1)
    lab.execute({ do: 'start', held: false, behaviour: behaviour!.name, dialled: n % 2 === 0 });
  // The peers connect before time is skipped.
  await pause(500);
  for (let n = 0; n < 20; n += 1) lab.execute({ do: 'skip', ms: 600_000 });
  expect(lab.report().busy).toBe(true);
  while (lab.report().busy) await pause(20);
  await pause(20);
  const max = Math.round(delays.max / 1e6);
  lab.close();
  report('3,000 starts and 20 skips in the lab', `the loop was late by at most ${max} ms`, '26.7 s');
  expect(max).toBeLessThan(1_000);
});
