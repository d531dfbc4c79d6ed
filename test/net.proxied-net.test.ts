/** The route of each target, and that no name reaches a resolver if a proxy resolves names. */
import { setServers } from 'node:dns';
import { getServers } from 'node:dns/promises';
import { isIP } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';

import type { Endpoint, Link, Net } from '../src/net/link.js';
import {
  defaultPortOf,
  I2P_LISTEN,
  kindOfHost,
  type Network,
  ProxiedNet,
  type ProxiedNetOptions,
} from '../src/net/proxied-net.js';
import { SamNet } from '../src/net/sam.js';
import { tcpNet } from '../src/net/tcp.js';
import { dialled } from './support/dialled.js';
import { dnsServer } from './support/dns.js';
import { newKey, samServer } from './support/sam-server.js';
import { socks5Server, type Socks5Server } from './support/socks5-server.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion';
const I2P = 'udhdrtrhclj5ttt3l5mq7dn45a3w6yahtqqj3tvxgfvvd4swd5ka.b32.i2p';
const HOSTS = {
  ipv4: '127.0.0.1',
  ipv6: '::1',
  onion: ONION,
  i2p: I2P,
  cjdns: 'fc00::1',
  name: 'node.example.org',
  internal: 'abcdef.internal',
};
const PORT = 8333;
const REFUSED = { instead: { reply: [5, 5, 0, 1] } };

async function proxy(): Promise<Socks5Server> {
  const server = await socks5Server(REFUSED);
  cleanups.push(() => server.close());
  return server;
}

/** TCP that notes where it dials. Only loopback is dialled for real; the rest is refused. */
function noted(): { net: Net; hosts: string[] } {
  const tcp = tcpNet();
  const hosts: string[] = [];
  const net: Net = {
    listen: (...args) => tcp.listen(...args),
    dial: (to, handler) => {
      hosts.push(to.host);
      if (to.port !== PORT) return tcp.dial(to, handler);
      process.nextTick(() => handler.failed('ERR_DIAL_REFUSED', { direct: true }));
      return () => undefined;
    },
  };
  return { net, hosts };
}

type Way = 'direct' | 'proxy' | 'onion' | (string & {});

/** Where a dial of each kind of host goes: the proxy that was asked, `direct`, or the code of the refusal. */
async function ways(
  options: Omit<ProxiedNetOptions, 'net' | 'proxies'>,
  proxies: Record<string, [way: string, server: Socks5Server]>,
): Promise<Record<string, Way>> {
  const { net } = noted();
  const at = Object.fromEntries(Object.entries(proxies).map(([kind, [, server]]) => [kind, server.at]));
  const through = new ProxiedNet({ net, proxies: at, ...options });
  const result: Record<string, Way> = {};
  for (const [kind, host] of Object.entries(HOSTS)) {
    const outcome = await dialled(through, { host, port: kind === 'i2p' ? 0 : PORT });
    if ('link' in outcome) throw new Error('opened');
    const [way] =
      Object.values(proxies).find(([, { at }]) => outcome.facts.proxy === `127.0.0.1:${at.port}`) ?? [];
    result[kind] = way ?? (outcome.facts.direct ? 'direct' : outcome.code);
  }
  return result;
}

describe('the route of a target', () => {
  const NOTHING = {
    ipv4: 'direct',
    ipv6: 'direct',
    onion: 'ERR_DIAL_NO_PROXY',
    i2p: 'ERR_DIAL_NO_PROXY',
    cjdns: 'direct',
    name: 'ERR_DIAL_NO_LOOKUP',
    internal: 'ERR_DIAL_DNS',
  };

  test('without proxies: addresses directly, and nothing is resolved by a dial', async () => {
    expect(await ways({}, {})).toEqual(NOTHING);
  });

  test('-onion alone is used for .onion addresses, and not for names', async () => {
    const tor = await proxy();
    expect(await ways({}, { onion: ['onion', tor] })).toEqual({ ...NOTHING, onion: 'onion' });
    expect(new ProxiedNet({ net: tcpNet(), proxies: { onion: tor.at } }).hasNameProxy).toBe(false);
  });

  test('-proxy is used for all networks except I2P and .internal', async () => {
    const one: [string, Socks5Server] = ['proxy', await proxy()];
    const all = { ipv4: one, ipv6: one, onion: one, cjdns: one, name: one };
    expect(await ways({}, all)).toEqual({
      ...NOTHING,
      ipv4: 'proxy',
      ipv6: 'proxy',
      onion: 'proxy',
      cjdns: 'proxy',
      name: 'proxy',
    });
  });

  test('CJDNS is IPv6 until it is reachable', async () => {
    const six: [string, Socks5Server] = ['six', await proxy()];
    const cjdns: [string, Socks5Server] = ['cjdns', await proxy()];
    const found = async (cjdnsreachable: boolean) =>
      (await ways({ cjdnsreachable }, { ipv6: six, cjdns })).cjdns;
    expect([await found(false), await found(true)]).toEqual(['six', 'cjdns']);
  });

  test('exceptions go directly, but .onion never does', async () => {
    const one: [string, Socks5Server] = ['proxy', await proxy()];
    const all = { ipv4: one, ipv6: one, onion: one, cjdns: one, name: one };
    expect(await ways({ isDirect: () => true }, all)).toEqual({ ...NOTHING, onion: 'proxy' });
  });
});

test('listening goes to the system, and to SAM for I2P', async () => {
  const server = await samServer();
  cleanups.push(() => server.close());
  const tcp = tcpNet();
  const keys = { read: () => Promise.resolve(newKey()), write: () => Promise.resolve() };
  const sam = new SamNet({ net: tcp, proxy: server.at, keys });
  const both = new ProxiedNet({ net: tcp, proxies: {}, sam });
  const links: Link[] = [];
  const i2p = await both.listen(I2P_LISTEN, (link) => links.push(link));
  const direct = await both.listen({ host: '127.0.0.1', port: 0 }, (link) => links.push(link));
  cleanups.push(
    () => i2p.close(),
    () => direct.close(),
  );
  expect(i2p.local.host).toMatch(/^[a-z2-7]{52}\.b32\.i2p$/);
  expect(direct.local.host).toBe('127.0.0.1');
  const without = new ProxiedNet({ net: tcp, proxies: {} });
  await expect(without.listen(I2P_LISTEN, () => undefined)).rejects.toMatchObject({
    code: 'ERR_DIAL_NO_PROXY',
  });
});

describe('names', () => {
  const names = [
    'node.example.org',
    'x9.seed.example.org',
    'localhost',
    ONION,
    `A${ONION.slice(1)}`,
    I2P,
    'a.i2p',
    'a.internal',
  ];

  test('with a proxy for names, none reaches a resolver over a whole round of lookups and dials', async () => {
    const trap = await dnsServer({});
    const before = getServers();
    setServers([trap.address]);
    cleanups.push(
      () => setServers(before),
      () => trap.close(),
    );
    const server = await proxy();
    const router = await samServer();
    cleanups.push(() => router.close());
    const { net, hosts } = noted();
    const all = { ipv4: server.at, ipv6: server.at, onion: server.at, cjdns: server.at, name: server.at };
    const sam = new SamNet({ net, proxy: router.at });
    const through = new ProxiedNet({ net, proxies: all, sam });
    for (const name of names) {
      const found = await through.resolve(name, { servers: [trap.address] }).catch(() => []);
      expect(found).toEqual(name.endsWith('.internal') ? [] : [name]);
      await dialled(through, { host: name, port: defaultPortOf(name, PORT) });
    }
    sam.close();
    expect(trap.asked).toEqual([]);
    expect(hosts.filter((host) => !isIP(host))).toEqual([]);
    expect(server.requests.map(({ host }) => host)).toEqual(
      names.filter((name) => !/i2p$|internal$/.test(name)),
    );
    expect(server.requests.every(({ type }) => type === 3)).toBe(true);
  });

  test('without one they are resolved, but never .onion, .i2p and .internal', async () => {
    const trap = await dnsServer({ 'node.example.org': { A: ['203.0.113.5'] } });
    cleanups.push(() => trap.close());
    const tor = await proxy();
    const through = new ProxiedNet({ net: tcpNet(), proxies: { onion: tor.at } });
    const servers = [trap.address];
    expect(await through.resolve('node.example.org', { servers })).toEqual(['203.0.113.5']);
    expect(trap.asked).not.toEqual([]);
    trap.asked.length = 0;
    for (const name of [ONION, I2P, 'a.i2p'])
      expect(await through.resolve(name, { servers })).toEqual([name]);
    await expect(through.resolve('a.internal', { servers })).rejects.toMatchObject({ code: 'ERR_DIAL_DNS' });
    expect(trap.asked).toEqual([]);
  });

  test('without lookups they are refused', async () => {
    const through = new ProxiedNet({ net: tcpNet(), proxies: {}, dns: false });
    await expect(through.resolve('node.example.org')).rejects.toMatchObject({ code: 'ERR_DIAL_NO_LOOKUP' });
    expect(await through.resolve('203.0.113.5')).toEqual(['203.0.113.5']);
  });
});

describe('what can be reached', () => {
  const tor = { onion: { host: '127.0.0.1', port: 9050 } };
  const reachable = (options: Partial<ProxiedNetOptions>): Network[] => [
    ...new ProxiedNet({ net: tcpNet(), proxies: {}, ...options }).reachable,
  ];

  test.each<[string, Partial<ProxiedNetOptions>, Network[]]>([
    ['nothing set', {}, ['ipv4', 'ipv6']],
    ['-onion', { proxies: tor }, ['ipv4', 'ipv6', 'onion']],
    ['-cjdnsreachable', { cjdnsreachable: true }, ['ipv4', 'ipv6', 'cjdns']],
    ['-onlynet=onion', { proxies: tor, onlynet: ['onion'] }, ['onion']],
    ['-onlynet=cjdns alone', { onlynet: ['cjdns'] }, []],
  ])('%s', (_what, options, networks) => {
    expect(reachable(options)).toEqual(networks);
  });
});

test('the kind and the default port of a host', () => {
  const kinds = Object.entries(HOSTS).map(([, host]) => kindOfHost(host, true));
  expect(kinds).toEqual(Object.keys(HOSTS));
  expect([kindOfHost('A.ONION.'), kindOfHost('onion'), kindOfHost('x.onion.example')]).toEqual([
    'onion',
    'name',
    'name',
  ]);
  expect([defaultPortOf(I2P, PORT), defaultPortOf(ONION, PORT)]).toEqual([0, PORT]);
});

test('a proxied dial may take longer than a direct one', () => {
  const at: Endpoint = { host: '127.0.0.1', port: 9050 };
  const through = new ProxiedNet({ net: tcpNet(), proxies: { onion: at } });
  expect([HOSTS.ipv4, ONION, I2P].map((host) => through.timeoutOf(host, 5_000))).toEqual([
    5_000, 25_000, 180_000,
  ]);
});
