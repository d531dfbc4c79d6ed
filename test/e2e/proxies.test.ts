/** Real proxies: microsocks with a password, Tor and i2pd without their networks. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createNode } from '../../src/index.js';
import { i2pAddressOf, keyFile, type KeyStore } from '../../src/net/i2p-key.js';
import type { Endpoint } from '../../src/net/link.js';
import { negotiate, type Negotiation } from '../../src/net/negotiation.js';
import { ProxiedNet } from '../../src/net/proxied-net.js';
import { SamNet } from '../../src/net/sam.js';
import { acceptStream, createSession, generateKey } from '../../src/net/sam-protocol.js';
import { type Credentials, fixedCredentials, isolatingCredentials, socks5Net } from '../../src/net/socks5.js';
import { tcpNet } from '../../src/net/tcp.js';
import { dialled } from '../support/dialled.js';
import { endAll, Program } from '../support/cli-process.js';
import { samServer } from '../support/sam-server.js';
import { socks5Server } from '../support/socks5-server.js';
import { freshFolder } from './nodes/child-process.js';
import { describeNode } from './nodes/nodes.js';
import { startI2pd, startMicrosocks, startTor } from './nodes/proxies.js';

const net = tcpNet();
const LOGIN: Credentials = { username: 'verack', password: 'correct horse' };

describeNode('microsocks', 'through microsocks', () => {
  test('two nodes complete a handshake, with user name and password', async () => {
    await using proxy = await startMicrosocks(LOGIN.username, LOGIN.password);
    const ipv4 = { ...proxy.at, credentials: fixedCredentials(LOGIN) };
    await using listening = createNode({ chain: 'regtest' });
    await using dialling = createNode({ chain: 'regtest', net: new ProxiedNet({ net, proxies: { ipv4 } }) });
    const { local } = await listening.listen({ host: '127.0.0.1', port: 0 });
    const peer = await dialling.dial(local).established();
    expect(peer.addr).toBe(`127.0.0.1:${local.port}`);
  });

  test('a wrong password and none are refused', async () => {
    await using proxy = await startMicrosocks(LOGIN.username, LOGIN.password);
    const to: Endpoint = { host: '127.0.0.1', port: 9 };
    const wrong = fixedCredentials({ ...LOGIN, password: 'guess' });
    for (const credentials of [wrong, undefined]) {
      const through = socks5Net({ net, proxy: proxy.at, ...(credentials && { credentials }) });
      expect(await dialled(through, to)).toMatchObject({ code: 'ERR_DIAL_PROXY_AUTH' });
    }
  });

  test('a closed port is reported by the proxy', async () => {
    await using proxy = await startMicrosocks();
    const through = socks5Net({ net, proxy: proxy.at });
    const outcome = await dialled(through, { host: '127.0.0.1', port: 9 });
    expect(outcome).toMatchObject({ code: 'ERR_DIAL_PROXY_REFUSED', facts: { reply: '0x05' } });
  });
});

describeNode('tor', 'through Tor without its network', () => {
  test.each<[string, string, Credentials | undefined, string, string]>([
    ['an invalid onion address', `${'a'.repeat(56)}.onion`, undefined, 'ERR_DIAL_ONION_ADDRESS', '0xf6'],
    [
      'an onion service, with credentials of its own',
      'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion',
      isolatingCredentials()(),
      'ERR_DIAL_PROXY_TIMEOUT',
      '0x06',
    ],
    ['a name', 'node.example.org', { username: 'any', password: 'any' }, 'ERR_DIAL_PROXY_TIMEOUT', '0x06'],
    ['a private address', '127.0.0.1', undefined, 'ERR_DIAL_PROXY_FAILURE', '0x01'],
  ])('%s', async (_what, host, login, code, reply) => {
    await using tor = await startTor();
    const through = socks5Net({ net, proxy: tor.at, ...(login && { credentials: () => login }) });
    expect(await dialled(through, { host, port: 8333 })).toMatchObject({ code, facts: { reply } });
  });
});

/** The value of a negotiation, or the code of its failure. */
function outcomeOf<T extends object>(proxy: Endpoint, negotiation: Negotiation<T>): Promise<T | string> {
  return new Promise((resolve) => {
    negotiate({ net, proxy }, negotiation, {
      opened: (link, value) => (link.destroy(), resolve(value)),
      failed: ({ code }) => resolve(code),
    });
  });
}

describeNode('i2pd', 'with i2pd without its network', () => {
  test('HELLO and DEST GENERATE give a key that is a destination, and each another', async () => {
    await using router = await startI2pd();
    const made = [await outcomeOf(router.at, generateKey()), await outcomeOf(router.at, generateKey())];
    const addresses = made.map((value) => (typeof value === 'string' ? value : i2pAddressOf(value.key)));
    expect(addresses[0]).toMatch(/^[a-z2-7]{52}\.b32\.i2p$/);
    expect(addresses[1]).not.toBe(addresses[0]);
  });

  test('INVALID_ID and INVALID_KEY have their own reasons', async () => {
    await using router = await startI2pd();
    expect(await outcomeOf(router.at, acceptStream('nosession'))).toBe('ERR_DIAL_I2P_SESSION');
    const broken = createSession('broken', Buffer.from('no key'));
    expect(await outcomeOf(router.at, broken)).toBe('ERR_DIAL_I2P_KEY');
  });

  test('a session that cannot be made offline is cancelled, and the key is kept', async () => {
    await using router = await startI2pd();
    const folder = freshFolder('i2p');
    const file = keyFile(join(folder, 'i2p_private_key'));
    let keep: () => void = () => undefined;
    const kept = new Promise<void>((resolve) => (keep = resolve));
    const keys: KeyStore = {
      read: () => file.read(),
      write: async (key) => (await file.write(key), keep()),
    };
    const handler = { opened: () => undefined, failed: () => undefined };
    const sam = new SamNet({ net, proxy: router.at, keys });
    const giveUp = sam.dial({ host: `${'a'.repeat(52)}.b32.i2p`, port: 0 }, handler);
    await kept;
    giveUp();
    expect(i2pAddressOf(await readFile(join(folder, 'i2p_private_key')))).toMatch(/\.b32\.i2p$/);
    await rm(folder, { recursive: true });
  });
});

describe('the program through scripted proxies', () => {
  afterEach(endAll);

  test('I2P in both directions: a persistent address that listens, a transient one that dials, port 0', async () => {
    const router = await samServer();
    const folder = freshFolder('i2p-program');
    const sam = `-i2psam=${router.at.host}:${router.at.port}`;
    const env = { XDG_DATA_HOME: folder };
    const listen = new Program(['listen', '--regtest', '--port', '0', sam], { env });
    const [, address = ''] = await listen.until('stdout', /listening on (\S+\.b32\.i2p):0/);
    // It listens once it has its session; the first stream is accepted a little later.
    const isAccepting = () => router.requests.some((line) => line.startsWith('STREAM ACCEPT'));
    for (let n = 0; n < 3_000 && !isAccepting(); n++) await wait(10);
    const connect = new Program(['connect', '--regtest', '--once', sam, address], { env });
    expect(await connect.exit).toBe(0);
    expect(connect.stdout).toContain(`established ${address}:0 out`);
    await listen.until('stdout', /established [a-z2-7]{52}\.b32\.i2p:0 in/);
    listen.kill('SIGTERM');
    expect(await listen.exit).toBe(0);
    const sessions = router.requests.filter((line) => line.startsWith('SESSION CREATE'));
    expect(sessions).toEqual([
      expect.stringContaining('DESTINATION=KEY'),
      expect.stringContaining('DESTINATION=TRANSIENT'),
    ]);
    const key = await readFile(join(folder, 'verack', 'regtest', 'i2p_private_key'));
    expect(i2pAddressOf(key)).toBe(address);
    await router.close();
    await rm(folder, { recursive: true });
  });

  test('connect --listen with -proxy listens, and -connect=0 dials no peer', async () => {
    const proxy = await socks5Server();
    const through = `-proxy=${proxy.at.host}:${proxy.at.port}`;
    const asked = new Program(['connect', '--regtest', '-connect=0', '--listen', '--port', '0', through]);
    await asked.until('stdout', /listening on 127\.0\.0\.1:\d+/);
    asked.kill('SIGTERM');
    expect(await asked.exit).toBe(0);
    const silent = new Program(['connect', '--regtest', '-connect=0', through, '--for', '1']);
    expect([await silent.exit, silent.stdout]).toEqual([0, '']);
    expect(silent.stderr).toContain('no automatic connections');
    expect(proxy.requests).toEqual([]);
    await proxy.close();
  });

  test('ALL_PROXY is used, except for NO_PROXY', async () => {
    const proxy = await socks5Server();
    await using node = createNode({ chain: 'regtest', v2transport: true });
    const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
    const env = { ALL_PROXY: `socks5h://${proxy.at.host}:${proxy.at.port}` };
    const line = ['probe', '--regtest', `127.0.0.1:${local.port}`];
    expect(await new Program(line, { env }).exit).toBe(0);
    expect(proxy.requests).toHaveLength(1);
    expect(await new Program(line, { env: { ...env, NO_PROXY: '127.0.0.0/8' } }).exit).toBe(0);
    expect(proxy.requests).toHaveLength(1);
    await proxy.close();
  });
});
