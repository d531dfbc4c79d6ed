/** Address gossip with a real bitcoind, in both directions: what is asked, answered, taken and limited, by connection type. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';

import {
  ADDR_RATE,
  type AddressBook,
  AddrRateLimit,
  createAddressBook,
  type NetService,
} from '../../src/addresses/index.js';
import { createNode, type Link, type Net, systemClock, systemRandom, tcpNet } from '../../src/index.js';
import type { DialOptions } from '../../src/node/index.js';
import { decodeMessage, formatAddress, type MessageOf, servicesOf } from '../../src/wire/index.js';
import { recordAt, services } from '../support/addresses.js';
import { bitcoind, describeNode, type PeerInfo, type RealNode } from './nodes/nodes.js';

const USEFUL = servicesOf('NETWORK', 'WITNESS');
const KNOWN = 800;
const now = (): number => Math.floor(Date.now() / 1_000);

/** Public IPv4 addresses; with `addpeeraddress` each is its own source. */
const ipv4 = (count: number, seed: string): NetService[] =>
  services(count * 5, seed).filter(({ networkID }) => networkID === 1);

const spelled = ({ port, ...address }: NetService): string => `${formatAddress(address)}:${port}`;

/** A node of ours with a book, the links that it accepted, and the addresses of each `addrv2` message that it sent or received. */
function ours() {
  const book = createAddressBook({ key: systemRandom(32), clock: systemClock, random: systemRandom });
  const tcp = tcpNet();
  const links: Link[] = [];
  const net: Net = {
    ...tcp,
    listen: (at, accepted, failed) => tcp.listen(at, (link) => (links.push(link), accepted(link)), failed),
  };
  const node = createNode({ chain: 'regtest', services: USEFUL, addressBook: book, net });
  const lists = { sent: [] as string[][], received: [] as string[][] };
  node.on('message', ({ direction, command, payload }) => {
    const decoded = command === 'addrv2' ? decodeMessage(command, payload) : undefined;
    if (decoded?.ok && decoded.message.command === 'addrv2')
      lists[direction].push(decoded.message.addresses.map(spelled));
  });
  return { book, node, links, lists };
}

const addTo = (book: AddressBook, addresses: readonly NetService[]): void => {
  for (const address of addresses) book.add([recordAt(address, now(), USEFUL)], address);
};

/** Polls until it is true. */
async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (await isTrue()) return;
    await wait(10);
  }
  throw new Error(`not within 30 s: ${what}`);
}

/** The address book of a node, as `host:port`. */
async function addressesOf(node: RealNode): Promise<string[]> {
  const stored = (await node.rpc('getnodeaddresses', [0])) as { address: string; port: number }[];
  return stored.map(({ address, port }) => `${address}:${port}`);
}

const addrsOf = ({ raw }: PeerInfo) => ({
  processed: raw.addr_processed,
  limited: raw.addr_rate_limited,
  enabled: raw.addr_relay_enabled,
});

const hasReceived = ({ raw }: PeerInfo, command: string): boolean =>
  Object.hasOwn(raw.bytesrecv_per_msg as Record<string, number>, command);

/** `count` addresses as a message. */
const addrMessage = (count: number, seed: string): MessageOf<'addrv2'> => ({
  command: 'addrv2',
  addresses: ipv4(count, seed).map((address) => ({ ...address, time: now(), services: USEFUL })),
});

describeNode('bitcoind', 'gossip with bitcoind', () => {
  let node: RealNode;
  let us: ReturnType<typeof ours>;
  beforeEach(async () => {
    node = await bitcoind();
    us = ours();
  });
  afterEach(async () => {
    await us.node.stop();
    await node.stop();
  });

  const connect = async (connection_type: NonNullable<DialOptions['connection_type']>) => {
    const peer = us.node.dial({ host: node.host, port: node.port }, { connection_type });
    await peer.established();
    return peer;
  };

  /** bitcoind dials us with that type. */
  async function dialled(connection_type: string): Promise<void> {
    const { local } = await us.node.listen({ host: '127.0.0.1', port: 0 });
    const established = new Promise((resolve) => us.node.once('established', resolve));
    await node.rpc('addconnection', [`127.0.0.1:${local.port}`, connection_type, false]);
    await established;
  }

  test('our getaddr is answered with 23 % of its addresses, and all of them are taken', async () => {
    const known = ipv4(KNOWN, 'theirs');
    for (const { port, ...address } of known)
      await node.rpc('addpeeraddress', [formatAddress(address), port]);
    const stored = (await addressesOf(node)).length;
    const peer = await connect('outbound-full-relay');
    await until(() => us.lists.received.length > 0, 'an answer to getaddr');
    const [answer = []] = us.lists.received;
    expect(answer).toHaveLength(Math.floor(stored * 0.23));
    expect(known.map(spelled)).toEqual(expect.arrayContaining(answer));
    // All from one source, so that a few share a slot.
    await until(() => us.book.size() >= 0.9 * answer.length, 'the addresses in our book');
    const taken = us.book.getAddr({ filtered: false }).map(spelled);
    expect(answer).toEqual(expect.arrayContaining(taken));
    expect(
      [...us.book.positions('new')].every(({ entry }) => formatAddress(entry.source) === node.host),
    ).toBe(true);
    const [theirs] = await node.handshaken(1);
    expect([hasReceived(theirs!, 'getaddr'), addrsOf(theirs!)]).toEqual([
      true,
      { processed: 0, limited: 0, enabled: true },
    ]);
    peer.close();
  });

  test('its getaddr is answered with 23 % of our book, and it takes them all', async () => {
    addTo(us.book, ipv4(KNOWN, 'ours'));
    await dialled('outbound-full-relay');
    const [theirs] = await node.peersUntil(
      ([peer]) => peer !== undefined && Number(peer.raw.addr_processed) > 0,
      'processed addresses',
    );
    const [answer = []] = us.lists.sent;
    expect(answer).toHaveLength(Math.floor(us.book.size() * 0.23));
    expect(theirs?.raw).toMatchObject({ connection_type: 'outbound-full-relay', inbound: false });
    expect(addrsOf(theirs!)).toEqual({ processed: answer.length, limited: 0, enabled: true });
    // Two of one netgroup can fall to one place of its book, which keeps the first. It counts before it stores.
    let names: string[] = [];
    await until(async () => {
      names = await addressesOf(node);
      return names.length > 0.8 * answer.length;
    }, 'the addresses in its book');
    expect(answer).toEqual(expect.arrayContaining(names));
  });

  test('our answers have 1,000 addresses at most, and are the same for each connection to a socket', async () => {
    addTo(
      us.book,
      services(25_000, 'many').filter(({ networkID }) => networkID < 3),
    );
    expect(us.book.size()).toBeGreaterThan(5_000);
    const { local } = await us.node.listen({ host: '127.0.0.1', port: 0 });
    for (let n = 1; n <= 2; n++) {
      await node.rpc('addconnection', [`127.0.0.1:${local.port}`, 'outbound-full-relay', false]);
      await until(() => us.lists.sent.length === n, `answer ${n}`);
      const [peer] = await node.peersUntil(
        ([first]) => first !== undefined && Number(first.raw.addr_processed) > 0,
        'processed addresses',
      );
      // Its bucket holds 1,001 after its getaddr.
      expect(addrsOf(peer!)).toEqual({ processed: 1_000, limited: 0, enabled: true });
      await node.rpc('disconnectnode', ['', peer?.id]);
      await node.peersUntil((peers) => peers.length === 0, 'end of the connection');
    }
    const [first = [], second] = us.lists.sent;
    expect(first).toHaveLength(1_000);
    expect(second).toEqual(first);
  });

  test('it limits our addresses as we would: 1, then 0.1 a second', async () => {
    const start = now();
    // Before the connection, from which the first refill on its side counts.
    await node.rpc('setmocktime', [start]);
    const peer = await connect('manual');
    const limit = new AddrRateLimit(0);
    const [sent, taken] = [[0], [0]];
    const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
    for (const seconds of [0, 100, 200]) {
      await node.rpc('setmocktime', [start + seconds]);
      us.node.send(peer.id, addrMessage(100, `rate ${seconds}`));
      sent.push(100);
      taken.push(limit.take(100, seconds * 1_000));
      const [theirs] = await node.peersUntil(
        ([first]) => Number(first?.raw.addr_processed) + Number(first?.raw.addr_rate_limited) === total(sent),
        'counted addresses',
      );
      expect(addrsOf(theirs!)).toEqual({
        processed: total(taken),
        limited: total(sent) - total(taken),
        enabled: true,
      });
    }
    expect(total(taken)).toBe(1 + 200 * ADDR_RATE);
  });

  test.each([
    ['outbound-full-relay', true],
    ['manual', true],
    ['block-relay-only', false],
  ] as const)('%s: bitcoind receives getaddr: %s', async (type, gossips) => {
    await connect(type);
    // We send getaddr before we can answer its ping. A connection that ends earlier takes the message with it.
    const [theirs] = await node.peersUntil(
      ([peer]) => peer !== undefined && hasReceived(peer, 'pong'),
      'pong of ours',
    );
    expect(theirs?.raw).toMatchObject({ connection_type: 'inbound', relaytxes: false });
    expect(hasReceived(theirs!, 'getaddr')).toBe(gossips);
  });

  test('addr-fetch: it asks and leaves once it has an answer; a feeler of ours does not ask', async () => {
    for (const { port, ...address } of ipv4(50, 'few'))
      await node.rpc('addpeeraddress', [formatAddress(address), port]);
    const fetching = await connect('addr-fetch');
    expect((await fetching.ended()).lastreason).toMatchObject({ code: 'END_DONE' });
    expect(us.book.size()).toBeGreaterThan(5);
    const feeling = us.node.dial({ host: node.host, port: node.port }, { connection_type: 'feeler' });
    const last = await feeling.ended();
    expect(last).toMatchObject({ version: 70016, lastreason: { code: 'END_DONE' } });
    await node.peersUntil((peers) => peers.length === 0, 'end of both');
    expect(node.logTail().match(/received: getaddr/g)).toHaveLength(1);
  });

  // A feeler of a node before Core 31 sends getaddr before it leaves.
  test.each([
    ['block-relay-only', false],
    ['feeler', true],
    ['addr-fetch', true],
  ] as const)('it dials us as %s: our addresses are sent: %s', async (type, isAnswered) => {
    addTo(us.book, ipv4(100, 'ours'));
    const { local } = await us.node.listen({ host: '127.0.0.1', port: 0 });
    const before = us.lists.sent.length;
    const versions = new Promise<void>((resolve) => {
      us.node.on('message', ({ direction, command }) => {
        if (direction !== 'sent' || command !== 'verack') return;
        if (type === 'feeler') us.links[0]?.pause();
        resolve();
      });
    });
    await node.rpc('addconnection', [`127.0.0.1:${local.port}`, type, false]);
    await versions;
    if (type === 'block-relay-only') {
      const [theirs] = await node.handshaken(1);
      expect(theirs?.raw).toMatchObject({
        connection_type: type,
        addr_relay_enabled: false,
        addr_processed: 0,
      });
    } else {
      // The last messages of a feeler are read together: a write of ours that fails, as it has left, would lose its getaddr.
      if (type === 'feeler') await node.peersUntil((peers) => peers.length === 0, 'end of the feeler');
      us.links[0]?.resume();
      await until(() => us.lists.sent.length > before, 'an answer of ours');
    }
    expect(us.lists.sent.length - before).toBe(isAnswered ? 1 : 0);
  });
});
