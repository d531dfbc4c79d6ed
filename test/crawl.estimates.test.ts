/** Estimates, comparisons and views over crawl events that are written by hand. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import {
  compareCrawls,
  estimateReachable,
  loadSnapshot,
  networkLookup,
  Snapshot,
  suspectDuplicates,
  viewOf,
} from '../src/crawl/index.js';
import { intervalOf, unseen } from '../src/crawl/estimates.js';
import type { AttemptEvent, CrawlFileEvent } from '../src/crawl/events.js';
import { coverageOf } from './support/interval-coverage.js';

const directory = mkdtempSync(join(tmpdir(), 'verack-views-'));
afterAll(() => rmSync(directory, { recursive: true }));

const HOUR = 3_600_000;

const attempt = (addr: string, answered: boolean, more: Partial<AttemptEvent> = {}): AttemptEvent => ({
  ...{
    event: 'attempt',
    addr,
    round: 1,
    t: HOUR,
    duration_ms: 10,
    network: 'ipv4',
    distance: 1,
    vantage: 'here',
  },
  ...{ replies: 0, replies_dropped: 0, v2: { tried: false, succeeded: false }, bytes: 0 },
  ...(answered
    ? {
        outcome: 'reachable',
        reason: { code: 'END_DONE', facts: {} },
        transport: 'v1',
        phases: { connect: 1, version: 2, verack: 3 },
        peer: {
          ...{
            version: 70016,
            subver: '/Satoshi:29.0.0/',
            services: '0000000000000409',
            startingheight: 900_000,
          },
          ...{ relaytxes: true, timeoffset: 5, negotiated: [], bytesrecv: 1 },
        },
      }
    : { outcome: 'unreachable', reason: { code: 'ERR_TIME_CONNECT', facts: {} }, phases: {} }),
  ...more,
});

const reply = (addr: string, addresses: readonly string[]): CrawlFileEvent => ({
  ...{
    event: 'reply',
    addr,
    round: 1,
    vantage: 'here',
    t: HOUR,
    command: 'addrv2',
    status: 'complete',
    bytes: 1,
  },
  addresses: addresses.map((each) => [each, 1, '409']),
});

function snapshotOf(events: readonly CrawlFileEvent[]): Snapshot {
  const snapshot = new Snapshot(networkLookup());
  for (const event of events) snapshot.apply(event);
  return snapshot;
}

describe('estimates', () => {
  test("Chao's estimate and its interval, by hand", () => {
    expect(unseen(10, 5, Infinity)).toEqual({ value: 10, variance: 5 * (2 + 8 + 4) });
    expect(unseen(4, 0, Infinity).value).toBe(6);
    expect(unseen(0, 3, 4)).toEqual({ value: 0, variance: 0 });
    expect(intervalOf(100, { value: 10, variance: 70 })).toEqual({ estimate: 110, low: 102, high: 142 });
    expect(intervalOf(100, { value: 0, variance: 0 })).toEqual({ estimate: 100, low: 100, high: 100 });
  });

  test('addresses that one node advertised, and that two advertised, give the number that none advertised', () => {
    const nodes = ['8.1.0.1:8333', '8.1.0.2:8333', '8.1.0.3:8333', '8.1.0.4:8333'];
    const events = [
      reply('8.0.0.1:8333', nodes),
      attempt('8.0.0.1:8333', true, { distance: 0 }),
      reply(nodes[0]!, nodes.slice(1, 3)),
      ...nodes.map((addr) => attempt(addr, true)),
    ];
    // Advertised once: .1 and .4; twice: .2 and .3.
    expect(estimateReachable(snapshotOf(events))).toMatchObject({
      observed: 5,
      unadvertised: 1,
      method: 'gossip',
    });
  });

  test('the share of failed addresses that answer a second contact is extrapolated to all that failed', () => {
    const up = Array.from({ length: 50 }, (_, n) => attempt(`8.1.1.${n}:8333`, true));
    const down = Array.from({ length: 100 }, (_, n) => attempt(`8.1.2.${n}:8333`, false));
    const again = [2, 3, 4].flatMap((round) => [
      ...up.slice(0, 20).map(({ addr }) => attempt(addr, true, { round })),
      ...down.slice(0, 20).map(({ addr }, n) => attempt(addr, n < 4, { round })),
    ]);
    const estimate = estimateReachable(snapshotOf([...up, ...down, ...again]));
    expect(estimate).toMatchObject({ observed: 54, missed: 20, silent: 0, answer_rate: 1, estimate: 70 });
    expect(estimate.low).toBeGreaterThanOrEqual(54);
    expect(estimate.high).toBeGreaterThan(70);
  });

  test('the interval contains the true number in a simulated population, and nothing unroutable is contacted', async () => {
    const options = { size: 400, reachable: 240, churn: 0.02, rounds: 4, sample: 150, advertises: 20 };
    const all = await Promise.all([1, 2, 3, 4, 5].map((seed) => coverageOf(seed, options)));
    expect(all.filter(({ holds }) => !holds)).toEqual([]);
    expect(all.every(({ unroutable }) => unroutable === 0)).toBe(true);
  });
});

describe('churn', () => {
  const nodes = Array.from({ length: 100 }, (_, n) => `8.1.1.${n}:8333`);
  const before = snapshotOf([...nodes.map((addr) => attempt(addr, true)), attempt('8.9.9.9:8333', false)]);

  test('stayed, left, censored, arrived, and the rate with its interval', () => {
    const after = snapshotOf([
      ...nodes.slice(0, 90).map((addr, n) => attempt(addr, n >= 9, { t: 3 * HOUR })),
      attempt('8.9.9.9:8333', true, { t: 3 * HOUR }),
      attempt('8.9.9.8:8333', true, { t: 3 * HOUR }),
    ]);
    const churn = compareCrawls(before, after);
    expect(churn).toMatchObject({
      stayed: 81,
      left: 9,
      censored: 10,
      arrived: 1,
      arrived_or_undiscovered: 1,
    });
    // One in ten left within two hours.
    expect(churn.rate_per_hour.estimate).toBeCloseTo(-Math.log(0.9) / 2, 3);
    expect(churn.rate_per_hour.low).toBeLessThan(0.04);
    expect(churn.rate_per_hour.high).toBeGreaterThan(0.07);
  });

  test('a rate of zero has an upper bound', () => {
    const { estimate, low, high } = compareCrawls(
      before,
      snapshotOf(nodes.map((addr) => attempt(addr, true, { t: 2 * HOUR }))),
    ).rate_per_hour;
    expect([estimate, low]).toEqual([0, 0]);
    expect(high).toBeCloseTo(1.92 / 100, 3);
  });
});

test('duplicates are suspected for the same reply, or for a rare version, with the evidence', () => {
  const list = Array.from({ length: 12 }, (_, n) => `8.7.7.${n}:8333`);
  const odd = { ...attempt('x', true).peer!, subver: '/odd:1/' };
  const suspected = suspectDuplicates(
    snapshotOf([
      ...[reply('8.1.1.1:8333', list), attempt('8.1.1.1:8333', true)],
      ...[reply('8.1.1.2:8333', [...list].reverse()), attempt('8.1.1.2:8333', true)],
      ...[reply('8.1.1.3:8333', list.slice(1)), attempt('8.1.1.3:8333', true)],
      ...[attempt('8.1.1.4:8333', true), attempt('8.1.1.5:8333', true)],
      ...[attempt('8.1.1.6:8333', true, { peer: odd }), attempt('8.1.1.7:8333', true, { peer: odd })],
    ]),
  );
  expect(suspected.map(({ addrs, evidence }) => [evidence, addrs])).toEqual([
    ['same_reply', ['8.1.1.1:8333', '8.1.1.2:8333']],
    ['rare_version', ['8.1.1.6:8333', '8.1.1.7:8333']],
  ]);
});

describe('views', () => {
  const hostile = { ...attempt('x', true).peer!, subver: '=cmd("|x", 1)' };
  const file = join(directory, 'crawl.ndjson');
  const events = [
    { event: 'begin', t: 0, resumed: false, chain: 'main' },
    reply('8.1.1.1:8333', ['8.1.1.2:8333', '[2a00::1]:8333']),
    attempt('8.1.1.1:8333', true),
    attempt('[2a00::1]:8333', true, { network: 'ipv6', peer: hostile }),
    attempt('8.1.1.2:8333', false),
  ];
  writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const snapshot = new Snapshot(networkLookup());
  beforeAll(() => loadSnapshot(file, snapshot));

  test('bitnodes: rows of fifteen', async () => {
    const rows = JSON.parse((await viewOf(snapshot, 'bitnodes')) as string) as unknown[][];
    expect(rows.map((row) => row.length)).toEqual([15, 15]);
    expect(rows[0]!.slice(0, 7)).toEqual(['8.1.1.1', 8333, 70016, '/Satoshi:29.0.0/', 3_600, 1033, 900_000]);
    expect(rows[1]![0]).toBe('2a00::1');
  });

  test('seeds: as makeseeds.py splits a line', async () => {
    const [, ...lines] = ((await viewOf(snapshot, 'seeds')) as string).trimEnd().split('\n');
    const fields = lines.map((line) => line.split(/\s+/));
    expect(fields.every(({ length }) => length === 12)).toBe(true);
    expect(fields[0]).toEqual([
      ...['8.1.1.1:8333', '1', '3600', '100.00%', '100.00%', '100.00%', '100.00%', '100.00%'],
      ...['900000', '00000409', '70016', '"/Satoshi:29.0.0/"'],
    ]);
    expect(fields[1]!.slice(0, 3)).toEqual(['8.1.1.2:8333', '0', '0']);
  });

  test('seeds: read by the rules of the parser of makeseeds.py', async () => {
    const lines = ((await viewOf(snapshot, 'seeds')) as string).trimEnd().split('\n');
    const read = lines.map(readSeedLine);
    expect(read[0]).toBeUndefined();
    expect(read.slice(1).filter(Boolean)).toEqual([
      { host: '8.1.1.1', port: 8333, uptime: 100, services: 0x409n, agent: '/Satoshi:29.0.0/' },
      { host: '2a00::1', port: 8333, uptime: 100, services: 0x409n, agent: `=cmd('|x',_1)` },
    ]);
  });

  test("csv: p2p-crawler's columns, and no formula for a spreadsheet", async () => {
    const [header = '', ...lines] = ((await viewOf(snapshot, 'csv')) as string).trimEnd().split('\n');
    expect(header).toMatch(
      /^host,port,network,seed_distance,handshake_timestamp,time_connect,handshake_attempts,/,
    );
    expect(lines[0]).toMatch(/^8\.1\.1\.1,8333,ipv4,1,3600,1,1,true,5,70016,1033,/);
    expect(lines[0]).toContain(',2,1,1,0,0,0,0,reachable,END_DONE,v1,not_advertised,here');
    expect(lines[2]).toContain(`,"'=cmd(""|x"", 1)",`);
  });

  test('parquet: read back by hyparquet', async () => {
    const bytes = (await viewOf(snapshot, 'parquet')) as Uint8Array;
    const rows = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer });
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      host: '8.1.1.1',
      port: 8333n,
      handshake_successful: true,
      handshake_duration: 5,
    });
    expect(rows[1]).toMatchObject({ host: '8.1.1.2', outcome: 'unreachable' });
  });

  test('service bits and clocks of 64 bits are written whole', async () => {
    const peer = { ...hostile, services: 'fffffffffffffff7', timeoffset: 2 ** 63 };
    const path = join(directory, 'extreme');
    const lines = [events[0], attempt('8.1.1.1:8333', true, { peer })];
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const extreme = await loadSnapshot(path, new Snapshot(networkLookup()));
    const bytes = (await viewOf(extreme, 'parquet')) as Uint8Array;
    expect(await parquetReadObjects({ file: bytes.buffer as ArrayBuffer })).toMatchObject([
      { services: 0xfffffffffffffff7n, version_reply_timestamp_remote: 2n ** 63n - 1n },
    ]);
    expect(await viewOf(extreme, 'csv')).toContain(',18446744073709551607,');
  });

  test('a file that is not a crawl is refused; a last line that was cut is not', async () => {
    const other = join(directory, 'other');
    writeFileSync(other, 'hello\nworld\n');
    await expect(loadSnapshot(other, new Snapshot(networkLookup()))).rejects.toThrow(
      'is not an event of a crawl',
    );
    writeFileSync(
      other,
      `${events
        .slice(0, 3)
        .map((event) => JSON.stringify(event))
        .join('\n')}\n{"event":"att`,
    );
    expect((await loadSnapshot(other, new Snapshot(networkLookup()))).nodes.size).toBe(1);
  });
});

/**
 * What Bitcoin Core's contrib/seeds/makeseeds.py takes from a line: split at white space, at least 11 words, `good` not 0, the
 * 30-day uptime without its percent sign, services in hex, the agent without its quotes. Written from its description.
 */
function readSeedLine(line: string) {
  const words = line.split(/\s+/);
  const address = /^(?:\[([0-9a-f:]+)\]|((?:\d+\.){3}\d+)):(\d+)$/.exec(words[0] ?? '');
  if (words.length < 11 || !address || Number(words[1]) === 0) return undefined;
  return {
    host: address[1] ?? address[2],
    port: Number(address[3]),
    uptime: Number(words[7]!.slice(0, -1)),
    services: BigInt(`0x${words[9]}`),
    agent: words[11]?.slice(1, -1),
  };
}
