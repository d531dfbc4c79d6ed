/** The address book against that of a real bitcoind: every slot of both tables, and the file in both directions. */
import { expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type AddressBook,
  ANCHORS_FILE,
  createAddressBook,
  createNetgroups,
  DETERMINISTIC_KEY,
  loadPeers,
  type NetService,
  type RawAddrman,
  rawAddrman,
  restoreAddressBook,
  takeAnchors,
  writeAnchors,
  writePeersFile,
} from '../../src/addresses/index.js';
import { createNode, NETWORKS, type PeerInfo, systemClock, systemRandom } from '../../src/index.js';
import { formatAddress, servicesOf } from '../../src/wire/index.js';
import { addressOf, recordAt, services } from '../support/addresses.js';
import { bitcoind, describeNode, type RealNode } from './nodes/nodes.js';

const { magic } = NETWORKS.regtest;
const around = { clock: systemClock, random: systemRandom };
const now = (): number => Math.floor(Date.now() / 1_000);

/** `addpeeraddress`: the source is the address itself, and tried goes through new. */
function addOurs(book: AddressBook, service: NetService, tried: boolean): boolean {
  return book.add([recordAt(service, now())], service) && (!tried || book.good(service));
}

async function addTheirs(node: RealNode, service: NetService, tried: boolean): Promise<boolean> {
  const params = [formatAddress(service), service.port, tried];
  const { success } = (await node.rpc('addpeeraddress', params)) as { success: boolean };
  return success;
}

const theirs = (node: RealNode): Promise<RawAddrman> => node.rpc('getrawaddrman') as Promise<RawAddrman>;

/** Without the values that depend on the second in which each program runs, and the services that the RPC assumes. */
function places({ new: fresh, tried }: RawAddrman): unknown {
  const strip = (table: RawAddrman['new']) =>
    Object.fromEntries(
      Object.entries(table).map(([slot, { time: _, services: __, ...entry }]) => [slot, entry]),
    );
  return { new: strip(fresh), tried: strip(tried) };
}

/** A directory for bitcoind's data that remains after it has stopped. */
function dataFolder(): Disposable & { readonly path: string; readonly peers: string } {
  const path = mkdtempSync(join(tmpdir(), 'verack-addresses-'));
  mkdirSync(join(path, 'regtest'));
  return {
    path,
    peers: join(path, 'regtest', 'peers.dat'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

const withData = (path: string): Promise<RealNode> =>
  bitcoind({ args: ['-cjdnsreachable', `-datadir=${path}`] });

/** Stops bitcoind cleanly, so that it writes its files. */
async function shutDown(node: RealNode): Promise<void> {
  await node.rpc('stop');
  while (isAlive(node.pid)) await wait(20);
  await node.stop();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describeNode('bitcoind', 'the address book and that of bitcoind', () => {
  test('10,000 addresses of all networks: every bucket and slot equal, new and tried', async () => {
    await using node = await bitcoind({ args: ['-test=addrman', '-cjdnsreachable'] });
    const book = createAddressBook({ ...around, key: DETERMINISTIC_KEY });
    const all = services(10_000, 'oracle');
    const different: string[] = [];
    for (const [i, service] of all.entries()) {
      const tried = i % 3 === 0;
      if (addOurs(book, service, tried) !== (await addTheirs(node, service, tried)))
        different.push(formatAddress(service));
    }
    expect(different).toEqual([]);
    const raw = await theirs(node);
    expect(places(rawAddrman(book))).toEqual(places(raw));
    const networks = (table: RawAddrman['new']) =>
      new Set(Object.values(table).map(({ network }) => network));
    for (const table of [raw.new, raw.tried]) expect(networks(table).size).toBe(5);
    // The rest was refused, by both: an address that announces itself shares 64 slots with its whole group.
    expect(Object.keys(raw.new).length).toBeGreaterThan(4_000);
    expect(Object.keys(raw.tried).length).toBeGreaterThan(1_500);
  });

  test('1,000 addresses under an asmap: slots and autonomous systems equal', async () => {
    const file = resolve('test/data/addresses/asmap.raw');
    const netgroups = createNetgroups(new Uint8Array(readFileSync(file)));
    await using node = await bitcoind({ args: ['-test=addrman', '-cjdnsreachable', `-asmap=${file}`] });
    const book = createAddressBook({ ...around, key: DETERMINISTIC_KEY, netgroups });
    for (const [i, service] of services(1_000, 'asmap').entries()) {
      const mapped = i % 2 === 0 ? service : { ...addressOf(`101.${(i >> 1) % 10}.${i % 250}.7`), port: i };
      expect(addOurs(book, mapped, i % 3 === 0)).toBe(await addTheirs(node, mapped, i % 3 === 0));
    }
    const raw = await theirs(node);
    expect(places(rawAddrman(book))).toEqual(places(raw));
    const systems = new Set(Object.values(raw.new).map(({ mapped_as }) => mapped_as));
    expect(systems.size).toBeGreaterThan(8);
  });

  test('peers.dat of bitcoind is read and written again, equal to the byte of every entry', async () => {
    using folder = dataFolder();
    using copy = dataFolder();
    const first = await withData(folder.path);
    for (const [i, service] of services(500, 'theirs').entries())
      await addTheirs(first, service, i % 2 === 0);
    const raw = await theirs(first);
    await shutDown(first);

    const { value, notice } = await loadPeers(dirname(folder.peers), magic);
    expect(notice).toBeUndefined();
    const book = restoreAddressBook(value!, around);
    expect(rawAddrman(book)).toEqual(raw);

    await writePeersFile(copy.peers, book.save(), magic);
    await using second = await withData(copy.path);
    expect(await theirs(second)).toEqual(raw);
  });

  test('peers.dat of our own book, with gossip of many sources, is accepted by bitcoind', async () => {
    using folder = dataFolder();
    const book = createAddressBook({ ...around, key: systemRandom(32) });
    const sources = services(50, 'sources');
    for (const [i, service] of services(3_000, 'ours').entries()) {
      for (const source of sources.slice(i % 40, (i % 40) + 10))
        book.add([recordAt(service, now() - 10 * i, 'ffffffffffffffff')], source, 7_200);
      if (i % 4 === 0) book.good(service);
      if (i % 5 === 0) book.attempt(service, true);
    }
    const mine = rawAddrman(book);
    expect([...book.positions('new')].length).toBeGreaterThan(book.size('new'));
    await writePeersFile(folder.peers, book.save(), magic);
    await using node = await withData(folder.path);
    expect(await theirs(node)).toEqual(mine);
  });

  test('anchors.dat: bitcoind dials the anchor that we wrote, and its own file is read and deleted', async () => {
    using folder = dataFolder();
    const files = dirname(folder.peers);
    await using us = createNode({ chain: 'regtest', services: servicesOf('NETWORK', 'WITNESS') });
    const { local } = await us.listen({ host: '127.0.0.1', port: 0 });
    const established = new Promise<PeerInfo>((resolve) => us.once('established', resolve));
    const anchor = { ...addressOf(local.host), port: local.port };
    await writeAnchors(files, [recordAt(anchor, now())], magic);

    const node = await bitcoind({ automatic: true, args: [`-datadir=${folder.path}`] });
    expect(await established).toMatchObject({ inbound: true, relaytxes: false });
    expect(existsSync(join(files, ANCHORS_FILE))).toBe(false);
    await node.peersUntil(
      (peers) => peers[0]?.raw.connection_type === 'block-relay-only',
      'block-relay-only peer',
    );
    await shutDown(node);
    const { value, notice } = await takeAnchors(files, magic);
    expect(notice).toBeUndefined();
    // Knots keeps no anchor that has no blocks, and writes an empty list.
    expect(value).toEqual([]);
    expect(existsSync(join(files, ANCHORS_FILE))).toBe(false);
  });
});
