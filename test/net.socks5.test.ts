/** Dials through a scripted SOCKS5 server: what is sent, and a reason for everything that can go wrong. */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Endpoint, Link, Listener } from '../src/net/link.js';
import {
  type Credentials,
  fixedCredentials,
  isolatingCredentials,
  SOCKS5_REPLIES,
  socks5,
  socks5Net,
} from '../src/net/socks5.js';
import { tcpNet } from '../src/net/tcp.js';
import { REASONS } from '../src/reasons.js';
import { dialled, type Dialled, received } from './support/dialled.js';
import type { ScriptedServer } from './support/scripted-server.js';
import { socks5Server, type Socks5Script, type Socks5Server } from './support/socks5-server.js';

const net = tcpNet();
const open: (ScriptedServer | Listener)[] = [];
const links: Link[] = [];

afterEach(async () => {
  for (const link of links.splice(0)) link.destroy();
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function proxy(script: Socks5Script = {}): Promise<Socks5Server> {
  const server = await socks5Server(script);
  open.push(server);
  return server;
}

/** A peer that sends `hello` at once. */
async function greeter(): Promise<Endpoint> {
  const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (link) => {
    links.push(link);
    link.write([Buffer.from('hello')]);
  });
  open.push(listener);
  return listener.local;
}

async function dial(to: Endpoint, server: ScriptedServer, credentials?: () => Credentials): Promise<Dialled> {
  const through = socks5Net({ net, proxy: server.at, ...(credentials && { credentials }) });
  const outcome = await dialled(through, to);
  if ('link' in outcome) links.push(outcome.link);
  return outcome;
}

const TARGET: Endpoint = { host: 'node.example.org', port: 8333 };
const someone = (): Credentials => ({ username: 'user', password: 'secret' });

describe('a stream', () => {
  test.each([
    ['a name', 'node.example.org'],
    ['an IPv4 address', '203.0.113.7'],
    ['an IPv6 address', '2001:db8::1'],
    ['an onion address', 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'],
  ])('%s is sent as a host name, and the link is to it', async (_what, host) => {
    const peer = await greeter();
    const server = await proxy({ route: () => peer });
    const outcome = await dial({ host, port: 8333 }, server);
    expect(server.requests).toEqual([{ host, port: 8333, type: 3 }]);
    expect(outcome).toMatchObject({ link: { remote: { host, port: 8333 } } });
    expect(await received(outcome, 5)).toBe('hello');
  });

  test.each([
    ['in one write with the reply', { behind: 'early ' }, 'early hello'],
    ['byte by byte', { behind: 'early ', bytewise: true }, 'early hello'],
  ])('bytes from the peer arrive unchanged: %s', async (_how, script, text) => {
    const peer = await greeter();
    const server = await proxy({ ...script, route: () => peer });
    expect(await received(await dial(TARGET, server, someone), text.length)).toBe(text);
  });
});

describe('user name and password', () => {
  test('are sent only to a proxy that asks', async () => {
    const peer = await greeter();
    const server = await proxy({ credentials: someone(), route: () => peer });
    expect(await dial(TARGET, server, someone)).toHaveProperty('link');
    expect(server.requests).toMatchObject([{ username: 'user' }]);
  });

  test('isolating ones differ for each connection, and user name and password are equal', async () => {
    const peer = await greeter();
    const server = await proxy({ route: () => peer });
    const credentials = isolatingCredentials();
    await dial(TARGET, server, credentials);
    await dial(TARGET, server, credentials);
    const names = server.requests.map(({ username }) => username);
    expect(names.map((name) => name?.replace(/^[0-9a-f]{16}/, 'X'))).toEqual(['X-0', 'X-1']);
    expect(isolatingCredentials()().username).not.toBe(isolatingCredentials()().username);
    const { username, password } = credentials();
    expect(password).toBe(username);
  });

  test('fixed ones must fit', () => {
    expect(fixedCredentials(someone())()).toEqual(someone());
    for (const password of ['', 'x'.repeat(256), 'ü'.repeat(128)]) {
      expect(() => fixedCredentials({ username: 'u', password })).toThrow('1 to 255');
    }
  });

  test('missing and wrong credentials are refused with the same reason', async () => {
    const server = await proxy({ credentials: someone() });
    expect(await dial(TARGET, server)).toMatchObject({
      code: 'ERR_DIAL_PROXY_AUTH',
      facts: { method: '0xff' },
    });
    const wrong = await dial(TARGET, server, () => ({ username: 'user', password: 'guess' }));
    expect(wrong).toMatchObject({ code: 'ERR_DIAL_PROXY_AUTH', facts: { status: '0x01' } });
    expect(JSON.stringify(wrong)).not.toContain('guess');
  });
});

describe('replies', () => {
  const replies = Object.entries(SOCKS5_REPLIES).map(([reply, code]) => [Number(reply), code] as const);

  test.each(replies)('%i is %s', async (reply, code) => {
    const server = await proxy({ instead: { reply: [5, reply, 0, 1, 0, 0, 0, 0, 0, 0] } });
    const hex = `0x${reply.toString(16).padStart(2, '0')}`;
    const facts = { ...TARGET, proxy: `127.0.0.1:${server.at.port}`, reply: hex };
    expect(await dial(TARGET, server)).toEqual({ code, facts });
  });

  test('each has its own reason, sentence and hint', () => {
    const rows = replies.map(([, code]) => REASONS[code]);
    expect(new Set(replies.map(([, code]) => code)).size).toBe(replies.length);
    expect(new Set(rows.map(({ says }) => says)).size).toBe(replies.length);
    expect(rows.every(({ hint }) => hint !== '')).toBe(true);
  });

  test('an undocumented reply is a general failure', async () => {
    const server = await proxy({ instead: { reply: [5, 0x99, 0, 1] } });
    expect(await dial(TARGET, server)).toMatchObject({
      code: 'ERR_DIAL_PROXY_FAILURE',
      facts: { reply: '0x99' },
    });
  });
});

describe('a proxy that misbehaves', () => {
  test.each<[string, Socks5Script, string]>([
    [
      'answers HTTP',
      { instead: { method: [...Buffer.from('HTTP/1.1 400 Bad Request\r\n')] } },
      'SOCKS version 72',
    ],
    ['is SOCKS4', { instead: { method: [0, 91, 0, 0] } }, 'SOCKS version 0'],
    ['chooses what was not offered', { instead: { method: [5, 1] } }, 'authentication method 0x01'],
    ['has another login version', { instead: { login: [5, 0] } }, 'version 5 in the answer to the password'],
    ['replies with another version', { instead: { reply: [4, 0, 0, 1] } }, 'SOCKS version 4 in the reply'],
    ['sets the reserved byte', { instead: { reply: [5, 0, 1, 1] } }, 'reserved byte 0x01'],
    ['has an unknown address type', { instead: { reply: [5, 0, 0, 2] } }, 'address type 0x02'],
  ])('%s', async (_what, script, why) => {
    const outcome = await dial(TARGET, await proxy(script), someone);
    expect(outcome).toMatchObject({
      code: 'ERR_DIAL_PROXY_PROTOCOL',
      facts: { why: expect.stringContaining(why) },
    });
  });

  test.each(['method', 'login', 'reply'] as const)('closes in place of the %s', async (at) => {
    const server = await proxy({ stop: { at, how: 'close' } });
    expect(await dial(TARGET, server, someone)).toMatchObject({
      code: 'ERR_DIAL_PROXY_CLOSED',
      facts: { ...TARGET, end: 'ERR_LINK_EOF' },
    });
  });

  test('ends in the middle of a reply', async () => {
    const server = await proxy({ instead: { reply: [5, 0, 0, 1, 127, 0] } });
    expect(await dial(TARGET, server)).toMatchObject({ code: 'ERR_DIAL_PROXY_CLOSED' });
  });

  test('is down', async () => {
    const server = await proxy();
    await server.close();
    expect(await dial(TARGET, server)).toEqual({
      code: 'ERR_DIAL_PROXY_DOWN',
      facts: { syscode: 'ECONNREFUSED', ...TARGET, proxy: `127.0.0.1:${server.at.port}` },
    });
  });

  test.each(['method', 'login', 'reply'] as const)(
    'never sends the %s: nothing is called after giving up',
    async (at) => {
      const server = await proxy({ stop: { at, how: 'hold' } });
      const calls: string[] = [];
      const giveUp = socks5Net({ net, proxy: server.at, credentials: someone }).dial(TARGET, {
        opened: () => calls.push('opened'),
        failed: () => calls.push('failed'),
      });
      await dial(TARGET, await proxy({ instead: { reply: [5, 5] } }));
      giveUp();
      giveUp();
      await dial(TARGET, await proxy({ instead: { reply: [5, 5] } }));
      expect(calls).toEqual([]);
    },
  );

  test('a host name that does not fit is refused without asking', async () => {
    const server = await proxy();
    const outcome = await dial({ host: 'x'.repeat(256), port: 1 }, server);
    expect(outcome).toMatchObject({ code: 'ERR_DIAL_DNS', facts: { syscode: 'ENAMETOOLONG' } });
    expect(server.requests).toEqual([]);
  });
});

test('whatever a proxy sends, the negotiation ends or asks for a bounded answer, and throws nothing', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 255 })), fc.boolean(), (bytes, hasUser) => {
      const negotiation = socks5(TARGET, hasUser ? someone() : undefined);
      let step = negotiation.next();
      for (let steps = 0; !step.done; steps += 1) {
        const length = 'bytes' in step.value ? step.value.bytes : Infinity;
        expect(length).toBeLessThanOrEqual(257);
        expect(steps).toBeLessThan(6);
        step = negotiation.next(Uint8Array.from({ length }, () => Number(bytes.next().value)));
      }
    }),
  );
});
