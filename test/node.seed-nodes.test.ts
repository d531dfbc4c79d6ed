/** Nodes that are asked for addresses (`-seednode`), on a virtual clock: what they answer goes into the address book. */
import { describe, expect, test } from '@jest/globals';

import { type AddressBook, createAddressBook, DETERMINISTIC_KEY } from '../src/addresses/index.js';
import { seedNodesOf, seedNodeSource } from '../src/cli/seed-nodes.js';
import { type BitcoinNode, type CandidateSource, type Lookup, NETWORKS } from '../src/index.js';
import { encodeMessage, formatAddress, servicesOf } from '../src/wire/index.js';
import { addressOf, recordAt, seededRandom } from './support/addresses.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { GOOD, play, type Script } from './support/scripted-node.js';

const PORT = 18_444;
const SERVICES = servicesOf('NETWORK', 'WITNESS');
const SEED = '9.1.1.1';
const NAMED = 'seed.example';
/** A name without an address. */
const DEAD = 'dead.example';
const TOLD = ['20.1.1.1', '20.2.1.1', '20.3.1.1'];
const at = (host: string) => ({ host, port: PORT });
const serviceOf = (host: string) => ({ ...addressOf(host), port: PORT });

/** Answers `getaddr` with these addresses. */
const seed = (hosts: readonly string[], time: number): Script => ({
  message: (me, command, payload) => {
    GOOD.message?.(me, command, payload);
    if (command !== 'getaddr') return;
    const addresses = hosts.map((host) => ({ ...serviceOf(host), time, services: SERVICES }));
    me.send('addrv2', encodeMessage({ command: 'addrv2', addresses }));
  },
});

/** A node with one slot whose book holds `known`; there are no listeners at those addresses. `asked`: when the seed nodes were asked. */
async function started(known: readonly string[], seeds: readonly string[] = [SEED]) {
  const stage = memoryNetwork(0);
  const random = seededRandom('seed nodes');
  const book = createAddressBook({ key: DETERMINISTIC_KEY, clock: stage.clock, random });
  const now = Math.floor(stage.clock.wall() / 1_000);
  for (const host of known) book.add([recordAt(serviceOf(host), now)], serviceOf(host));
  for (const host of [SEED, NAMED]) await stage.net.listen(at(host), (link) => play(link, seed(TOLD, now)));
  for (const host of TOLD) await stage.net.listen(at(host), (link) => play(link, GOOD));
  const asked: number[] = [];
  const failed: string[] = [];
  const asking = seedNodeSource(
    () => Promise.resolve().then(() => node),
    seeds,
    (host, { code }) => failed.push(`${host} ${code}`),
  );
  const seednodes: CandidateSource = {
    find: (signal) => (asked.push(stage.clock.now()), asking.find(signal)),
  };
  const rules = { requiredServices: '0000000000000000' };
  const outbound = { slots: 2, blockrelay: 0, feelerInterval: 0, seednodes };
  const lookup: Lookup = (name, handler) => {
    if (name === DEAD) handler.failed({ code: 'ERR_DIAL_DNS', facts: {} });
    else handler.found([name]);
    return () => undefined;
  };
  const node: BitcoinNode = stage.node(
    { rules, outbound, addressBook: book, maxoutbound: 4, lookup },
    '8.8.4.4',
  );
  await stage.pass();
  return { ...stage, node, book, asked, failed };
}

const hostsOf = (book: AddressBook): string[] =>
  book
    .getAddr({ filtered: false })
    .map((address) => formatAddress(address))
    .sort();

const sourcesOf = (book: AddressBook): string[] => [
  ...new Set([...book.positions('new')].map(({ entry }) => formatAddress(entry.source))),
];

const connected = (node: BitcoinNode): string[] =>
  node.peers.list().map(({ addr }) => addr.replace(`:${PORT}`, ''));

describe('seed nodes', () => {
  test('fill an empty book, are the source of what it holds, and are left again', async () => {
    const { node, book, pass, asked } = await started([]);
    await pass();
    expect(hostsOf(book)).toEqual(TOLD);
    expect([...sourcesOf(book)]).toEqual([SEED]);
    expect(connected(node)).toHaveLength(2);
    expect(connected(node)).not.toContain(SEED);
    expect(asked).toHaveLength(1);
    await node.stop();
  });

  test('that were dialled by name, as through a proxy, have an address of their own as the source', async () => {
    const { node, book, pass } = await started([], [NAMED]);
    await pass();
    expect(hostsOf(book)).toEqual(TOLD);
    expect(sourcesOf(book)).toEqual([expect.stringMatching(/^fd6b:88c0:8724:/)]);
    await node.stop();
  });

  test('whose name has no address are reported, and the others are asked', async () => {
    const { node, book, pass, failed } = await started([], [DEAD, SEED]);
    await pass();
    expect(failed).toEqual([`${DEAD} ERR_DIAL_DNS`]);
    expect(hostsOf(book)).toEqual(TOLD);
    await node.stop();
  });

  test('are asked besides a book that reaches fewer than two peers, after 11 s and once', async () => {
    const { node, book, pass, asked, clock } = await started(['20.9.1.1']);
    expect(asked).toEqual([]);
    for (let s = 0; s < 600; s++) await pass();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThanOrEqual(11_000);
    expect(clock.now()).toBeGreaterThan(600_000);
    expect(hostsOf(book)).toEqual([...TOLD, '20.9.1.1']);
    expect(connected(node)).toHaveLength(2);
    await node.stop();
  });

  test('are not asked when the book has what fills two slots', async () => {
    const { node, pass, asked } = await started(TOLD);
    for (let s = 0; s < 60; s++) await pass();
    expect(connected(node)).toHaveLength(2);
    expect(asked).toEqual([]);
    await node.stop();
  });
});

test('the DNS seeds are such nodes where names go to a proxy, and -dnsseed=0 leaves them out', () => {
  const { main } = NETWORKS;
  const named = main.seeds.map((host) => `${host}:8333`);
  const of = (flags: Parameters<typeof seedNodesOf>[0], hasNameProxy: boolean) =>
    seedNodesOf(flags, main, { hasNameProxy });
  expect(of({ seednode: ['a.example'] }, true)).toEqual(['a.example', ...named]);
  expect(of({ seednode: ['a.example'] }, false)).toEqual(['a.example']);
  expect(of({ dnsseed: false }, true)).toEqual([]);
});
