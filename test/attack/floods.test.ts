/**
 * Floods over TCP against the program, from another process: useless packets, valid messages, key exchanges, and
 * frames that are never complete. A newcomer's handshake, the delay of the event loop and the memory of the program are
 * measured meanwhile.
 */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build, endAll } from '../support/cli-process.js';
import { percentile, report } from './figures.js';
import { attacked, endAttacks, handshakeTime, newcomers, pause, Target } from './target.js';

const SECONDS = 8;

beforeAll(build, 120_000);
afterEach(() => {
  endAttacks();
  endAll();
});

describe('messages and key exchanges without end', () => {
  test.each([
    ['decoys', 110, 'newcomer 7.0 s'],
    ['pings-v2', 110, 'newcomer 10.9 s'],
    ['pings-v1', 1_000, 'two time-outs at 15 s, mean lag 5 s; two turns taken for a clock jump'],
    ['invs-v1', 1_000, 'not measured'],
    ['exchanges', 100, 'not measured'],
  ] as const)('%s of %i peers', async (attack, peers, before) => {
    const target = Target.listen('--quiet');
    const port = await target.port;
    await attacked(attack, peers, port);
    await target.delays();
    const times = await newcomers(port, SECONDS);
    const { p50, p99, max } = await target.delays();
    const worst = Math.round(Math.max(...times));
    const median = Math.round(percentile(times, 50));
    const lag = `lag p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;
    report(
      `${attack} of ${peers} peers`,
      `${times.length} newcomers, median ${median} ms, at most ${worst} ms; ${lag}`,
      before,
    );
    expect(worst).toBeLessThan(1_000);
    expect(p99).toBeLessThan(100);
    expect(target.program.stderr).not.toMatch(/was suspended for|ERR_LINK_FLOOD/);
  });
});

describe('incomplete frames', () => {
  test('112 peers with 4 MB less one byte', async () => {
    const target = Target.listen('--quiet');
    const port = await target.port;
    const start = target.rss;
    await attacked('unfinished', 112, port);
    const most = await target.peakOf(SECONDS);
    const newcomer = Math.round(await handshakeTime(port));
    endAttacks();
    await pause(5_000);
    const after = target.rss;
    const [mb, mbAfter, mbStart] = [most, after, start].map(Math.round);
    report(
      'unfinished frames of 112 peers',
      `RSS ${mbStart} MB before, ${mb} MB in it, ${mbAfter} MB five seconds after it; newcomer ${newcomer} ms`,
      'RSS 647 MB, 478 MB after it',
    );
    expect(most).toBeLessThan(200);
    expect(newcomer).toBeLessThan(1_000);
    // What is left is V8's heap, which it keeps until its next collection.
    expect(after - start).toBeLessThan(60);
  });
});
