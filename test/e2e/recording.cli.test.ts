/** `--record` and `verack replay`, as a user runs them; and the file between them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Reason } from '../../src/index.js';
import { RecordingFile } from '../../src/recording/recording-file.js';
import { build, endAll, Program } from '../support/cli-process.js';

const folder = mkdtempSync(join(tmpdir(), 'recording-'));
const at = (name: string): string => join(folder, name);

beforeAll(build, 120_000);
afterEach(endAll);
afterAll(() => rmSync(folder, { recursive: true }));

/** Two programs shake hands, and each records it. */
async function meet(transport: string): Promise<string[]> {
  const files = [at(`listen${transport}.ndjson`), at(`connect${transport}.ndjson`)];
  const listening = new Program(['listen', '--regtest', '--port', '0', '--record', files[0]!, transport]);
  const [, addr = ''] = await listening.until('stdout', /listening on (\S+)/);
  const dialling = new Program(['connect', '--regtest', '--once', '--record', files[1]!, transport, addr]);
  expect(await dialling.exit).toBe(0);
  await listening.until('stderr', /^closed /m);
  listening.kill('SIGTERM');
  expect(await listening.exit).toBe(0);
  expect(dialling.stderr).toContain(`replay it with: verack replay ${files[1]!}`);
  return files;
}

describe.each(['--no-v2transport', '--v2transport'])('a handshake of two programs with %s', (transport) => {
  let files: string[] = [];
  beforeAll(async () => {
    files = await meet(transport);
  });

  test.each([0, 1])('is replayed without a difference on side %i', async (side) => {
    const program = new Program(['replay', files[side]!]);
    expect([await program.exit, program.stderr]).toEqual([0, '']);
    expect(program.stdout).toMatch(/1 session, \d+ events, the same effects byte for byte\n$/);
    expect(program.stdout).toContain('versionReceived → established');
    expect(program.stdout).toMatch(/◄── version 70017 "\/verack:/);
    expect(program.stdout).toMatch(/verack +──►/);
    expect(program.stdout.includes('v2, session ')).toBe(transport === '--v2transport');
  });

  test('is reported as NDJSON, field by field', async () => {
    const program = new Program(['replay', '--json', files[1]!]);
    expect(await program.exit).toBe(0);
    const [session, verdict] = program.events;
    expect(verdict).toMatchObject({
      event: 'verdict',
      same: true,
      sessions: 1,
      differing: 0,
      ending: 'stopped',
    });
    const { entries } = session as { entries: { command?: string; fields?: object[] }[] };
    const version = entries.find(({ command }) => command === 'version');
    expect(version?.fields).toContainEqual(expect.objectContaining({ name: 'user_agent' }));
  });

  test('with a changed byte is reported with its line, and the exit code is 3', async () => {
    const lines = readFileSync(files[1]!, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes('"out":"write"'));
    lines[line] = lines[line]!.replace(
      /"bytes":"../,
      (start) => `${start.slice(0, -2)}${start.endsWith('00') ? '01' : '00'}`,
    );
    writeFileSync(at('changed.ndjson'), lines.join('\n'));
    const program = new Program(['replay', at('changed.ndjson')]);
    expect(await program.exit).toBe(3);
    expect(program.stderr).toContain(`changed.ndjson:${line + 1} write.bytes[0]: recorded 0`);
    expect(program.stdout).toContain('1 difference\n');
  });

  test('without its end is replayed as far as it goes', async () => {
    const text = readFileSync(files[1]!);
    writeFileSync(at('cut.ndjson'), text.subarray(0, text.length / 2));
    const program = new Program(['replay', at('cut.ndjson'), '--only', '1']);
    expect([await program.exit, program.stderr]).toEqual([0, '']);
    expect(program.stdout).toMatch(/the same effects byte for byte; the recording is incomplete/);
  });
});

test('a killed node leaves complete steps in the file', async () => {
  const program = new Program(['listen', '--regtest', '--port', '0', '--record', at('killed.ndjson')]);
  await program.until('stdout', /listening on/);
  program.kill('SIGKILL');
  await program.exit;
  const replay = new Program(['replay', at('killed.ndjson')]);
  expect([await replay.exit, replay.stderr]).toEqual([0, '']);
  expect(replay.stdout).toMatch(
    /^0 sessions, 4 events, the same effects byte for byte; the recording is incomplete/,
  );
});

test('the demo is recorded and played', async () => {
  const demo = new Program(['demo', '--peertimeout', '9', '--record', at('demo.ndjson')]);
  expect(await demo.exit).toBe(0);
  const program = new Program(['replay', at('demo.ndjson'), '--only', '1', '-v']);
  expect([await program.exit, program.stderr]).toEqual([0, '']);
  expect(program.stdout).toMatch(/2\d sessions, \d{3,} events, the same effects byte for byte\n$/);
  expect(program.stdout.match(/peer=/g)).toHaveLength(1);
});

test('several probes go into one recording', async () => {
  const hosts = ['127.0.0.1:1', '127.0.0.2:1'];
  const probe = new Program(['probe', '--regtest', '--record', at('probe.ndjson'), ...hosts]);
  expect(await probe.exit).toBe(3);
  const program = new Program(['replay', '--json', at('probe.ndjson')]);
  expect(await program.exit).toBe(0);
  expect(program.events.at(-1)).toMatchObject({ same: true, nodes: 2, sessions: 2, ending: 'stopped' });
});

describe('recordings that cannot be', () => {
  const CONNECT = ['connect', '--regtest', '--once', '127.0.0.1:1', '--record'];

  test.each([
    [at('no/such/file'), /cannot write .* there is no such file or directory \(ENOENT\)/],
    [folder, /cannot write .* it is a directory \(EISDIR\)/],
  ])('recorded in %s is said before anything is dialled', async (file, why) => {
    const program = new Program([...CONNECT, file]);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toMatch(why);
  });

  test('begun, because the port of the page is in use, leave the earlier recording unchanged', async () => {
    writeFileSync(at('before'), 'of before');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const program = new Program([...CONNECT, at('before'), '--inspect', String(port)]);
    expect(await program.exit).toBe(2);
    expect(readFileSync(at('before'), 'utf8')).toBe('of before');
    server.close();
  });

  test('recorded because the disk is full are reported, and the node continues', async () => {
    const program = new Program([...CONNECT, '/dev/full']);
    expect(await program.exit).toBe(4);
    expect(program.stderr).toMatch(/the recording \/dev\/full is incomplete: the disk is full \(ENOSPC\)/);
    expect(program.stderr).toContain('ERR_DIAL_REFUSED');
  });

  test.each([
    ['nothing', at('nothing'), /cannot be read \(ENOENT\)/],
    ['no recording', 'package.json', /cannot be replayed: line 1: not a recording of verack/],
  ])('played, since there is %s, is a mistake of the caller', async (_, file, why) => {
    const program = new Program(['replay', file]);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toMatch(why);
  });
});

describe('the file', () => {
  test('ends at its limit, which is reported once, and is complete', () => {
    const reasons: Reason[] = [];
    const file = new RecordingFile(at('limit'), { limit: 400, broken: (reason) => reasons.push(reason) });
    for (let n = 0; n < 100; n++) file.take([`{"n":${n}}`, '{}']);
    expect(reasons).toEqual([{ code: 'ERR_LOCAL_LIMIT', facts: { limit: 400 } }]);
    expect(file.isOpen).toBe(false);
    const text = readFileSync(at('limit'), 'utf8');
    expect(text.length).toBeLessThanOrEqual(400);
    expect(text.length).toBeGreaterThan(300);
    expect(text).toMatch(/\{\}\n\{"in":"end","why":"limit"\}\n$/);
  });

  test('is readable by its owner only', () => {
    const file = new RecordingFile(at('owner'), { limit: 1e6, broken: () => undefined });
    file.close();
    file.close();
    expect(statSync(at('owner')).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('owner'), 'utf8').split('\n')).toHaveLength(3);
  });

  test('is never an existing one, nor the target of a link, unless --force is given', async () => {
    writeFileSync(at('kept'), 'content', { mode: 0o644 });
    symlinkSync(at('kept'), at('link'));
    const record = (...args: string[]): Program =>
      new Program(['probe', '--regtest', '127.0.0.1:1', '--record', ...args]);
    for (const name of ['kept', 'link']) {
      const refused = record(at(name));
      expect(await refused.exit).toBe(2);
      expect(refused.stderr).toMatch(/cannot write .* the file exists \(EEXIST\); .*--force to overwrite it/);
    }
    expect(await record(at('link'), '--force').exit).toBe(4);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(false);
    expect(readFileSync(at('kept'), 'utf8')).toBe('content');
    expect(statSync(at('kept')).mode & 0o777).toBe(0o644);
    expect(await record(at('kept'), '--force').exit).toBe(4);
    expect(readFileSync(at('kept'), 'utf8')).toMatch(/^\{"format"/);
    expect(statSync(at('kept')).mode & 0o777).toBe(0o600);
  });

  test('is created by one of two recorders only', () => {
    const make = (): RecordingFile => new RecordingFile(at('both'), { limit: 1e6, broken: () => undefined });
    const first = make();
    expect(make).toThrow(expect.objectContaining({ facts: { syscode: 'EEXIST', path: at('both') } }));
    first.close();
  });
});

describe('a pipe', () => {
  beforeAll(async () => {
    execFileSync('mkfifo', [at('fifo')]);
    const program = new Program(['probe', '--regtest', '--record', at('pipe.ndjson'), '127.0.0.1:1']);
    expect(await program.exit).toBe(4);
  });

  test('without a writer is cancelled by a signal', async () => {
    const program = new Program(['replay', at('fifo')]);
    await program.hasOpened(at('fifo'));
    program.kill('SIGTERM');
    expect(await program.exit).toBe(130);
  });

  test('with a writer is played', async () => {
    const program = new Program(
      ['replay <(cat "$0")', at('pipe.ndjson')].map((word) =>
        word.replace('replay', 'node dist/src/cli/main.js replay'),
      ),
      {},
      ['bash', '-c'],
    );
    expect(await program.exit).toBe(0);
    expect(program.stdout).toContain('the same effects byte for byte');
  });

  test('is refused where a report is expected', async () => {
    const program = new Program(['conform', '--compare', at('fifo'), '--html', at('x.html')]);
    expect([await program.exit, program.stderr]).toEqual([
      2,
      expect.stringContaining('is a pipe, not a file'),
    ]);
  });
});
