/** The proxy options: their values, the net that they make, and what they refuse. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';

import { allProxy, noProxy, proxyPassword } from '../src/cli/proxy-environment.js';
import { proxiedNetOf } from '../src/cli/proxied-net-of.js';
import type { ProxyFlags } from '../src/cli/proxy-flags.js';
import {
  connectOnly,
  onionValue,
  onlynetOption,
  proxyOptions,
  proxyValue,
  samValue,
} from '../src/cli/proxy-options.js';
import type { Net } from '../src/net/link.js';
import { tcpNet } from '../src/net/tcp.js';
import { dialled } from './support/dialled.js';
import { dnsServer } from './support/dns.js';
import { socks5Server, type Socks5Server } from './support/socks5-server.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const REFUSED = { instead: { reply: [5, 5, 0, 1] } };
const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion';

async function proxy(credentials?: { username: string; password: string }): Promise<Socks5Server> {
  const server = await socks5Server({ ...REFUSED, ...(credentials && { credentials }) });
  cleanups.push(() => server.close());
  return server;
}

/** TCP to the given ports alone; every other dial fails with the fact `direct`. */
function onlyTo(...servers: Socks5Server[]): Net {
  const tcp = tcpNet();
  return {
    listen: (...args) => tcp.listen(...args),
    dial: (to, handler) => {
      if (servers.some(({ at }) => at.port === to.port)) return tcp.dial(to, handler);
      process.nextTick(() => handler.failed('ERR_DIAL_REFUSED', { direct: true }));
      return () => undefined;
    },
  };
}

const address = ({ at }: Socks5Server): string => `${at.host}:${at.port}`;

function parsed(...args: string[]): ProxyFlags {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of [...proxyOptions(), onlynetOption()]) command.addOption(option);
  return command.parse(args, { from: 'user' }).opts();
}

/** Where a dial goes: the port of the proxy, `direct`, or a code. */
async function way(flags: ProxyFlags, servers: Socks5Server[], host: string, env = {}): Promise<unknown> {
  const net = await proxiedNetOf(flags, { env, net: onlyTo(...servers) });
  const outcome = await dialled(net, { host, port: 8333 });
  if ('link' in outcome) throw new Error('opened');
  return outcome.facts.proxy ?? (outcome.facts.direct ? 'direct' : outcome.code);
}

describe('values', () => {
  test.each([
    ['127.0.0.1:9050', { at: { host: '127.0.0.1', port: 9050 } }],
    ['127.0.0.1', { at: { host: '127.0.0.1', port: 9050 } }],
    ['[::1]:1080=ipv6', { at: { host: '::1', port: 1080 }, network: 'ipv6' }],
    ['10.0.0.1=TOR', { at: { host: '10.0.0.1', port: 9050 }, network: 'onion' }],
    ['0', {}],
    ['', {}],
  ])('-proxy=%s', (text, value) => expect(proxyValue(text)).toEqual(value));

  test.each([
    ['user:secret@127.0.0.1:9050', 'VERACK_PROXY_PASSWORD_FILE'],
    ['unix:/run/tor/socks', 'Unix sockets are not supported'],
    ['127.0.0.1=i2p', 'ipv4, ipv6, tor and cjdns'],
    ['127.0.0.1:99999', /^A port is a number from 1 to 65535\.$/],
    [':9050', /^No host before the port\.$/],
  ])('-proxy=%s is refused', (text, why) => expect(() => proxyValue(text)).toThrow(why));

  test('default ports are those of Tor and of SAM', () => {
    expect(onionValue('127.0.0.1')).toEqual({ at: { host: '127.0.0.1', port: 9050 } });
    expect(onionValue('0')).toEqual({});
    expect(samValue('127.0.0.1')).toEqual({ host: '127.0.0.1', port: 7656 });
    expect(samValue('0')).toBe(false);
  });

  test('-connect=0 and -noconnect give no target and forbid automatic connections', () => {
    expect(connectOnly({})).toBeUndefined();
    expect(connectOnly({ connect: ['0'] })).toEqual([]);
    expect(connectOnly({ connect: false })).toEqual([]);
    expect(connectOnly({ connect: ['a', 'b'] })).toEqual(['a', 'b']);
  });
});

describe('the net', () => {
  test('-proxy applies to all networks, a later one to one network, -onion before both', async () => {
    const [all, six, tor] = [await proxy(), await proxy(), await proxy()];
    const flags = parsed(
      `--proxy=${address(all)}`,
      `--proxy=${address(six)}=ipv6`,
      `--onion=${address(tor)}`,
    );
    const to = (host: string) => way(flags, [all, six, tor], host);
    expect(await to('203.0.113.7')).toBe(address(all));
    expect(await to('2001:db8::1')).toBe(address(six));
    expect(await to('node.example.org')).toBe(address(six));
    expect(await to(ONION)).toBe(address(tor));
  });

  test('-onion=0 and -noonion leave .onion without proxy', async () => {
    const all = await proxy();
    for (const no of ['--onion=0', '--no-onion']) {
      const flags = parsed(`--proxy=${address(all)}`, no);
      expect(await way(flags, [all], ONION)).toBe('ERR_DIAL_NO_PROXY');
      expect(await way(flags, [all], '203.0.113.7')).toBe(address(all));
    }
  });

  test('credentials are new for each connection, unless -noproxyrandomize', async () => {
    const [random, plain] = [await proxy(), await proxy()];
    for (let n = 0; n < 2; n += 1) {
      await way(parsed(`--proxy=${address(random)}`), [random], 'a.example');
      await way(parsed(`--proxy=${address(plain)}`, '--no-proxyrandomize'), [plain], 'a.example');
    }
    const names = [...random.requests, ...plain.requests].map(({ username }) => username);
    expect(names.map((name) => typeof name)).toEqual(['string', 'string', 'undefined', 'undefined']);
    expect(names[0]).not.toBe(names[1]);
  });

  test('the name of a proxy is resolved once, with -dns alone', async () => {
    const server = await proxy();
    const zone = await dnsServer({ 'tor.example': { A: ['127.0.0.1'] } });
    cleanups.push(() => zone.close());
    const context = { env: {}, net: onlyTo(server), dns: { servers: [zone.address] } };
    const at = `--proxy=tor.example:${server.at.port}`;
    const net = await proxiedNetOf(parsed(at), context);
    const asked = zone.asked.length;
    for (const host of ['a.example', ONION]) await dialled(net, { host, port: 8333 });
    expect(server.requests.map(({ host }) => host)).toEqual(['a.example', ONION]);
    expect(zone.asked).toHaveLength(asked);
    await expect(proxiedNetOf(parsed(at, '--no-dns'), context)).rejects.toThrow('give its address');
  });

  test('-dns=0 keeps names from the resolver', async () => {
    const net = await proxiedNetOf(parsed('--no-dns'), { env: {}, net: tcpNet() });
    await expect(net.resolve('a.example')).rejects.toMatchObject({ code: 'ERR_DIAL_NO_LOOKUP' });
  });

  test.each([
    ['onion', [], 'neither -proxy nor -onion is set'],
    ['onion', ['--onion=0'], '-onion=0 forbids it'],
    ['i2p', [], '-i2psam is not set'],
    ['cjdns', [], '-cjdnsreachable is not set'],
  ])('-onlynet=%s %j is refused', async (network, more, why) => {
    const flags = parsed(`--onlynet=${network}`, ...more);
    await expect(proxiedNetOf(flags, { env: {}, net: tcpNet() })).rejects.toThrow(why);
  });

  test('-onlynet with what it needs restricts the automatic connections', async () => {
    const flags = parsed(
      '--onlynet=onion,i2p',
      '--onlynet=cjdns',
      '--onion=127.0.0.1',
      '--i2psam=127.0.0.1',
      '--cjdnsreachable',
    );
    const net = await proxiedNetOf(flags, { env: {}, net: tcpNet() });
    expect([...net.reachable]).toEqual(['onion', 'i2p', 'cjdns']);
  });
});

describe('user name and password', () => {
  function passwordFile(text: string): { VERACK_PROXY_PASSWORD_FILE: string } {
    const folder = mkdtempSync(join(tmpdir(), 'verack-proxy-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'password'), text);
    return { VERACK_PROXY_PASSWORD_FILE: join(folder, 'password') };
  }

  test('come from --proxyuser and the file, and go to -proxy but not to -onion', async () => {
    const [server, tor] = [await proxy({ username: 'me', password: 'secret' }), await proxy()];
    const flags = parsed(`--proxy=${address(server)}`, `--onion=${address(tor)}`, '--proxyuser=me');
    const env = passwordFile('secret\n');
    await way(flags, [server, tor], 'a.example', env);
    await way(flags, [server, tor], ONION, env);
    expect(server.requests).toMatchObject([{ host: 'a.example', username: 'me' }]);
    expect(tor.requests[0]?.username).not.toBe('me');
  });

  test('one without the other is refused, and so is a file that cannot be read', async () => {
    const context = (env: Record<string, string>) => ({ env, net: tcpNet() });
    await expect(proxiedNetOf(parsed('--proxyuser=me'), context({}))).rejects.toThrow('PASSWORD_FILE');
    await expect(proxiedNetOf({}, context(passwordFile('x')))).rejects.toThrow('--proxyuser');
    expect(() => proxyPassword({ VERACK_PROXY_PASSWORD_FILE: '/nonexistent' })).toThrow('ENOENT');
  });
});

describe('the environment', () => {
  test('ALL_PROXY applies where no -proxy is given, except for NO_PROXY', async () => {
    const [env, flag] = [await proxy(), await proxy()];
    const variables = { ALL_PROXY: `socks5h://${address(env)}`, NO_PROXY: '203.0.113.0/24' };
    const to = (flags: ProxyFlags, host: string) => way(flags, [env, flag], host, variables);
    expect(await to({}, 'a.example')).toBe(address(env));
    expect(await to({}, '203.0.113.7')).toBe('direct');
    expect(await to(parsed('--no-proxy'), '198.51.100.1')).toBe('direct');
    const given = parsed(`--proxy=${address(flag)}`);
    expect([await to(given, 'a.example'), await to(given, '203.0.113.7')]).toEqual([
      address(flag),
      address(flag),
    ]);
  });

  test.each([
    ['socks5://127.0.0.1', { at: { host: '127.0.0.1', port: 1080 } }],
    ['socks5h://[::1]:9050', { at: { host: '::1', port: 9050 } }],
    [
      'socks5://u%40x:p%3A@127.0.0.1:1',
      { at: { host: '127.0.0.1', port: 1 }, credentials: { username: 'u@x', password: 'p:' } },
    ],
  ])('ALL_PROXY=%s', (ALL_PROXY, value) => expect(allProxy({ ALL_PROXY })).toEqual(value));

  test.each(['http://127.0.0.1:3128', 'socks4://127.0.0.1', '127.0.0.1:9050'])(
    'ALL_PROXY=%s is refused',
    (ALL_PROXY) => {
      expect(() => allProxy({ ALL_PROXY })).toThrow('socks5://HOST:PORT');
    },
  );

  test('a stray percent sign in ALL_PROXY is refused', () => {
    expect(() => allProxy({ ALL_PROXY: 'socks5://user:100%@127.0.0.1:9050' })).toThrow('as %25');
  });

  test('lower case takes precedence; without variables there is no proxy', () => {
    expect(allProxy({})).toBeUndefined();
    expect(allProxy({ ALL_PROXY: 'http://x', all_proxy: 'socks5://127.0.0.1:1' })?.at.port).toBe(1);
  });

  test.each([
    ['example.org', 'example.org', true],
    ['example.org', 'node.EXAMPLE.org.', true],
    ['.example.org', 'node.example.org', true],
    ['example.org', 'badexample.org', false],
    ['10.0.0.0/8,::1', '10.1.2.3', true],
    ['10.0.0.0/8 ::1', '::1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['fc00::/7', 'fd00::1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['*', 'anything', true],
    ['', 'anything', false],
  ])('NO_PROXY=%s, %s: %s', (NO_PROXY, host, expected) => expect(noProxy({ NO_PROXY })(host)).toBe(expected));
});
