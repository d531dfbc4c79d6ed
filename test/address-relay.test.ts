/** Address gossip of a node with an address book, on a virtual clock: what it takes, answers, announces and marks. */
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
import { type Actor, GOOD, play, type Script, VERSION } from './support/scripted-node.js';

const PORT = 18_444;
const HERE = { host: '8.8.4.4', port: PORT };
const THERE = { host: '9.9.9.9', port: PORT };
const HOUR = 3_600_000;
const USEFUL = servicesOf('NETWORK', 'WITNESS');

/** A node with a book of `size` addresses, listening on a public address, and what a peer on `host` does and hears. */
async function started(size: number, options: NodeOptions = {}, host = HERE.host) {
  const stage = memoryNetwork(0);
  const random = uniformRandom('relay');
  const book = createAddressBook({ key: DETERMINISTIC_KEY, clock: stage.clock, random });
  const now = Math.floor(stage.clock.wall() / 1_000);
  for (const service of services(size, 'relay')) book.add([recordAt(service, now)], service);
  const node = stage.node({ addressBook: book, services: USEFUL, ...options }, HERE.host);
  await node.listen({ host, port: PORT });
  const heard: [string, Uint8Array][] = [];
  const script: Script = {
    hears: (me, command, payload) => {
      heard.push([command, payload.slice()]);
      GOOD.hears?.(me, command, payload);
    },
  };
  return { ...stage, book, node, heard, script, now };
}
type Started = Awaited<ReturnType<typeof started>>;

/** Dials the node from `host` and shakes hands; the peer that is connected then. */
async function accepted({ net, pass }: Started, host = '7.7.7.7', says: readonly string[] = ['sendaddrv2']) {
  const heard: [string, Uint8Array][] = [];
  let peer: Actor | undefined;
  const script: Script = {
    opened: (me) => {
      peer = me;
      me.say('version', VERSION);
    },
    hears: (me, command, payload) => {
      heard.push([command, payload.slice()]);
      if (command === 'verack') for (const word of [...says, 'verack']) me.say(word);
    },
  };
  net.at(host).dial(HERE, { opened: (link) => play(link, script), failed: () => undefined });
  await pass(1_000);
  return { heard, say: (command: string, payload?: Uint8Array) => peer?.say(command, payload) };
}

/** The addresses of the messages that a peer heard, one list for each. */
const listsOf = (heard: readonly [string, Uint8Array][]): string[][] =>
  heard.flatMap(([command, payload]) => {
    const decoded = decodeMessage(command, payload);
    if (!decoded.ok || decoded.message.command !== 'addrv2') return [];
    return [decoded.message.addresses.map((each) => formatAddress(each))];
  });

const addrv2 = (count: number, time: number, seed = 'gossip'): Uint8Array =>
  encodeMessage({
    command: 'addrv2',
    addresses: services(count, seed).map((service) => ({ ...service, time, services: USEFUL })),
  });

/** Ipv4 addresses only, each in a group of its own. */
const addr = (count: number, time: number): MessageOf<'addr'> => ({
  command: 'addr',
  addresses: Array.from({ length: count }, (_, i) => ({
    ...{ time, services: USEFUL, port: 8_333 },
    ip: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 20 + Math.floor(i / 200), i % 200, 1, 1),
  })),
});

describe('getaddr', () => {
  test('is answered once on a connection, with 23 % of the book at most', async () => {
    const stage = await started(400);
    const { heard, say } = await accepted(stage);
    say('getaddr');
    await stage.pass();
    const [answer = [], own] = listsOf(heard);
    expect(answer.length).toBeGreaterThan(50);
    expect(answer.length).toBeLessThanOrEqual(0.23 * stage.book.size());
    expect(own).toEqual([HERE.host]);
    say('getaddr');
    await stage.pass();
    expect(listsOf(heard)).toHaveLength(2);
    await stage.node.stop();
  });

  test('has the same answer for everybody on a network, for 21 hours at least and 27 at most', async () => {
    const stage = await started(400);
    const ask = async (host: string) => {
      const { heard, say } = await accepted(stage, host);
      say('getaddr');
      await stage.pass();
      return listsOf(heard)[0]!;
    };
    const first = await ask('7.7.7.7');
    expect(await ask('6.6.6.6')).toEqual(first);
    await stage.pass(20 * HOUR);
    expect(await ask('5.5.5.5')).toEqual(first);
    await stage.pass(8 * HOUR);
    expect(await ask('5.5.5.6')).not.toEqual(first);
    await stage.node.stop();
  });

  test('from a peer without sendaddrv2 is answered with addr, and an empty book gives no answer', async () => {
    const stage = await started(400);
    const old = await accepted(stage, '7.7.7.7', []);
    old.say('getaddr');
    await stage.pass();
    expect(old.heard.map(([command]) => command)).toEqual(expect.arrayContaining(['addr', 'addr']));
    const empty = await started(0, {}, '0.0.0.0');
    const peer = await accepted(empty, '127.0.0.1');
    peer.say('getaddr');
    await empty.pass();
    expect(listsOf(peer.heard)).toEqual([[HERE.host]]);
    await Promise.all([stage.node.stop(), empty.node.stop()]);
  });
});

describe('addresses of peers', () => {
  test('are taken one at first and one every ten seconds, whatever comes', async () => {
    const stage = await started(0);
    const { say } = await accepted(stage);
    say('addrv2', addrv2(1_000, stage.now));
    await stage.pass();
    expect(stage.book.size()).toBeLessThanOrEqual(1);
    await stage.pass(100_000);
    say('addrv2', addrv2(1_000, stage.now, 'more'));
    await stage.pass();
    expect(stage.book.size()).toBeLessThanOrEqual(11);
    await stage.node.stop();
  });

  test('are taken up to a thousand after our getaddr, if they are of a network that can be dialled', async () => {
    const stage = await started(0);
    await stage.net.listen(THERE, (link) =>
      play(link, {
        hears: (me, command, payload) => {
          GOOD.hears?.(me, command, payload);
          if (command === 'getaddr') me.say('addr', encodeMessage(addr(1_000, stage.now)));
        },
      }),
    );
    stage.node.dial(THERE);
    await stage.pass();
    const size = stage.book.size();
    expect(size).toBeGreaterThan(500);
    expect(size).toBeLessThanOrEqual(1_001);
    expect(stage.book.size(undefined, 'onion')).toBe(0);
    await stage.node.stop();
  });

  test('with a time that cannot be count as five days old, and so much older as others tell', async () => {
    const stage = await started(0);
    const { say } = await accepted(stage);
    say('addr', encodeMessage(addr(1, stage.now + 10_000)));
    await stage.pass();
    const [entry] = [...stage.book.positions('new')];
    expect(Math.abs(stage.now - 5 * 86_400 - 7_200 - entry!.entry.time)).toBeLessThan(10);
    await stage.node.stop();
  });
});

describe('our own address', () => {
  const toldOf = (heard: readonly [string, Uint8Array][]) =>
    listsOf(heard)
      .flat()
      .filter((host) => host === HERE.host);

  async function dialled(connection_type: 'manual' | 'block-relay-only') {
    const stage = await started(0);
    await stage.net.listen(THERE, (link) => play(link, stage.script));
    stage.node.dial(THERE, { connection_type });
    await stage.pass();
    return stage;
  }

  test('is announced once established, and again about every 24 hours', async () => {
    const { heard, pass, node } = await dialled('manual');
    expect(toldOf(heard)).toHaveLength(1);
    for (let hour = 0; hour < 48; hour++) await pass(HOUR);
    expect(toldOf(heard).length).toBeGreaterThan(1);
    expect(toldOf(heard).length).toBeLessThan(8);
    await node.stop();
  });

  test('is not told to a block-relay-only peer, nor to an accepted one that sends no addresses', async () => {
    const stage = await dialled('block-relay-only');
    expect(listsOf(stage.heard)).toEqual([]);
    const { heard } = await accepted(stage);
    await stage.pass(60_000);
    expect(listsOf(heard)).toEqual([]);
    await stage.node.stop();
  });
});

describe('the marks in the book', () => {
  const placed = (book: AddressBook, table: 'new' | 'tried') =>
    [...book.positions(table)].map(({ entry }) => entry);

  async function withAddress(hears: boolean) {
    const stage = await started(0);
    const [known] = addr(1, stage.now - 86_400).addresses;
    const service = { networkID: 1, addr: known!.ip.subarray(12), port: 8_333 };
    stage.book.add([{ ...service, time: stage.now - 86_400, services: USEFUL }], service);
    const host = formatAddress(service);
    if (hears) await stage.net.listen({ host, port: 8_333 }, (link) => play(link, GOOD));
    return { ...stage, at: { host, port: 8_333 } };
  }

  test('an address that answers moves to tried, and its end renews its time', async () => {
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

  test('a feeler moves an address to tried too; a failure is counted only beside other connections', async () => {
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
  const stage = memoryNetwork(0);
  const book = createAddressBook({
    key: DETERMINISTIC_KEY,
    clock: stage.clock,
    random: uniformRandom('record'),
  });
  const now = Math.floor(stage.clock.wall() / 1_000);
  for (const service of services(200, 'record')) book.add([recordAt(service, now)], service);
  const lines = ['{"format":"verack-recording","version":1,"verack":"0"}'];
  const sink = { isOpen: true, take: (more: readonly string[]) => void lines.push(...more) };
  const options: NodeOptions = {
    ...{ chain: 'regtest', clock: stage.clock, net: stage.net.at(HERE.host), random: uniformRandom('node') },
    ...{ addressBook: book, services: USEFUL, outbound: { slots: 2, feelerInterval: 60_000 } },
  };
  const node: BitcoinNode = recordedNode(sink, options);
  await node.listen(HERE);
  const { say, heard } = await accepted({ ...stage, node, book, heard: [], script: {}, now });
  say('getaddr');
  say('ping', new Uint8Array(8));
  await stage.pass();
  for (let minute = 0; minute < 5; minute++) await stage.pass(60_000);
  await node.stop();
  await stage.pass();
  expect(listsOf(heard)).toHaveLength(2);
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  async function* file() {
    await Promise.resolve();
    yield bytes;
  }
  const { differing, differences } = await replay(file());
  expect([differences, differing]).toEqual([[], 0]);
});
