/** A crawl begins with an address book, as `verack crawl --addresses` reads it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { encodePeers } from '../src/addresses/index.js';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { firstAddresses, type FirstOptions, seedsOfBook } from '../src/cli/crawl-seeds.js';
import type { NodeNet } from '../src/cli/node-net.js';
import type { Flags } from '../src/cli/options.js';
import { ProxiedNet, tcpNet } from '../src/net/index.js';
import { Crawl } from '../src/crawl/index.js';
import { NETWORKS } from '../src/networks.js';
import { parseAddress, servicesOf } from '../src/wire/index.js';
import { bookOf, START } from './support/book.js';
import { dnsServer } from './support/dns.js';
import { ran } from './support/command-line.js';
import { drive, inMemory, optionsFor } from './support/in-memory-crawl.js';
import { planNetwork } from './support/simulated-network.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-crawl-seeds-'));
const file = join(folder, 'peers.dat');
afterAll(() => rmSync(folder, { recursive: true }));

const addressOf = (host: string) => {
  const parsed = parseAddress(host);
  if (!parsed.ok) throw new Error(host);
  return parsed.value;
};

const services = servicesOf('NETWORK', 'P2P_V2');
/** One address of each kind: new, tried, onion, and a port that no node has by default. */
const ADDRESSES = [
  ['8.8.8.8', 18_444],
  ['9.9.9.9', 18_444],
  ['pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion', 18_444],
  ['7.7.7.7', 22],
] as const;

function writeBook(): void {
  const book = bookOf('crawl');
  for (const [host, port] of ADDRESSES) {
    const service = { ...addressOf(host), port };
    book.add([{ ...service, time: START, services }], service);
  }
  book.good({ ...addressOf('9.9.9.9'), port: 18_444 });
  writeFileSync(file, encodePeers(book.save(), NETWORKS.regtest.magic));
}

test('each address of the book is a seed with its services, those that have worked first; the file is not changed', async () => {
  writeBook();
  const before = readFileSync(file);
  const seeds = await seedsOfBook(file, NETWORKS.regtest);
  const expected = ADDRESSES.map(([host, port]) => ({
    addr: `${host}:${port}`,
    source: 'addresses',
    services,
  }));
  expect(seeds).toHaveLength(ADDRESSES.length);
  expect(seeds[0]).toEqual(expected[1]);
  expect(seeds).toEqual(expect.arrayContaining(expected));
  expect(readFileSync(file)).toEqual(before);
});

test('a resumed crawl has the services of its seeds, and contacts only default ports of Bitcoin', async () => {
  writeBook();
  const { clock, network, contactsOf } = await inMemory(planNetwork({ seed: 3, size: 2, reachable: 1 }));
  const output = join(folder, 'crawl.ndjson');
  const seeds = () => seedsOfBook(file, NETWORKS.regtest);
  const options = optionsFor([], { contacts: contactsOf(), clock, seeds, output });
  await drive(clock, (await Crawl.open(options)).run());
  const lines = readFileSync(output, 'utf8').split('\n');
  const attempts = (text: string): string[] =>
    text
      .split('\n')
      .filter(
        (line) => line.includes('"event":"attempt"') && line.includes(`"gossip_services":"${services}"`),
      );
  expect(attempts(lines.join('\n'))).toHaveLength(3);
  const cut = lines.findIndex((line) => line.includes('"event":"round"'));
  writeFileSync(output, `${lines.slice(0, cut).join('\n')}\n`);
  await drive(
    clock,
    (
      await Crawl.open({ ...options, contacts: contactsOf(), resume: true, seeds: () => Promise.resolve([]) })
    ).run(),
  );
  expect(attempts(readFileSync(output, 'utf8'))).toHaveLength(3);
  await drive(clock, network.stop());
});

test.each<[what: string, path: string, sentence: RegExp]>([
  ['no file', join(folder, 'none.dat'), /none\.dat is not there/],
  ['another chain', file, /peers\.dat .*/],
  ['text', 'package.json', /package\.json .*/],
])('%s is refused', async (_, path, sentence) => {
  writeBook();
  const { code, stderr } = await ran(
    `crawl --signet --contact a@example.org --addresses ${path}`,
    CLI_COMMANDS,
  );
  expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
});

test.each(['crawl FILE', 'crawl --regtest --allow-unroutable --resume --output FILE'])(
  'Ctrl-C while a crawl file is read ends the program with 130: %s',
  async (line) => {
    const long = join(folder, 'long.ndjson');
    const seed = '{"event":"seed","t":1,"addr":"8.8.8.8:18444","source":"file"}\n';
    writeFileSync(long, `{"event":"begin","t":1,"resumed":false,"chain":"regtest"}\n${seed.repeat(100_000)}`);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1);
    const { code, stderr } = await ran(line.replace('FILE', long), CLI_COMMANDS, {
      interrupted: stop.signal,
    });
    expect([code, stderr]).toEqual([130, '']);
  },
);

describe('names', () => {
  type Zone = Parameters<typeof dnsServer>[0];

  /** The first addresses of two crawls in succession, and what is reported. */
  async function twice(seednode: string[] | undefined, zone: Zone, then: Zone, chain = NETWORKS.regtest) {
    const current = { zone };
    const dns = await dnsServer(new Proxy({}, { get: (_, name) => current.zone[String(name)] }));
    const options = { dns: { servers: [dns.address] } } as unknown as NodeNet['options'];
    const net: NodeNet = { proxied: new ProxiedNet({ net: tcpNet(), proxies: {} }), options };
    const reported: string[] = [];
    const first: FirstOptions = {
      signal: new AbortController().signal,
      known: new Map(),
      failed: (host, { code }) => reported.push(`${host} ${code}`),
      unroutable: (addresses) => reported.push(...new Set(addresses.map(({ host }) => host))),
    };
    const flags = { ...(seednode && { seednode }), allowUnroutable: true } as unknown as Flags;
    const addresses = async () =>
      (await firstAddresses(flags, chain, net, [], first)).map(({ addr }) => addr).sort();
    try {
      const before = await addresses();
      current.zone = then;
      return { before, after: await addresses(), reported };
    } finally {
      await dns.close();
    }
  }

  test('are looked up for each crawl, and one that fails later keeps its addresses', async () => {
    const zone = { 'a.test': { A: ['127.0.0.2'] }, 'b.test': { A: ['127.0.0.3', '127.0.0.4'] } };
    const { before, after, reported } = await twice(['a.test:1', 'b.test:1'], zone, {
      'a.test': { A: ['127.0.0.9'] },
    });
    expect(before).toEqual(['127.0.0.2:1', '127.0.0.3:1', '127.0.0.4:1']);
    expect(after).toEqual(['127.0.0.3:1', '127.0.0.4:1', '127.0.0.9:1']);
    expect(reported).toEqual(['b.test:1 ERR_DIAL_DNS']);
  });

  test('without an address are reported, and the crawl begins with the others', async () => {
    const { before, reported } = await twice(['dead.test', '127.0.0.5'], {}, {});
    expect([before, reported[0]]).toEqual([['127.0.0.5:18444'], 'dead.test ERR_DIAL_DNS']);
  });

  test('without any address end the crawl', async () => {
    await expect(twice(['dead.test'], {}, {})).rejects.toMatchObject({ code: 'ERR_DIAL_DNS' });
  });

  test('of public seeds that have addresses that are not public are reported, and the fixed list is used', async () => {
    const [seed = ''] = NETWORKS.main.seeds;
    const zone = { [`x9.${seed}`]: { A: ['0.0.0.0'] } };
    const { before, reported } = await twice(undefined, zone, zone, NETWORKS.main);
    expect(before).toEqual([...NETWORKS.main.fixedSeeds].sort());
    expect(reported).toEqual(['0.0.0.0', '0.0.0.0']);
  });
});
