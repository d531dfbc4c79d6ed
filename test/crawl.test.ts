/** The crawler against a simulated network in memory, on a virtual clock. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import {
  Crawl,
  type CrawlFileEvent,
  type IdentifiedNode,
  IdentifyingContacts,
  loadSnapshot,
  networkLookup,
  OptOutList,
  Snapshot,
} from '../src/crawl/index.js';
import type { AttemptEvent } from '../src/crawl/events.js';
import { Chance } from './simulation/seeded-random.js';
import { drive, inMemory, optionsFor } from './support/in-memory-crawl.js';
import { planNetwork } from './support/simulated-network.js';

const directory = mkdtempSync(join(tmpdir(), 'verack-crawl-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const freshFile = (): string => join(directory, `crawl-${++files}.ndjson`);

const eventsOf = (file: string): CrawlFileEvent[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as CrawlFileEvent);

const reachableIn = (crawl: Crawl): string[] =>
  [...crawl.snapshot.nodes.values()].flatMap(({ addr, lastAnswered }) => (lastAnswered ? [addr] : [])).sort();

describe('a network of 120 addresses, 80 of them reachable', () => {
  const plan = planNetwork({ seed: 3, size: 120, reachable: 80 });
  const honest = plan.filter(({ kind }) => kind === 'honest').map(({ addr }) => addr);

  test('every reachable node is found, each address is contacted once, and the crawl ends by itself', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const crawl = await Crawl.open(optionsFor(plan, { contacts: contactsOf(), clock }));
    const summary = await drive(clock, crawl.run());
    expect(reachableIn(crawl)).toEqual([...honest].sort());
    expect(summary).toMatchObject({ reachable: 80, attempted: 120, contacts: 120, completeness: 'complete' });
    expect([...network.accepted.values()].every((count) => count === 1)).toBe(true);
    await drive(clock, network.stop());
  });

  test('BIP324 is compared: what gossip advertises, and what a handshake shows', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const summary = await drive(
      clock,
      (await Crawl.open(optionsFor(plan, { contacts: contactsOf(), clock }))).run(),
    );
    const reachable = plan.slice(0, 80);
    const advertised = reachable.filter(({ services }) => services === '0000000000000c09');
    expect(summary.v2).toEqual({
      advertised_and_supported: advertised.filter(({ v2 }) => v2).length,
      advertised_not_supported: advertised.filter(({ v2 }) => !v2).length,
      not_advertised: reachable.length - advertised.length,
      untested: 0,
    });
    expect(summary.v2.advertised_not_supported).toBeGreaterThan(0);
    await drive(clock, network.stop());
  });

  test('a file cut at any byte and resumed gives the same set, and no address whose contact is in it is contacted again', async () => {
    const whole = freshFile();
    const first = await inMemory(plan);
    await drive(
      first.clock,
      (
        await Crawl.open(
          optionsFor(plan, { contacts: first.contactsOf(), clock: first.clock, output: whole }),
        )
      ).run(),
    );
    await drive(first.clock, first.network.stop());
    const bytes = readFileSync(whole);
    for (const share of [0, 0.01, 0.2, 0.5, 0.77, 0.999]) {
      const file = freshFile();
      writeFileSync(file, bytes.subarray(0, Math.floor(share * bytes.length)));
      const { clock, network, contactsOf } = await inMemory(plan);
      const options = optionsFor(plan, { contacts: contactsOf(), clock, output: file, resume: true });
      const crawl = await Crawl.open(options);
      const before = crawl.snapshot.nodes.size;
      await drive(clock, crawl.run());
      expect(reachableIn(crawl)).toEqual([...honest].sort());
      const attempts = eventsOf(file).flatMap((event) => (event.event === 'attempt' ? event.addr : []));
      expect(attempts).toHaveLength(120);
      expect(new Set(attempts).size).toBe(120);
      if (share === 0.5) expect(before).toBeGreaterThan(20);
      await drive(clock, network.stop());
    }
  });

  test('an interrupted crawl is marked so, and a complete one that is resumed contacts no address', async () => {
    const file = freshFile();
    const { clock, network, contactsOf } = await inMemory(plan);
    const crawl = await Crawl.open(
      optionsFor(plan, { contacts: contactsOf(4), clock, output: file, parallel: 4 }),
    );
    const running = crawl.run();
    clock.setTimeout(() => crawl.stop(), 400);
    const interrupted = await drive(clock, running, 50);
    expect(interrupted.completeness).toBe('interrupted');
    expect(interrupted.attempted).toBeLessThan(120);
    const resume = async (): Promise<unknown> =>
      drive(
        clock,
        (
          await Crawl.open(optionsFor(plan, { contacts: contactsOf(), clock, output: file, resume: true }))
        ).run(),
      );
    expect(await resume()).toMatchObject({ completeness: 'complete', attempted: 120, contacts: 120 });
    const size = readFileSync(file).length;
    expect(await resume()).toMatchObject({ completeness: 'complete', attempted: 120, contacts: 120 });
    expect(readFileSync(file).length).toBe(size);
    await drive(clock, network.stop());
  });

  test.each(['resumed', 'summarised'])(
    'a long file that is %s can be interrupted, and is left as it is',
    async (use) => {
      const file = freshFile();
      const event = { event: 'seed', t: 1, addr: '8.8.8.8:8333', source: 'file' };
      const lines = [
        { event: 'begin', t: 1, resumed: false, chain: 'regtest' },
        ...Array<object>(5_000).fill(event),
      ];
      const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"cut`;
      writeFileSync(file, text);
      const { clock, network, contactsOf } = await inMemory(plan);
      const options = optionsFor(plan, { contacts: contactsOf(), clock, output: file, resume: true });
      const stop = new AbortController();
      const reading =
        use === 'resumed'
          ? Crawl.open(options, stop.signal)
          : loadSnapshot(file, new Snapshot(networkLookup()), stop.signal);
      setImmediate(() => stop.abort());
      await expect(reading).rejects.toMatchObject({ code: 'ERR_LOCAL_CANCELLED' });
      expect(readFileSync(file, 'utf8')).toBe(text);
      await drive(clock, network.stop());
    },
  );

  test('opt-outs are never contacted', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const out = plan[7]!;
    const optOut = new OptOutList(`# asked by mail\n${out.host}\n127.1.0.9/32\n`);
    const crawl = await Crawl.open(optionsFor(plan, { contacts: contactsOf(), clock, optOut }));
    await drive(clock, crawl.run());
    expect(reachableIn(crawl)).toHaveLength(78);
    expect(network.accepted.has(out.addr)).toBe(false);
    await drive(clock, network.stop());
  });

  test('repeat contacts go to a sample of both kinds, after a pause', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const options = optionsFor(plan, {
      contacts: contactsOf(),
      clock,
      rounds: 3,
      sample: 10,
      roundDelay: 60_000,
    });
    const crawl = await Crawl.open(options);
    const summary = await drive(clock, crawl.run());
    expect(summary.contacts).toBe(120 + 2 * 20);
    const again = [...crawl.snapshot.nodes.values()].filter(({ contacts }) => contacts.length === 3);
    expect(again).toHaveLength(20);
    expect(again.filter(({ lastAnswered }) => lastAnswered)).toHaveLength(10);
    for (const { contacts } of again) expect(contacts[1]!.t - contacts[0]!.t).toBeGreaterThanOrEqual(60_000);
    expect(summary.estimate).toMatchObject({ method: 'repeat', answer_rate: 1, observed: 80 });
    await drive(clock, network.stop());
  });

  test('identification: a share of the reachable nodes, in the data beside the user agent; one that fails is left out', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const asked: string[] = [];
    const identify = ({ addr }: { readonly addr: string }): Promise<IdentifiedNode> => {
      asked.push(addr);
      if (asked.length === 1) return new Promise(() => undefined);
      if (asked.length === 2) return Promise.reject(new Error('no second connection'));
      return Promise.resolve({ label: 'bcoin 1.0', messages: 7, ms: 30 });
    };
    const chance = new Chance(1);
    const random = (): number => chance.next() / 2 ** 32;
    const contacts = new IdentifyingContacts({ contacts: contactsOf(), identify, share: 0.5, random, clock });
    const summary = await drive(clock, (await Crawl.open(optionsFor(plan, { contacts, clock }))).run());
    expect(summary.reachable).toBe(80);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.length).toBeLessThan(60);
    expect(asked.every((addr) => honest.includes(addr))).toBe(true);
    const [[agent, labels] = ['', {}]] = Object.entries(summary.identities);
    expect(agent).toBe('/Satoshi:29.0.0/');
    expect(labels).toEqual({ 'bcoin 1.0': asked.length - 2 });
    await drive(clock, network.stop());
  });

  test('--every crawls again and reports the changes', async () => {
    const { clock, network, contactsOf } = await inMemory(plan);
    const file = freshFile();
    const crawl = await Crawl.open(
      optionsFor(plan, { contacts: contactsOf(), clock, every: 3_600_000, output: file }),
    );
    const running = crawl.run();
    clock.setTimeout(() => crawl.stop(), 5_400_000);
    const summary = await drive(clock, running, 10_000);
    expect(summary.churn).toMatchObject({ stayed: 80, left: 0, censored: 0, arrived: 0 });
    expect(eventsOf(file).filter(({ event }) => event === 'begin')).toHaveLength(2);
    await drive(clock, network.stop());
  });
});

describe('hostile nodes, one address in ten, five networks', () => {
  const plan = planNetwork({ seed: 5, size: 100, reachable: 60, hostile: 0.1, addresses: 'public' });

  test('cost bounded time, are recorded in the data, and cause no dial of an address that is not routable', async () => {
    const { clock, network, contactsOf } = await inMemory(plan, 1, 100);
    const dialled: string[] = [];
    const contacts = contactsOf();
    const begin = contacts.begin.bind(contacts);
    contacts.begin = (job, done) => {
      dialled.push(job.host);
      begin(job, done);
    };
    const attempts = new Map<string, AttemptEvent>();
    const observe = (event: CrawlFileEvent): void => {
      if (event.event === 'attempt') attempts.set(event.addr, event);
    };
    const crawl = await Crawl.open(optionsFor(plan, { contacts, clock, allowUnroutable: false, observe }));
    const start = clock.now();
    const summary = await drive(clock, crawl.run());
    expect((clock.now() - start) / 60_000).toBeLessThan(20);
    const honest = plan.filter(({ kind }) => kind === 'honest').map(({ addr }) => addr);
    const found = new Set(reachableIn(crawl));
    expect(honest.filter((addr) => !found.has(addr))).toEqual([]);
    expect(dialled.filter((host) => host.startsWith('127.') || host.startsWith('10.'))).toEqual([]);
    const by = (kind: string) =>
      plan.filter((node) => node.kind === kind).map(({ addr }) => attempts.get(addr)!);
    expect(by('full').map(({ outcome }) => outcome)).toEqual(by('full').map(() => 'rejected'));
    for (const attempt of [...by('slow'), ...by('silent')]) {
      expect(attempt).toMatchObject({ outcome: 'rejected', reason: { code: 'ERR_TIME_HANDSHAKE' } });
      expect(attempt.duration_ms).toBeLessThanOrEqual(61_000);
    }
    for (const { replies_dropped } of by('endless')) expect(replies_dropped).toBeGreaterThan(0);
    expect(summary.attempted).toBeLessThanOrEqual(100 + 4 * 100);
    expect(Object.keys(summary.networks).sort()).toEqual(['cjdns', 'i2p', 'ipv4', 'ipv6', 'onion']);
    await drive(clock, network.stop());
  });
});
