/** peers.dat and anchors.dat: written and read back, damaged in every way, in a directory that others use. */
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AddressBook,
  createNetgroups,
  decodeAnchors,
  decodePeers,
  encodeAnchors,
  encodePeers,
  loadPeers,
  rawAddrman,
  readPeersFile,
  restoreAddressBook,
  type SavedBook,
  setAside,
  takeAnchors,
  writeAnchors,
  writePeersFile,
} from '../src/addresses/index.js';
import { NETWORKS } from '../src/networks.js';
import { hash256, hexOf } from '../src/wire/index.js';
import { recordAt, seededRandom, services } from './support/addresses.js';
import { bookOf, faultsOf, START, StoppedClock } from './support/book.js';

const { magic } = NETWORKS.regtest;
const folder = mkdtempSync(join(tmpdir(), 'verack-addresses-'));
const file = (name = 'peers.dat'): string => join(folder, name);
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A book with all networks, several slots for some addresses, tried and failed ones. */
function filled(count = 300): AddressBook {
  const book = bookOf('filled');
  const sources = services(30, 'sources');
  for (const [i, service] of services(count, 'filled').entries()) {
    for (const source of sources.slice(i % 20, (i % 20) + 8))
      book.add([recordAt(service, START - i, `00000000000000${(i % 90) + 10}`)], source, 60);
    if (i % 3 === 0) book.good(service);
    if (i % 4 === 0) book.attempt(service, true, START + 1);
  }
  return book;
}

const around = { clock: new StoppedClock(), random: seededRandom('restored') };
const restored = (saved: SavedBook, netgroups = createNetgroups()): AddressBook =>
  restoreAddressBook(saved, { ...around, netgroups });

function decoded(bytes: Uint8Array): SavedBook {
  const read = decodePeers(bytes, magic);
  if (!read.ok) throw new Error(read.why);
  return read.value;
}

/** Replaces the checksum by that of the current contents. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(hash256(copy.subarray(0, -32)), copy.length - 32);
  return copy;
}

describe('the bytes of peers.dat', () => {
  test('a book is restored exactly: key, slots, times, attempts', () => {
    const book = filled();
    const back = restored(decoded(encodePeers(book.save(), magic)));
    expect(rawAddrman(back)).toEqual(rawAddrman(book));
    expect(back.save()).toEqual(book.save());
    expect(back.key).toEqual(book.key);
    expect(faultsOf(back)).toEqual([]);
  });

  test('an empty book is one of 4,247 bytes, as bitcoind writes it', () => {
    const bytes = encodePeers(bookOf('empty').save(), magic);
    // Magic, format 4, readable since format 4, key, no entries, 1,024 buckets, all empty, no asmap, checksum.
    expect(hexOf(bytes.subarray(0, 6))).toBe('fabfb5da0424');
    expect(hexOf(bytes.subarray(38, 50))).toBe('000000000000000000040040');
    expect(bytes).toHaveLength(4 + 2 + 32 + 12 + 4 * 1_024 + 32 + 32);
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array, RegExp]>([
    ['nothing', () => new Uint8Array(0), /too short/],
    ['a cut file', (bytes) => bytes.subarray(0, -1), /wrong checksum/],
    ['a changed byte', (bytes) => bytes.with(100, bytes[100]! ^ 1), /wrong checksum/],
    ['another chain', (bytes) => bytes.with(0, 0), /another chain/],
    ['an old format', (bytes) => sealed(bytes.with(4, 2)), /format 2, of a Bitcoin Core before 0.21/],
    ['a later format', (bytes) => sealed(bytes.with(5, 32 + 5)), /for programs that know format 5/],
    ['a format without a mark', (bytes) => sealed(bytes.with(5, 4)), /does not declare which programs/],
    ['no key', (bytes) => sealed(bytes.map((byte, i) => (i >= 6 && i < 38 ? 0 : byte))), /no key/],
    ['too many entries', (bytes) => sealed(bytes.with(41, 1)), /cannot be read at byte 42/],
    ['a negative count', (bytes) => sealed(bytes.with(41, 0xff)), /cannot be read at byte 42/],
    ['more buckets than there are', (bytes) => sealed(bytes.with(51, 5)), /cannot be read at byte 54/],
    ['more in a bucket than it holds', (bytes) => sealed(bytes.with(54, 65)), /cannot be read at byte 58/],
    ['fewer entries than it says', (bytes) => sealed(bytes.with(38, 9)), /cannot be read/],
  ])('%s is refused, with the reason', (_, damage, why) => {
    const read = decodePeers(damage(encodePeers(bookOf('empty').save(), magic)), magic);
    expect(read.ok ? '' : read.why).toMatch(why);
  });

  test('a later format that is marked as readable since format 4 is read', () => {
    expect(decodePeers(sealed(encodePeers(filled(9).save(), magic).with(4, 7)), magic).ok).toBe(true);
  });

  test('any bytes, also with a valid checksum, give a consistent book or a reason', () => {
    const bytes = encodePeers(filled(20).save(), magic);
    const change = fc.tuple(fc.nat(bytes.length - 33), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (changes, isSealed) => {
        const copy = bytes.slice();
        for (const [i, byte] of changes) copy[i] = byte;
        const read = decodePeers(isSealed ? sealed(copy) : copy, magic);
        expect(read.ok ? faultsOf(restored(read.value)) : []).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('restoring', () => {
  test('under another asmap new addresses get the slot of their first source, and one only', () => {
    const asmap = new Uint8Array(readFileSync('test/data/addresses/asmap.raw'));
    const book = filled();
    const back = restored(book.save(), createNetgroups(asmap));
    expect(faultsOf(back)).toEqual([]);
    expect(back.size('new')).toBeGreaterThan(book.size('new') * 0.9);
    const references = [...back.positions('new')].map(({ entry }) => back.references(entry));
    expect(new Set(references)).toEqual(new Set([1]));
  });

  test('an address that a file has in every bucket gets 8 slots', () => {
    const book = filled(1);
    const saved = { ...book.save(), newEntries: [book.save().triedEntries[0]!], triedEntries: [] };
    const back = restored({ ...saved, newBuckets: saved.newBuckets.map(() => [0]) });
    expect(back.references(saved.newEntries[0]!)).toBe(8);
    expect(faultsOf(back)).toEqual([]);
  });

  test('a book with extreme values from a file can be used and saved again', () => {
    const saved = filled(30).save();
    const spoilt = (lastSuccess: number, attempts: number) => ({
      ...saved,
      newEntries: saved.newEntries.map((entry) => ({ ...entry, lastSuccess, attempts, time: 2 ** 32 - 1 })),
    });
    for (const [lastSuccess, attempts] of [
      [-(2 ** 63), -(2 ** 31)],
      [2 ** 62, 2 ** 31 - 1],
    ] as const) {
      const book = restored(decoded(encodePeers(spoilt(lastSuccess, attempts), magic)));
      for (const entry of saved.newEntries) book.attempt(entry, true);
      expect(book.select()).toBeDefined();
      expect(restored(decoded(encodePeers(book.save(), magic))).size()).toBe(book.size());
    }
  });

  test('invalid entries are left out', () => {
    const book = filled(30);
    const saved = book.save();
    const [first] = saved.newEntries;
    const [tried] = saved.triedEntries;
    const local = { ...first!, networkID: 1, addr: Uint8Array.of(127, 0, 0, 1) };
    const unworked = { ...tried!, port: 1, lastSuccess: 0 };
    const back = restored({
      ...saved,
      newEntries: [...saved.newEntries, local, first!],
      triedEntries: [...saved.triedEntries, tried!, unworked],
      newBuckets: saved.newBuckets.map((bucket) =>
        bucket.length > 0
          ? [...bucket, saved.newEntries.length, saved.newEntries.length + 1, -1, 99_999]
          : bucket,
      ),
    });
    expect(rawAddrman(back)).toEqual(rawAddrman(book));
    expect(faultsOf(back)).toEqual([]);
  });
});

describe('the files', () => {
  test('are written atomically and read back', async () => {
    const book = filled();
    await writePeersFile(file(), book.save(), magic);
    const { value, notice } = await loadPeers(folder, magic);
    expect(notice).toBeUndefined();
    expect(rawAddrman(restored(value!))).toEqual(rawAddrman(book));
    expect(readdirSync(folder)).toEqual(['peers.dat']);
  });

  test('a missing file is not an error; the directory is created by the first write', async () => {
    expect(await loadPeers(join(folder, 'a', 'b'), magic)).toEqual({ value: undefined });
    expect(await readPeersFile(file(), magic)).toBeUndefined();
    await writePeersFile(join(folder, 'a', 'b', 'peers.dat'), bookOf('').save(), magic);
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['peers.dat']);
  });

  test('each damaged file is kept under a new name', async () => {
    for (const content of ['first', 'second']) {
      writeFileSync(file(), content);
      const { value, notice } = await loadPeers(folder, magic);
      expect(value).toBeUndefined();
      expect(notice).toMatch(/peers\.dat is too short; it is kept as .*peers\.dat\.damaged(\.1)?\.$/);
    }
    expect(readdirSync(folder)).toEqual(['peers.dat.damaged', 'peers.dat.damaged.1']);
    expect(readFileSync(file('peers.dat.damaged'), 'utf8')).toBe('first');
    expect(readFileSync(file('peers.dat.damaged.1'), 'utf8')).toBe('second');
  });

  test('an explicitly named file is not moved', async () => {
    writeFileSync(file(), 'damaged');
    expect(await readPeersFile(file(), magic)).toEqual({ ok: false, why: 'is too short' });
    expect(readdirSync(folder)).toEqual(['peers.dat']);
    expect(await setAside(file('nothing'), 'replaced')).toBeUndefined();
  });

  (process.platform === 'win32' ? test.skip : test)('a pipe or a device is not replaced', async () => {
    execFileSync('mkfifo', [file()]);
    await expect(writePeersFile(file(), bookOf('').save(), magic)).rejects.toMatchObject({
      code: 'ERR_LOCAL_LIMIT',
      facts: { path: file(), why: 'ENXIO' },
    });
    expect(statSync(file()).isFIFO()).toBe(true);
  });

  test('an error of the operating system is a local error', async () => {
    mkdirSync(file());
    await expect(loadPeers(folder, magic)).rejects.toMatchObject({ code: 'ERR_LOCAL_LIMIT' });
    await expect(writePeersFile(file(), bookOf('').save(), magic)).rejects.toMatchObject({
      code: 'ERR_LOCAL_LIMIT',
    });
    expect(readdirSync(folder)).toEqual(['peers.dat']);
  });
});

describe('anchors.dat', () => {
  const anchors = services(5, 'anchors').map((service) => recordAt(service, START));

  test('two are written and read, and reading deletes the file', async () => {
    await writeAnchors(folder, anchors, magic);
    expect(await takeAnchors(folder, magic)).toEqual({ value: anchors.slice(0, 2) });
    expect(readdirSync(folder)).toEqual([]);
    expect(await takeAnchors(folder, magic)).toEqual({ value: undefined });
  });

  test('only the first two of a longer file are used', () => {
    const bytes = encodeAnchors(anchors.slice(0, 1), magic);
    const entry = bytes.subarray(5, -32);
    const three = sealed(Uint8Array.from([...magic, 3, ...entry, ...entry, ...entry, ...new Uint8Array(32)]));
    expect(decodeAnchors(three, magic)).toEqual({ ok: true, value: [anchors[0], anchors[0]] });
  });

  test('a file with more than 1,000 is refused', () => {
    const file = new Uint8Array(Buffer.concat([magic, Uint8Array.of(0xfd, 0xe9, 0x03), new Uint8Array(32)]));
    expect(decodeAnchors(sealed(file), magic)).toMatchObject({ ok: false, why: /at byte 4/ });
  });

  test('a damaged file is kept under another name', async () => {
    writeFileSync(file('anchors.dat'), new Uint8Array(60));
    const { value, notice } = await takeAnchors(folder, magic);
    expect(value).toBeUndefined();
    expect(notice).toMatch(
      /begins with the magic of another chain; it is kept as .*anchors\.dat\.damaged\.$/,
    );
    expect(readdirSync(folder)).toEqual(['anchors.dat.damaged']);
  });

  test('an address in another encoding than BIP155 is refused', () => {
    const bytes = encodeAnchors(anchors.slice(0, 1), magic);
    expect(decodeAnchors(sealed(bytes.with(8, 0)), magic)).toMatchObject({ ok: false });
  });
});
