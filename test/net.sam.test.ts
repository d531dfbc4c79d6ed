/** I2P through a scripted SAM bridge: sessions, streams both ways, and a reason for every result. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Endpoint, Link, Listener } from '../src/net/link.js';
import {
  decodeI2pBase64,
  encodeI2pBase64,
  i2pAddressOf,
  keyFile,
  type KeyStore,
} from '../src/net/i2p-key.js';
import { SamNet } from '../src/net/sam.js';
import { parseReply, SAM_RESULTS } from '../src/net/sam-protocol.js';
import { SAM_REPLY_MS } from '../src/net/sam-session.js';
import { tcpNet } from '../src/net/tcp.js';
import type { Timers } from '../src/net/timers.js';
import { type Facts, VerackError } from '../src/reasons.js';
import { dialled, received } from './support/dialled.js';
import { newKey, samServer, type SamScript, type SamServer, type Task } from './support/sam-server.js';

const net = tcpNet();
const cleanups: (() => unknown)[] = [];
const ABSENT: Endpoint = { host: `${'a'.repeat(52)}.b32.i2p`, port: 0 };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function router(script: SamScript = {}): Promise<SamServer> {
  const server = await samServer(script);
  cleanups.push(() => server.close());
  return server;
}

const stored = (key: Uint8Array | undefined = newKey()): KeyStore => ({
  read: () => Promise.resolve(key),
  write: (made) => Promise.resolve(void (key = made)),
});

function samNet(server: SamServer, keys?: KeyStore, timers?: Timers): SamNet {
  const made = new SamNet({ net, proxy: server.at, ...(keys && { keys }), ...(timers && { timers }) });
  cleanups.push(() => made.close());
  return made;
}

const keep = (link: Link): Link => (cleanups.push(() => link.destroy()), link);

async function open(from: SamNet, to: Endpoint): Promise<Link> {
  const outcome = await dialled(from, to);
  if ('code' in outcome) throw new VerackError(outcome.code, outcome.facts);
  return keep(outcome.link);
}

interface Inbound {
  readonly listener: Listener;
  /** The next accepted link. */
  readonly next: () => Promise<Link>;
  readonly failures: Facts[];
}

async function listen(from: SamNet): Promise<Inbound> {
  const waiting: ((link: Link) => void)[] = [];
  const links: Link[] = [];
  const failures: Facts[] = [];
  const accepted = (link: Link): void => {
    keep(link);
    const taker = waiting.shift();
    if (taker) taker(link);
    else links.push(link);
  };
  const listener = await from.listen({ host: 'b32.i2p', port: 0 }, accepted, (facts) => failures.push(facts));
  cleanups.push(() => listener.close());
  return {
    listener,
    failures,
    next: () => {
      const link = links.shift();
      return link ? Promise.resolve(link) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Only ends what hangs. */
const WAIT_MS = 20_000;

/** Until a claim holds; rejects when it does not within {@link WAIT_MS}. */
async function until(claim: () => boolean): Promise<void> {
  const limit = Date.now() + WAIT_MS;
  while (!claim()) {
    if (Date.now() > limit) throw new Error(`waited in vain for ${String(claim)}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const tasks = (server: SamServer): string[] => server.requests.map((line) => line.split(' ', 2).join(' '));

describe('streams', () => {
  test('go both ways, and each end knows the address of the other', async () => {
    const server = await router();
    const key = newKey();
    const { listener, next } = await listen(samNet(server, stored(key)));
    expect(listener.local).toEqual({ host: i2pAddressOf(key), port: 0 });
    const near = await open(samNet(server), listener.local);
    const far = await next();
    expect(near.remote).toEqual(listener.local);
    expect(far.local).toEqual(listener.local);
    expect(far.remote).toEqual(near.local);
    near.write([Buffer.from('version')]);
    far.write([Buffer.from('verack')]);
    expect([await received(far, 7), await received(near, 6)]).toEqual(['version', 'verack']);
  });

  test('the requests are those of Core', async () => {
    const server = await router();
    const { listener, next } = await listen(samNet(server, stored()));
    await open(samNet(server), listener.local);
    await next();
    const shape = server.requests.map((line) =>
      line.replace(/ID=[0-9a-f]{10} /, 'ID=X ').replace(/[\w~-]{100,}=*/, 'D'),
    );
    expect([...new Set(shape)]).toEqual([
      'HELLO VERSION MIN=3.1 MAX=3.1',
      'SESSION CREATE STYLE=STREAM ID=X DESTINATION=KEY i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3',
      'STREAM ACCEPT ID=X SILENT=false',
      'SESSION CREATE STYLE=STREAM ID=X DESTINATION=TRANSIENT SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4,0 inbound.quantity=1 outbound.quantity=1',
      `NAMING LOOKUP NAME=${listener.local.host}`,
      'STREAM CONNECT ID=X DESTINATION=D SILENT=false',
    ]);
  });

  test('several are accepted one after the other, on one session', async () => {
    const server = await router();
    const { listener, next } = await listen(samNet(server, stored()));
    const dialling = samNet(server);
    for (let n = 0; n < 3; n += 1) {
      await until(() => tasks(server).filter((task) => task === 'STREAM ACCEPT').length > n);
      await open(dialling, listener.local);
      expect((await next()).local).toEqual(listener.local);
    }
    expect(server.sessions()).toHaveLength(4);
  });
});

describe('sessions', () => {
  test('a persistent one is shared by all streams and ends after the last', async () => {
    const server = await router();
    const other = await listen(samNet(server, stored()));
    const ours = samNet(server, stored());
    const { listener } = await listen(ours);
    const link = await open(ours, other.listener.local);
    const far = await other.next();
    expect(far.remote).toEqual(listener.local);
    expect(server.sessions()).toHaveLength(2);
    await listener.close();
    expect(server.sessions()).toHaveLength(2);
    link.destroy();
    await until(() => server.sessions().length === 1);
  });

  test('a transient one ends with its link', async () => {
    const server = await router();
    const { listener, next } = await listen(samNet(server, stored()));
    const link = await open(samNet(server), listener.local);
    await next();
    expect(server.sessions()).toHaveLength(2);
    link.destroy();
    await until(() => server.sessions().length === 1);
  });

  test('that of a failed dial serves the next one; close ends it', async () => {
    const server = await router();
    const ours = samNet(server);
    await dialled(ours, ABSENT);
    await dialled(ours, ABSENT);
    expect(tasks(server).filter((task) => task === 'SESSION CREATE')).toHaveLength(1);
    ours.close();
    await until(() => server.sessions().length === 0);
  });

  test('a hundred dials at once wait for one persistent session', async () => {
    const server = await router();
    const ours = samNet(server, stored());
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => dialled(ours, ABSENT)));
    expect(new Set(outcomes.map((outcome) => 'code' in outcome && outcome.code))).toEqual(
      new Set(['ERR_DIAL_I2P_NOT_FOUND']),
    );
    expect(tasks(server).filter((task) => task === 'SESSION CREATE')).toHaveLength(1);
    await until(() => server.sessions().length === 0);
  });

  test('a listener makes a lost one again, with the same address', async () => {
    const server = await router();
    const timers: Timers = { setTimeout: (run) => setImmediate(run), clearTimeout: () => undefined };
    const { listener, next, failures } = await listen(samNet(server, stored(), fast(timers)));
    await until(() => tasks(server).includes('STREAM ACCEPT'));
    server.dropSessions();
    await until(() => tasks(server).filter((task) => task === 'STREAM ACCEPT').length === 2);
    expect(failures[0]).toMatchObject({ code: 'ERR_DIAL_I2P_SESSION' });
    await open(samNet(server), listener.local);
    expect((await next()).local).toEqual(listener.local);
  });

  test('one that the router never creates: all waiting dials fail, and the next one tries again', async () => {
    const server = await router({ 'SESSION CREATE': 'hold' });
    const ours = samNet(server, stored());
    const calls: string[] = [];
    const note = { opened: () => calls.push('opened'), failed: () => calls.push('failed') };
    const giveUps = [ours.dial(ABSENT, note), ours.dial(ABSENT, note)];
    await until(() => tasks(server).includes('SESSION CREATE'));
    for (const giveUp of giveUps) giveUp();
    server.script = {};
    expect(await dialled(ours, ABSENT)).toMatchObject({ code: 'ERR_DIAL_I2P_NOT_FOUND' });
    expect(calls).toEqual([]);
  });

  test('one that takes three minutes is cancelled', async () => {
    const server = await router({ 'SESSION CREATE': 'hold' });
    const armed: { run: () => void; ms: number }[] = [];
    const timers: Timers = {
      setTimeout: (run, ms) => armed.push({ run, ms }),
      clearTimeout: () => undefined,
    };
    const outcome = dialled(samNet(server, stored(), timers), ABSENT);
    await until(() => tasks(server).includes('SESSION CREATE'));
    expect(armed.map(({ ms }) => ms)).toEqual([SAM_REPLY_MS]);
    armed[0]?.run();
    expect(await outcome).toMatchObject({ code: 'ERR_DIAL_I2P_TIMEOUT' });
  });
});

/** Runs pauses at once, but never the limit of a session. */
const fast = (timers: Timers): Timers => ({
  setTimeout: (run, ms) => (ms === SAM_REPLY_MS ? undefined : timers.setTimeout(run, ms)),
  clearTimeout: () => undefined,
});

describe('results', () => {
  const results = Object.entries(SAM_RESULTS);
  const reply: Partial<Record<Task, string>> = {
    'HELLO VERSION': 'HELLO REPLY',
    'SESSION CREATE': 'SESSION STATUS',
    'NAMING LOOKUP': 'NAMING REPLY',
    'STREAM CONNECT': 'STREAM STATUS',
  };
  const cases = Object.entries(reply).flatMap(([task, words]) =>
    results.map(([result, code]) => ({ task, words, result, code })),
  );

  test.each(cases)('$task: $result is $code', async ({ task, words, result, code }) => {
    const found = { 'NAMING LOOKUP': `NAMING REPLY RESULT=OK VALUE=${encodeI2pBase64(newKey())}` };
    const server = await router({ ...found, [task]: `${words} RESULT=${result} MESSAGE="no luck today"` });
    expect(await dialled(samNet(server), ABSENT)).toEqual({
      code,
      facts: {
        task,
        result,
        message: 'no luck today',
        ...ABSENT,
        proxy: `127.0.0.1:${server.at.port}`,
      },
    });
  });

  test('an undocumented result is a failure of the router', async () => {
    const server = await router({ 'HELLO VERSION': 'HELLO REPLY RESULT=TEAPOT' });
    const outcome = await dialled(samNet(server), ABSENT);
    expect(outcome).toMatchObject({ code: 'ERR_DIAL_I2P_ROUTER', facts: { result: 'TEAPOT' } });
  });

  test('INVALID_ID: the next dial makes a new session', async () => {
    const found = `NAMING REPLY RESULT=OK VALUE=${encodeI2pBase64(newKey())}`;
    const server = await router({
      'NAMING LOOKUP': found,
      'STREAM CONNECT': 'STREAM STATUS RESULT=INVALID_ID',
    });
    const ours = samNet(server);
    expect(await dialled(ours, ABSENT)).toMatchObject({ code: 'ERR_DIAL_I2P_SESSION' });
    await dialled(ours, ABSENT);
    expect(tasks(server).filter((task) => task === 'SESSION CREATE')).toHaveLength(2);
  });
});

describe('a router that misbehaves', () => {
  test.each<[string, SamScript, string]>([
    ['answers without RESULT', { 'HELLO VERSION': 'HTTP/1.1 400 Bad Request' }, 'no RESULT'],
    ['makes no key', { 'SESSION CREATE': 'SESSION STATUS RESULT=OK' }, 'no usable DESTINATION'],
    [
      'makes a short key',
      { 'SESSION CREATE': 'SESSION STATUS RESULT=OK DESTINATION=AAAA' },
      'no usable DEST',
    ],
    ['names no destination', { 'NAMING LOOKUP': 'NAMING REPLY RESULT=OK VALUE=a b' }, 'no usable VALUE'],
    ['sends no line end', { 'HELLO VERSION': 'x'.repeat(70_000) }, 'no line within 65536 bytes'],
  ])('%s', async (_what, script, why) => {
    const server = await router(script);
    const outcome = await dialled(samNet(server), ABSENT);
    expect(outcome).toMatchObject({ code: 'ERR_DIAL_PROXY_PROTOCOL' });
    expect('facts' in outcome && outcome.facts.why).toContain(why);
  });

  test.each(['HELLO VERSION', 'SESSION CREATE', 'NAMING LOOKUP'] as const)('closes at %s', async (task) => {
    const server = await router({ [task]: 'close' });
    expect(await dialled(samNet(server), ABSENT)).toMatchObject({ code: 'ERR_DIAL_PROXY_CLOSED' });
  });

  test('is down', async () => {
    const server = await router();
    await server.close();
    const facts = { syscode: 'ECONNREFUSED', ...ABSENT, proxy: `127.0.0.1:${server.at.port}` };
    expect(await dialled(samNet(server), ABSENT)).toEqual({ code: 'ERR_DIAL_PROXY_DOWN', facts });
    const listening = listen(samNet(server, stored()));
    await expect(listening).rejects.toMatchObject({ code: 'ERR_DIAL_PROXY_DOWN' });
  });

  test('closes the session in place of a destination: the listener goes on', async () => {
    const server = await router({
      DESTINATION: 'STREAM STATUS RESULT=I2P_ERROR MESSAGE="Session was closed"',
    });
    const timers: Timers = { setTimeout: (run) => setImmediate(run), clearTimeout: () => undefined };
    const { listener, next, failures } = await listen(samNet(server, stored(), fast(timers)));
    await until(() => tasks(server).includes('STREAM ACCEPT'));
    await dialled(samNet(server), listener.local).then((outcome) => 'link' in outcome && keep(outcome.link));
    await until(() => failures.length > 0);
    expect(failures[0]).toMatchObject({ code: 'ERR_DIAL_I2P_ROUTER', message: 'Session was closed' });
    server.script = {};
    await until(() => tasks(server).filter((task) => task === 'STREAM ACCEPT').length > 1);
    await open(samNet(server), listener.local);
    await next();
  });

  test('any answer parses to pairs without an exception', () => {
    expect(Object.fromEntries(parseReply(Buffer.from('A B RESULT=X MESSAGE="a b=c" VALUE=q==\r')))).toEqual({
      RESULT: 'X',
      MESSAGE: 'a b=c',
      VALUE: 'q==',
    });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (line) => parseReply(line) instanceof Map));
  });
});

describe('what is refused without asking the router', () => {
  test.each([
    ['a port', { ...ABSENT, port: 8333 }, 'ERR_DIAL_I2P_PORT'],
    ['a second command in the name', { host: 'x VALUE=y\nQUIT.i2p', port: 0 }, 'ERR_DIAL_I2P_KEY'],
    ['another name', { host: 'node.example.org', port: 0 }, 'ERR_DIAL_I2P_KEY'],
  ])('%s', async (_what, to, code) => {
    const server = await router();
    expect(await dialled(samNet(server), to)).toMatchObject({ code });
    expect(server.requests).toEqual([]);
  });

  test('listening without a key store', async () => {
    const listening = samNet(await router()).listen({ host: 'b32.i2p', port: 0 }, () => undefined);
    await expect(listening).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT' });
  });
});

describe('the key file', () => {
  async function place(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'verack-i2p-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    return join(folder, 'i2p_private_key');
  }

  test('is made once, for its owner only, and keeps the address', async () => {
    const [server, path] = [await router(), await place()];
    const first = await listen(samNet(server, keyFile(path)));
    await first.listener.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(i2pAddressOf(await readFile(path))).toBe(first.listener.local.host);
    await until(() => server.sessions().length === 0);
    const again = await listen(samNet(server, keyFile(path)));
    expect(again.listener.local).toEqual(first.listener.local);
    expect(tasks(server).filter((task) => task === 'DEST GENERATE')).toHaveLength(1);
  });

  test('that holds something else is left as it is', async () => {
    const path = await place();
    await writeFile(path, 'my diary');
    const outcome = await dialled(samNet(await router(), keyFile(path)), ABSENT);
    expect(outcome).toMatchObject({ code: 'ERR_DIAL_I2P_KEY', facts: { path } });
    expect(await readFile(path, 'utf8')).toBe('my diary');
  });

  test('an existing key is never overwritten', async () => {
    const path = await place();
    const key = newKey();
    await keyFile(path).write(key);
    await expect(keyFile(path).write(newKey())).rejects.toMatchObject({ facts: { syscode: 'EEXIST' } });
    expect(await keyFile(path).read()).toEqual(Buffer.from(key));
  });

  test('Base64 of I2P: round trip, and other text is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
        expect(decodeI2pBase64(encodeI2pBase64(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    for (const text of ['', 'abc', 'ab+d', 'ab/d', 'ab d', 'ab\nd'])
      expect(decodeI2pBase64(text)).toBeUndefined();
  });
});
