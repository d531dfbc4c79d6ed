/** Address gossip of a node with an address book, on a virtual clock: which addresses it accepts, answers with, announces and marks. */
import { describe, expect, test } from '@jest/globals';

import type { AddressBook } from '../src/addresses/index.js';
import { createAddressBook, DETERMINISTIC_KEY } from '../src/addresses/index.js';
import type { BitcoinNode, NodeOptions } from '../src/index.js';
import { recordedNode, play as replay } from '../src/recording/record-and-replay.js';
import {
  decodeMessage,
  encodeMessage,
  formatAddress,
  type MessageOf,
  servicesOf,
} from '../src/wire/index.js';
import { recordAt, seededRandom as uniformRandom, services } from './support/addresses.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { type ScriptedConnection, GOOD, play, type Script, VERSION } from './support/scripted-node.js';

const PORT = 18_444;
const HERE = { host: '8.8.4.4', port: PORT };
const THERE = { host: '9.9.9.9', port: PORT };
const HOUR = 3_600_000;
const USEFUL = servicesOf('NETWORK', 'WITNESS');

/** A node with a book of `size` addresses that listens on a public address, and a peer on `host` with the messages that it receives. */
async function started(size: number, options: NodeOptions = {}, host = HERE.host) {
  const setup = memoryNetwork(0);
  const random = uniformRandom('relay');
  const book = createAddressBook({ key: DETERMINISTIC_KEY, clock: setup.clock, random });
  const now = Math.floor(setup.clock.wall() / 1_000);
  for (const service of services(size, 'relay')) book.add([recordAt(service, now)], service);
  const node = setup.node({ addressBook: book, services: USEFUL, ...options }, HERE.host);
  await node.listen({ host, port: PORT });
  const received: [string, Uint8Array][] = [];
  const script: Script = {
    message: (connection, command, payload) => {
      received.push([command, payload.slice()]);
      GOOD.message?.(connection, command, payload);
    },
  };
  return { ...setup, book, node, received, script, now };
}
type Started = Awaited<ReturnType<typeof started>>;

/** Dials the node from `host` and completes the handshake; returns the peer. */
async function accepted(
  { net, pass }: Started,
  host = '7.7.7.7',
  features: readonly string[] = ['sendaddrv2'],
) {
  const received: [string, Uint8Array][] = [];
  let peer: ScriptedConnection | undefined;
  const script: Script = {
    opened: (connection) => {
      peer = connection;
      connection.send('version', VERSION);
    },
    message: (connection, command, payload) => {
      received.push([command, payload.slice()]);
      if (command === 'verack') for (const word of [...features, 'verack']) connection.send(word);
    },
  };
  net.at(host).dial(HERE, { opened: (link) => play(link, script), failed: () => undefined });
  await pass(1_000);
  return { received, send: (command: string, payload?: Uint8Array) => peer?.send(command, payload) };
}

/** The addresses of the messages that a peer received, one list for each. */
const listsOf = (received: readonly [string, Uint8Array][]): string[][] =>
  received.flatMap(([command, payload]) => {
    const decoded = decodeMessage(command, payload);
    if (!decoded.ok || decoded.message.command !== 'addrv2') return [];
    return [decoded.message.addresses.map((each) => formatAddress(each))];
  });

const addrv2 = (count: number, time: number, seed = 'gossip'): Uint8Array =>
  encodeMessage({
    command: 'addrv2',
    addresses: services(count, seed).map((service) => ({ ...service, time, services: USEFUL })),
  });

/** IPv4 addresses only, each in a different group. */
const addr = (count: number, time: number): MessageOf<'addr'> => ({
  command: 'addr',
  addresses: Array.from({ length: count }, (_, i) => ({
    ...{ time, services: USEFUL, port: 8_333 },
    ip: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 20 + Math.floor(i / 200), i % 200, 1, 1),
  })),
});

describe('getaddr', () => {
  test('is answered once on a connection, with 23 % of the book at most', async () => {
    const setup = await started(400);
    const { received, send } = await accepted(setup);
    send('getaddr');
    await setup.pass();
    const [answer = [], own] = listsOf(received);
    expect(answer.length).toBeGreaterThan(50);
    expect(answer.length).toBeLessThanOrEqual(0.23 * setup.book.size());
    expect(own).toEqual([HERE.host]);
    send('getaddr');
    await setup.pass();
    expect(listsOf(received)).toHaveLength(2);
    await setup.node.stop();
  });

  test('has the same answer for all peers of one network, for at least 21 and at most 27 hours', async () => {
    const setup = await started(400);
    const ask = async (host: string) => {
      const { received, send } = await accepted(setup, host);
      send('getaddr');
      await setup.pass();
      return listsOf(received)[0]!;
    };
    const first = await ask('7.7.7.7');
    expect(await ask('6.6.6.6')).toEqual(first);
    await setup.pass(20 * HOUR);
    expect(await ask('5.5.5.5')).toEqual(first);
    await setup.pass(8 * HOUR);
    expect(await ask('5.5.5.6')).not.toEqual(first);
    await setup.node.stop();
  });

  test('from a peer without sendaddrv2 is answered with addr, and an empty book gives no answer', async () => {
    const setup = await started(400);
    const old = await accepted(setup, '7.7.7.7', []);
    old.send('getaddr');
    await setup.pass();
    expect(old.received.map(([command]) => command)).toEqual(expect.arrayContaining(['addr', 'addr']));
    const empty = await started(0, {}, '0.0.0.0');
    const peer = await accepted(empty, '127.0.0.1');
    peer.send('getaddr');
    await empty.pass();
    expect(listsOf(peer.received)).toEqual([[HERE.host]]);
    await Promise.all([setup.node.stop(), empty.node.stop()]);
  });
});

describe('addresses of peers', () => {
  test('are accepted at one at first and one every ten seconds, however many are received', async () => {
    const setup = await started(0);
    const { send } = await accepted(setup);
    send('addrv2', addrv2(1_000, setup.now));
    await setup.pass();
    expect(setup.book.size()).toBeLessThanOrEqual(1);
    await setup.pass(100_000);
    send('addrv2', addrv2(1_000, setup.now, 'more'));
    await setup.pass();
    expect(setup.book.size()).toBeLessThanOrEqual(11);
    await setup.node.stop();
  });

  test('are accepted up to a thousand after our getaddr, if their network can be dialled', async () => {
    const setup = await started(0);
    await setup.net.listen(THERE, (link) =>
      play(link, {
        message: (connection, command, payload) => {
          GOOD.message?.(connection, command, payload);
          if (command === 'getaddr') connection.send('addr', encodeMessage(addr(1_000, setup.now)));
        },
      }),
    );
    setup.node.dial(THERE);
    await setup.pass();
    const size = setup.book.size();
    expect(size).toBeGreaterThan(500);
    expect(size).toBeLessThanOrEqual(1_001);
    expect(setup.book.size(undefined, 'onion')).toBe(0);
    await setup.node.stop();
  });

  test('with a time in the future count as five days old, plus the penalty for gossip', async () => {
    const setup = await started(0);
    const { send } = await accepted(setup);
    send('addr', encodeMessage(addr(1, setup.now + 10_000)));
    await setup.pass();
    const [entry] = [...setup.book.positions('new')];
    expect(Math.abs(setup.now - 5 * 86_400 - 7_200 - entry!.entry.time)).toBeLessThan(10);
    await setup.node.stop();
  });
});

describe('our own address', () => {
  const announcementsOf = (received: readonly [string, Uint8Array][]) =>
    listsOf(received)
      .flat()
      .filter((host) => host === HERE.host);

  async function dialled(connection_type: 'manual' | 'block-relay-only') {
    const setup = await started(0);
    await setup.net.listen(THERE, (link) => play(link, setup.script));
    setup.node.dial(THERE, { connection_type });
    await setup.pass();
    return setup;
  }

  test('is announced once established, and again about every 24 hours', async () => {
    const { received, pass, node } = await dialled('manual');
    expect(announcementsOf(received)).toHaveLength(1);
    for (let hour = 0; hour < 48; hour++) await pass(HOUR);
    expect(announcementsOf(received).length).toBeGreaterThan(1);
    expect(announcementsOf(received).length).toBeLessThan(8);
    await node.stop();
  });

  test('is not sent to a block-relay-only peer, nor to an inbound one that sends no addresses', async () => {
    const setup = await dialled('block-relay-only');
    expect(listsOf(setup.received)).toEqual([]);
    const { received } = await accepted(setup);
    await setup.pass(60_000);
    expect(listsOf(received)).toEqual([]);
    await setup.node.stop();
  });
});

describe('the address book', () => {
  const placed = (book: AddressBook, table: 'new' | 'tried') =>
    [...book.positions(table)].map(({ entry }) => entry);

  async function withAddress(listens: boolean) {
    const setup = await started(0);
    const [known] = addr(1, setup.now - 86_400).addresses;
    const service = { networkID: 1, addr: known!.ip.subarray(12), port: 8_333 };
    setup.book.add([{ ...service, time: setup.now - 86_400, services: USEFUL }], service);
    const host = formatAddress(service);
    if (listens) await setup.net.listen({ host, port: 8_333 }, (link) => play(link, GOOD));
    return { ...setup, at: { host, port: 8_333 } };
  }

  test('an address that answers moves to tried, and the end of the connection updates its time', async () => {
    const { node, book, pass, at } = await withAddress(true);
    const peer = node.dial(at);
    await pass();
    expect([placed(book, 'new').length, placed(book, 'tried').length]).toEqual([0, 1]);
    const before = placed(book, 'tried')[0]!.time;
    peer.close();
    await pass();
    expect(placed(book, 'tried')[0]!.time).toBeGreaterThan(before);
    await node.stop();
  });

  test('a feeler moves an address to tried too; a failure counts only while other connections exist', async () => {
    const good = await withAddress(true);
    good.node.dial(good.at, { connection_type: 'feeler' });
    await good.pass();
    expect(placed(good.book, 'tried')).toHaveLength(1);
    const bad = await withAddress(false);
    bad.node.dial(bad.at);
    await bad.pass();
    expect(placed(bad.book, 'new')[0]!.attempts).toBe(0);
    await Promise.all([good.node.stop(), bad.node.stop()]);
  });
});

test('a recording of a node with an address book plays the same without the book', async () => {
  const setup = memoryNetwork(0);
  const book = createAddressBook({
    key: DETERMINISTIC_KEY,
    clock: setup.clock,
    random: uniformRandom('record'),
  });
  const now = Math.floor(setup.clock.wall() / 1_000);
  for (const service of services(200, 'record')) book.add([recordAt(service, now)], service);
  const lines = ['{"format":"verack-recording","version":1,"verack":"0"}'];
  const sink = { isOpen: true, take: (more: readonly string[]) => void lines.push(...more) };
  const options: NodeOptions = {
    ...{ chain: 'regtest', clock: setup.clock, net: setup.net.at(HERE.host), random: uniformRandom('node') },
    ...{ addressBook: book, services: USEFUL, outbound: { slots: 2, feelerInterval: 60_000 } },
  };
  const node: BitcoinNode = recordedNode(sink, options);
  await node.listen(HERE);
  const { send, received } = await accepted({ ...setup, node, book, received: [], script: {}, now });
  send('getaddr');
  send('ping', new Uint8Array(8));
  await setup.pass();
  for (let minute = 0; minute < 5; minute++) await setup.pass(60_000);
  await node.stop();
  await setup.pass();
  expect(listsOf(received)).toHaveLength(2);
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  async function* file() {
    await Promise.resolve();
    yield bytes;
  }
  const { differing, differences } = await replay(file());
  expect([differences, differing]).toEqual([[], 0]);
});
