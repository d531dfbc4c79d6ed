/** The address book of `connect` and `listen`: loaded at the start, saved at the end with the anchors, never fatal. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { keptAddressBook } from '../src/cli/kept-address-book.js';
import type { Output } from '../src/cli/output.js';
import { type BitcoinNode, NETWORKS, type PeerInfo, VirtualClock } from '../src/index.js';
import { readPeersFile } from '../src/addresses/index.js';
import { addressOf, recordAt } from './support/addresses.js';

const chain = NETWORKS.regtest;
const SERVICE = { ...addressOf('8.8.4.4'), port: 18_444 };
let datadir: string;
beforeEach(() => void (datadir = mkdtempSync(join(tmpdir(), 'verack-book-'))));
afterEach(() => rmSync(datadir, { recursive: true, force: true }));

/** The reported failures. */
function output(): { out: Output; failures: string[] } {
  const failures: string[] = [];
  return { out: { failure: (line: string) => void failures.push(line) } as unknown as Output, failures };
}

const nodeWith = (...peers: Partial<PeerInfo>[]): BitcoinNode =>
  ({ peers: { list: () => peers } }) as unknown as BitcoinNode;
const ANCHOR: Partial<PeerInfo> = {
  ...{ connection_type: 'block-relay-only', state: 'established', addr: '9.9.9.9:18444' },
  ...{ conntime: 1_800_000_000, services: '0000000000000009' },
};

test('the book and the anchors are restored in the next run, which deletes the file of the anchors', async () => {
  const { out, failures } = output();
  const first = await keptAddressBook({ datadir }, chain, out);
  expect([first.book.size(), first.anchors]).toEqual([0, []]);
  first.book.add([recordAt(SERVICE, Math.floor(Date.now() / 1_000))], SERVICE);
  first.begin();
  await first.end(nodeWith(ANCHOR, { ...ANCHOR, connection_type: 'outbound-full-relay', addr: '7.7.7.7:1' }));
  const second = await keptAddressBook({ datadir }, chain, out);
  expect([second.book.size(), second.anchors]).toEqual([1, [{ host: '9.9.9.9', port: 18_444 }]]);
  expect(existsSync(join(datadir, 'regtest', 'anchors.dat'))).toBe(false);
  await second.end(nodeWith());
  expect((await keptAddressBook({ datadir }, chain, out)).anchors).toEqual([]);
  expect(failures).toEqual([]);
});

test('`none` and an empty book leave no file', async () => {
  const { out } = output();
  for (const given of ['none', datadir]) {
    const kept = await keptAddressBook({ datadir: given }, chain, out);
    await kept.end(nodeWith());
  }
  expect(existsSync(join(datadir, 'regtest'))).toBe(false);
  expect(existsSync('none')).toBe(false);
});

test('an unusable directory is reported, and nothing is saved', async () => {
  const file = join(datadir, 'file');
  writeFileSync(file, '');
  const { out, failures } = output();
  const kept = await keptAddressBook({ datadir: file }, chain, out);
  kept.book.add([recordAt(SERVICE, Math.floor(Date.now() / 1_000))], SERVICE);
  await kept.end(nodeWith(ANCHOR));
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(/cannot be used \(ENOTDIR\): nothing is saved$/);
});

test('anchors that cannot be read are reported, and the book is used and saved', async () => {
  mkdirSync(join(datadir, 'regtest', 'anchors.dat'), { recursive: true });
  const { out, failures } = output();
  const kept = await keptAddressBook({ datadir }, chain, out);
  expect(kept.anchors).toEqual([]);
  expect(failures).toEqual([
    expect.stringMatching(
      /anchors\.dat cannot be used \(EISDIR\): the anchors of the last run are not used$/,
    ),
  ]);
  kept.book.add([recordAt(SERVICE, Math.floor(Date.now() / 1_000))], SERVICE);
  await kept.end(nodeWith());
  expect((await readPeersFile(join(datadir, 'regtest', 'peers.dat'), chain.magic))?.ok).toBe(true);
});

test('the book is saved every 15 minutes, and no more after the end', async () => {
  const { out, failures } = output();
  const clock = new VirtualClock(Date.now());
  const file = join(datadir, 'regtest', 'peers.dat');
  const sizeSaved = async (): Promise<number | undefined> => {
    const read = await readPeersFile(file, chain.magic);
    return read?.ok === true ? read.value.newEntries.length : undefined;
  };
  const kept = await keptAddressBook({ datadir }, chain, out, clock);
  const at = (n: number) => ({ ...addressOf(`8.${n}.4.4`), port: 18_444 });
  kept.begin();
  for (const n of [1, 2]) {
    kept.book.add([recordAt(at(n), Math.floor(clock.wall() / 1_000))], at(n));
    clock.advance(15 * 60_000 - 1);
    expect(await sizeSaved()).toBe(n === 1 ? undefined : 1);
    clock.advance(1);
    // Written in the background; never written, the test ends at its time limit.
    while ((await sizeSaved()) !== n) await new Promise((resolve) => setImmediate(resolve));
  }
  await kept.end(nodeWith());
  expect(clock.armed).toBe(0);
  expect(failures).toEqual([]);
});
