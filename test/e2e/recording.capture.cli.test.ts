/** `verack replay` of Bitcoin Core's captures, as a user runs it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FeedReader } from '../support/page-feed-client.js';
import { build, endAll, Program } from '../support/cli-process.js';

const SAMPLE = 'test/data/message_capture';
const [OUTBOUND, INBOUND] = ['127.0.0.1_37343', '127.0.0.1_50280'];
const SAME = /1 session, 16 messages, verack sends the same kinds of messages as Core/g;

const folder = mkdtempSync(join(tmpdir(), 'capture-'));
const copy = join(folder, 'message_capture');
const fileOf = (direction: 'recv' | 'sent'): string => join(copy, INBOUND, `msgs_${direction}.dat`);

beforeAll(build, 120_000);
beforeEach(() => cpSync(SAMPLE, copy, { recursive: true }));
afterEach(() => {
  endAll();
  rmSync(copy, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function replay(...args: string[]): Promise<[number | string | null, Program]> {
  const program = new Program(['replay', ...args]);
  return [await program.exit, program];
}

test('a directory of captures is shown peer by peer, and compared', async () => {
  const [exit, { stdout, stderr }] = await replay(SAMPLE);
  expect([exit, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Core → 127\.0\.0\.1_37343 session=1 outbound 2\d{3}-/);
  expect(stdout).toContain(`→ Core ${INBOUND} session=1 inbound `);
  expect(stdout).toMatch(/◄── version 70017 "\/verack:0\.1\.0\/"/);
  expect(stdout).toMatch(/version 70016 "\/Satoshi:29\.4\.3\/Knots:\d+\/" ──►/);
  expect(stdout).toContain('· verack: versionReceived → established ·');
  expect(stdout.match(SAME)).toHaveLength(2);
  expect(stdout).toMatch(
    /\ncompared by kind of message, not by bytes, .*: version, wtxidrelay, .*, ping, pong\n/,
  );
  expect(stdout).toMatch(/\nnot compared, since .*: getaddr, sendcmpct, feefilter\n$/);
});

test.each([
  ['one of its files', [join(SAMPLE, INBOUND, 'msgs_recv.dat')]],
  ['both of its files', [join(SAMPLE, INBOUND, 'msgs_recv.dat'), join(SAMPLE, INBOUND, 'msgs_sent.dat')]],
  ['its folder', [join(SAMPLE, INBOUND)]],
  ['--only and its folder', [SAMPLE, '--only', INBOUND]],
  ['--only and its address', [SAMPLE, '--only', '127.0.0.1:50280', '--no-compiled']],
])('a peer is asked for by %s', async (_, args) => {
  const [exit, { stdout, stderr }] = await replay(...args);
  expect([exit, stderr]).toEqual([0, '']);
  expect(stdout.match(SAME)).toHaveLength(1);
  expect(stdout).not.toContain(OUTBOUND);
});

test('-v shows the fields, --json each message and a verdict', async () => {
  const [, shown] = await replay('-v', join(SAMPLE, INBOUND));
  expect(shown.stdout).toMatch(/\n +user_agent "\/Satoshi:29/);
  const [exit, { events }] = await replay('--json', join(SAMPLE, INBOUND));
  expect(exit).toBe(0);
  expect(events).toHaveLength(17);
  const [first, verdict] = [events[0], events.at(-1)];
  expect(first).toMatchObject({
    event: 'message',
    peer: INBOUND,
    session: 1,
    direction: 'received',
    command: 'version',
    offset: 0,
    size: 100,
    fields: expect.arrayContaining([expect.objectContaining({ name: 'nonce' })]),
  });
  expect(verdict).toMatchObject({
    event: 'verdict',
    same: true,
    sessions: 1,
    messages: 16,
    left_out: ['sendcmpct', 'feefilter'],
  });
});

test('--inspect shows the machines of our node', async () => {
  const program = new Program(['replay', '--inspect', '0', join(SAMPLE, INBOUND)]);
  const [, url = ''] = await program.until('stdout', /(http:\S+)/);
  await program.until('stderr', /the page stays open until Ctrl-C/);
  const reader = await FeedReader.open({ url });
  await reader.until(({ rows }) => [...rows.values()].some(({ addr }) => addr === '127.0.0.1:50280'));
  program.kill('SIGINT');
  expect(await program.exit).toBe(0);
});

describe('a capture', () => {
  test('in which Core sent other messages is reported with both, and is not a failure', async () => {
    const bytes = readFileSync(fileOf('sent'));
    bytes.write('wtxidrelax', bytes.indexOf('wtxidrelay'));
    writeFileSync(fileOf('sent'), bytes);
    const [exit, { stdout }] = await replay(join(copy, INBOUND));
    expect(exit).toBe(0);
    expect(stdout).toContain(
      'session 1, after their version (byte 0 of msgs_recv.dat): Core sent version, sendaddrv2, verack; ' +
        'verack sends version, wtxidrelay, sendaddrv2, verack\n',
    );
    expect(stdout).toContain('1 session, 16 messages, 1 difference in kind\n');
    expect(stdout).toMatch(/· captured: version, sendaddrv2, verack; verack sends/);
  });

  test('that was truncated is read up to its end', async () => {
    const bytes = readFileSync(fileOf('recv'));
    writeFileSync(fileOf('recv'), bytes.subarray(0, -3));
    const [exit, { stdout, stderr }] = await replay(join(copy, INBOUND));
    expect(exit).toBe(0);
    expect(stderr).toMatch(
      /msgs_recv\.dat ends inside the message at byte 285: its payload ends after 5 of 8 bytes; nothing after it is compared\n$/,
    );
    expect(stdout).toContain('1 session, 15 messages, verack sends the same kinds');
  });

  test('that is damaged is reported with the byte, and the exit code is 3', async () => {
    const bytes = readFileSync(fileOf('recv'));
    bytes.writeUInt32LE(0xffffffff, 124 + 20);
    writeFileSync(fileOf('recv'), bytes);
    const [exit, { stderr }] = await replay(copy);
    expect(exit).toBe(3);
    expect(stderr).toMatch(
      /msgs_recv\.dat is damaged in the message at byte 124: its header claims 4294967295 bytes, and no message has more than 4000000/,
    );
  });

  test('of one direction is shown, and not compared', async () => {
    rmSync(fileOf('sent'));
    const [exit, { stdout }] = await replay(join(copy, INBOUND));
    expect(exit).toBe(0);
    expect(stdout).toContain('1 session, 8 messages, not compared: the file of one direction is missing');
    expect(stdout).not.toContain('ours:');
  });

  test.each([
    [
      'a folder without one',
      ['test/data'],
      /"test\/data" contains no captures; give the directory message_capture/,
    ],
    ['another peer', [SAMPLE, '--only', '7'], /contains no such peer; --only takes .*127\.0\.0\.1_37343/],
    ['a file that is not there', ['no/msgs_recv.dat'], /"no" cannot be read \(ENOENT\)/],
  ])('is missing: %s', async (_, args, why) => {
    const [exit, { stderr }] = await replay(...args);
    expect(exit).toBe(2);
    expect(stderr).toMatch(why);
  });
});

test('an escape sequence in the name of a folder reaches neither stdout nor stderr', async () => {
  const evil = join(copy, 'evil\u001b[31m\u009b2J');
  cpSync(join(SAMPLE, INBOUND), evil, { recursive: true });
  const bytes = readFileSync(join(evil, 'msgs_recv.dat'));
  writeFileSync(join(evil, 'msgs_recv.dat'), bytes.subarray(0, -3));
  for (const path of [copy, evil, join(evil, 'none')]) {
    const [, { stdout, stderr }] = await replay(path, '--color', 'never');
    expect(stdout + stderr).toContain('evil?[31m?');
    for (const sign of ['\u001b', '\u009b']) expect(stdout + stderr).not.toContain(sign);
  }
});
