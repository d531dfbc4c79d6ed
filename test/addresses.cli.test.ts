/** `verack addresses` as a user runs it, in this process. */
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RawAddrman } from '../src/addresses/index.js';
import { listedAddresses } from '../src/cli/address-list.js';
import { chainDirectory } from '../src/cli/data-directory.js';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { run } from '../src/cli/program.js';
import { NETWORKS, signetNetwork } from '../src/networks.js';
import { hash256 } from '../src/wire/index.js';

const folder = mkdtempSync(join(tmpdir(), 'verack-addresses-cli-'));
const at = (name: string): string => join(folder, name);
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  writeFileSync(
    at('list'),
    '# two places that bitcoind has shown\n1.2.3.4 8333\n\n1.2.3.5 8333 tried\r\n10.0.0.1 8333 new\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function addresses(...args: string[]): Promise<Ran> {
  const [stdout, stderr] = [{ text: '' }, { text: '' }].map((sheet) => ({
    sheet,
    write: (text: string) => (sheet.text += text),
  }));
  const around = { stdout: stdout!, stderr: stderr!, env: {}, interrupted: new AbortController().signal };
  const code = await run(['addresses', '--regtest', ...args], CLI_COMMANDS, around);
  return { code, stdout: stdout!.sheet.text, stderr: stderr!.sheet.text };
}

const keeping = (...args: string[]): Promise<Ran> => addresses('--datadir', at('data'), ...args);
const raw = ({ stdout }: Ran): RawAddrman => JSON.parse(stdout) as RawAddrman;

describe('a list', () => {
  test('puts addresses into the slots that bitcoind -test=addrman gives them, and writes no file', async () => {
    const ran = await addresses('--deterministic', '--add', at('list'), '--json');
    expect(ran.code).toBe(0);
    const { new: fresh, tried } = raw(ran);
    expect(fresh).toMatchObject({
      '774/4': { address: '1.2.3.4', port: 8333, services: 9, source: '1.2.3.4' },
    });
    expect(tried).toMatchObject({ '36/43': { address: '1.2.3.5', network: 'ipv4', source_network: 'ipv4' } });
    expect(ran.stderr).toContain('1 of 3 addresses were not added');
    expect(readdirSync(folder)).toEqual(['list']);
  });

  test('is saved, listed and extended', async () => {
    // Of different netgroups, so that no two want the same slot, whatever the key.
    writeFileSync(at('list'), '1.2.3.4 8333\n5.6.7.8 8333 tried\n10.0.0.1 8333 new\n');
    await keeping('--add', at('list'));
    writeFileSync(at('more'), 'fc12::1 1 tried\n');
    const { stdout, stderr } = await keeping('--add', at('more'));
    expect(stdout.split('\n')[0]).toMatch(/^table +slot +address +port +network +serv +seen +source$/);
    expect(stdout).toMatch(/^tried +\d+\/\d+ +fc12::1 +1 +cjdns +nw /m);
    expect(stderr).toBe('3 addresses: 1 new, 2 tried\n');
    expect((await keeping()).stdout).toBe(stdout);
  });

  test.each([
    ['1.2.3.4', 'expected HOST PORT'],
    ['1.2.3.4 8333 old', 'expected HOST PORT'],
    ['node.example.org 8333', 'is not an address (syntax)'],
    ['1.2.3.4 65536', 'a port is at most 65535'],
  ])('with the line "%s" is refused as a whole', async (line, why) => {
    writeFileSync(at('list'), `1.2.3.4 8333\n${line}\n`);
    const { code, stderr } = await keeping('--add', at('list'));
    expect(code).toBe(2);
    expect(stderr).toContain(`list, line 2: `);
    expect(stderr).toContain(why);
    expect(existsSync(at('data'))).toBe(false);
  });

  test('a long line is cut in the error', async () => {
    const list = listedAddresses(`${'a'.repeat(1_000_000)} 1`, 'x', new AbortController().signal);
    await expect(list).rejects.toThrow(/^x, line 1: "a{80}" is not an address/);
  });

  test('an empty list is accepted', async () => {
    expect(await listedAddresses('', 'x', new AbortController().signal)).toEqual([]);
  });
});

describe('files', () => {
  test('an exported book can be imported with its key; the old book is kept', async () => {
    const first = raw(await keeping('--add', at('list'), '--export', at('out.dat'), '--json'));
    rmSync(at('data'), { recursive: true });
    await keeping('--add', at('list'));
    const before = readFileSync(at('data/regtest/peers.dat'));
    const imported = await keeping('--import', at('out.dat'), '--json');
    expect(raw(imported)).toEqual(first);
    expect(raw(await keeping('--json'))).toEqual(first);
    expect(readFileSync(at('data/regtest/peers.dat.replaced'))).toEqual(before);
    expect(imported.stderr).toContain('peers.dat.replaced.');
  });

  test('an export through a link replaces the file, not the link, and no export replaces /dev/stdout', async () => {
    writeFileSync(at('target'), '');
    symlinkSync(at('target'), at('link'));
    symlinkSync(at('pipe:[1]'), at('stdout'));
    await keeping('--add', at('list'), '--export', at('link'));
    expect(readFileSync(at('target'))).toEqual(readFileSync(at('data/regtest/peers.dat')));
    expect((await keeping('--export', at('stdout'))).code).toBe(2);
    expect(['link', 'stdout'].map((name) => lstatSync(at(name)).isSymbolicLink())).toEqual([true, true]);
  });

  test('a damaged book is replaced; a damaged import is an error, and its file is left unchanged', async () => {
    mkdirSync(at('data/regtest'), { recursive: true });
    writeFileSync(at('data/regtest/peers.dat'), 'damaged');
    const { code, stderr } = await keeping();
    expect(code).toBe(0);
    expect(stderr).toContain('peers.dat is too short; it is kept as');
    const ran = await keeping('--import', at('list'));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/list begins with the magic of another chain|list has a wrong checksum/);
    expect(readdirSync(folder).sort()).toEqual(['data', 'list']);
  });

  test.each([
    ['--import', 'is not there'],
    ['--add', 'cannot be read: there is no such file'],
    ['--asmap', 'cannot be read: there is no such file'],
  ])('%s of a file that is missing', async (option, why) => {
    const { code, stderr } = await keeping(option, at('missing'));
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });

  test('an unusable directory is named in the error', async () => {
    const { code, stderr } = await addresses('--datadir', at('list'), '--add', at('list'));
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('peers.dat" cannot be used: there is no such directory (ENOTDIR)'),
    ]);
  });

  test('an asmap names the autonomous system', async () => {
    writeFileSync(at('mapped'), '101.2.3.4 8333\n');
    const asmap = 'test/data/addresses/asmap.raw';
    const ran = await addresses('--deterministic', '--asmap', asmap, '--add', at('mapped'), '--json');
    expect(Object.values(raw(ran).new)).toMatchObject([{ mapped_as: 2, source_mapped_as: 2 }]);
    const bad = await addresses('--asmap', at('list'));
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('is not an asmap')]);
  });
});

describe('the directory of the book', () => {
  const { main, signet } = NETWORKS;

  test.each([
    [{ XDG_DATA_HOME: '/x' }, '/x/verack/main'],
    [{ XDG_DATA_HOME: 'relative' }, expect.stringMatching(/^\/.*\/\.local\/share\/verack\/main$/)],
    [{}, expect.stringMatching(/\/\.local\/share\/verack\/main$/)],
  ])('%j', (env, expected) => {
    expect(chainDirectory(undefined, main, env)).toEqual(expected);
  });

  test('each chain has a directory, a custom signet too; with none nothing is saved', () => {
    expect(chainDirectory('/d', signet)).toBe('/d/signet');
    expect(chainDirectory('/d', signetNetwork('51', hash256))).toMatch(/^\/d\/signet-[0-9a-f]{8}$/);
    expect(chainDirectory('none', main)).toBeUndefined();
  });
});
