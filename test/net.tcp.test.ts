/** What TCP adds to the contract: the system's errors, lingering, and a server that survives. */
import { spawn, spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Endpoint, Link } from '../src/net/link.js';
import { dialCodeOf, LINGER_MS, tcpNet } from '../src/net/tcp.js';
import type { Facts } from '../src/reasons.js';
import { claimPorts } from './e2e/nodes/ports.js';
import { transpile } from './support/transpile.js';

const HOST = '127.0.0.1';
const MIB = 1 << 20;
const closers: (() => unknown)[] = [];

/** A link that has ended lingers for no longer than the test needs, however slow the machine is. */
const stopTimers = (): unknown =>
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });

afterEach(async () => {
  jest.useRealTimers();
  for (const close of closers.splice(0)) await close();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A server that does not use our code, to observe what the other side receives. */
async function rawServer(): Promise<[Server, Promise<Socket>]> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection').then(([socket]) => {
    closers.push(() => (socket as Socket).destroy());
    return socket as Socket;
  });
  await once(server.listen(0, HOST), 'listening');
  closers.push(() => server.close());
  return [server, accepted];
}

function open(to: Endpoint, net = tcpNet()): Promise<Link> {
  return new Promise((resolve, reject) => {
    net.dial(to, {
      opened: (link) => {
        closers.push(() => link.destroy());
        resolve(link);
      },
      failed: (code, facts) => reject(new Error(`${code} ${JSON.stringify(facts)}`)),
    });
  });
}

function failure(to: Endpoint, net = tcpNet()): Promise<{ code: string; facts: Facts }> {
  return new Promise((resolve, reject) => {
    net.dial(to, {
      opened: () => reject(new Error('opened')),
      failed: (code, facts) => resolve({ code, facts }),
    });
  });
}

describe('dial', () => {
  test.each([
    ['ECONNREFUSED', HOST, 'ERR_DIAL_REFUSED'],
    ['ECONNRESET', HOST, 'ERR_DIAL_REFUSED'],
    ['EHOSTUNREACH', HOST, 'ERR_DIAL_UNREACHABLE'],
    ['ENETUNREACH', '::1', 'ERR_DIAL_UNREACHABLE'],
    ['ENETDOWN', HOST, 'ERR_DIAL_UNREACHABLE'],
    ['ETIMEDOUT', HOST, 'ERR_DIAL_UNREACHABLE'],
    ['EAFNOSUPPORT', '::1', 'ERR_DIAL_UNREACHABLE'],
    ['EADDRNOTAVAIL', '::1', 'ERR_DIAL_UNREACHABLE'],
    ['EADDRNOTAVAIL', HOST, 'ERR_LOCAL_LIMIT'],
    ['EMFILE', HOST, 'ERR_LOCAL_LIMIT'],
    ['ENFILE', HOST, 'ERR_LOCAL_LIMIT'],
    ['EACCES', HOST, 'ERR_LOCAL_LIMIT'],
    ['EPERM', HOST, 'ERR_LOCAL_LIMIT'],
    ['EINVAL', HOST, 'ERR_DIAL_UNREACHABLE'],
    ['ENETUNREACH', 'fe80::1%lo', 'ERR_DIAL_UNREACHABLE'],
  ])('%s to %s is %s', (syscode, host, code) => {
    expect(dialCodeOf(syscode, host)).toBe(code);
  });

  test('localAddress binds what we dial, in its own family only', async () => {
    const net = tcpNet({ localAddress: '127.0.0.7' });
    for (const [host, from] of [
      [HOST, '127.0.0.7'],
      ['::1', '::1'],
    ] as const) {
      let accept: (link: Link) => void = () => undefined;
      const accepted = new Promise<Link>((resolve) => (accept = resolve));
      const listener = await net.listen({ host, port: 0 }, (link) => accept(link));
      closers.push(() => listener.close());
      const near = await open(listener.local, net);
      const far = await accepted;
      closers.push(() => far.destroy());
      expect([near.local.host, far.remote.host]).toEqual([from, from]);
    }
  });

  test('a local address that is not ours is our limit', async () => {
    const [server] = await rawServer();
    const to = { host: HOST, port: portOf(server) };
    const { code, facts } = await failure(to, tcpNet({ localAddress: '192.0.2.1' }));
    expect([code, facts]).toEqual(['ERR_LOCAL_LIMIT', { syscode: 'EADDRNOTAVAIL', ...to }]);
  });

  test('an immediate failure is not reported after a cancel', async () => {
    const [server, accepted] = await rawServer();
    const to = { host: HOST, port: portOf(server) };
    const calls: string[] = [];
    const giveUp = tcpNet({ localAddress: '192.0.2.1' }).dial(to, {
      opened: () => calls.push('opened'),
      failed: () => calls.push('failed'),
    });
    giveUp();
    await open(to);
    await accepted;
    expect(calls).toEqual([]);
  });

  test.each([
    ['localhost', 'ERR_DIAL_NO_LOOKUP', {}],
    ['a.example', 'ERR_DIAL_NO_LOOKUP', {}],
    ['', 'ERR_DIAL_NO_LOOKUP', {}],
    ['abc.onion', 'ERR_DIAL_NO_PROXY', { network: 'onion' }],
    ['ABC.ONION.', 'ERR_DIAL_NO_PROXY', { network: 'onion' }],
    ['abc.b32.i2p', 'ERR_DIAL_NO_PROXY', { network: 'i2p' }],
    ['a.internal', 'ERR_DIAL_DNS', { syscode: 'ENOTDNS' }],
  ])('"%s" is not looked up: %s', async (host, code, facts) => {
    const lookup = jest.spyOn(dns, 'lookup');
    const to = { host, port: 8333 };
    let failed: unknown;
    tcpNet().dial(to, {
      opened: () => undefined,
      failed: (...why) => (failed = why),
    });
    expect(failed).toBeUndefined();
    await new Promise(setImmediate);
    expect(failed).toEqual([code, { ...to, ...facts }]);
    expect(lookup).not.toHaveBeenCalled();
    lookup.mockRestore();
  });

  test('cancelling a dial that cannot begin calls no handler', async () => {
    const calls: string[] = [];
    const handler = { opened: () => calls.push('opened'), failed: () => calls.push('failed') };
    tcpNet().dial({ host: 'abc.onion', port: 1 }, handler)();
    await new Promise(setImmediate);
    expect(calls).toEqual([]);
  });

  // The number of an interface is not a zone.
  const numbers = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap((address) => (address.family === 'IPv6' ? [`fe80::1%${address.scopeid}`] : [])),
  );

  test.each(['fe80::1', 'fe80::1%nosuch', 'FEBF::1', ...numbers])(
    '%s needs the zone of an interface',
    async (host) => {
      const { code, facts } = await failure({ host, port: 1 });
      expect([code, facts]).toEqual(['ERR_DIAL_ZONE', { host, port: 1 }]);
    },
  );

  test('a name is not looked up to listen on it', async () => {
    const listening = tcpNet().listen({ host: 'abc.onion', port: 0 }, () => undefined);
    await expect(listening).rejects.toMatchObject({
      code: 'ERR_LOCAL_ARGUMENT',
      facts: { value: 'abc.onion', why: 'not an IP address' },
    });
  });
});

describe('the other side', () => {
  test('its reset is a reset, and not a failure to dial', async () => {
    const [server, accepted] = await rawServer();
    const failures: string[] = [];
    const link = await new Promise<Link>((opened) => {
      tcpNet().dial({ host: HOST, port: portOf(server) }, { opened, failed: (code) => failures.push(code) });
    });
    const code = new Promise((closed) => link.attach({ data: () => undefined, closed }));
    (await accepted).resetAndDestroy();
    expect(await code).toBe('ERR_LINK_RESET');
    expect(failures).toEqual([]);
  });

  test('a reset before attach is reported after it, not inside', async () => {
    const [server, accepted] = await rawServer();
    const link = await open({ host: HOST, port: portOf(server) });
    const socket = await accepted;
    socket.resetAndDestroy();
    await once(socket, 'close');
    for (let turn = 0; turn < 10; turn += 1) {
      link.write([Buffer.from('into the void')]);
      await new Promise(setImmediate);
    }
    const codes: string[] = [];
    const closed = new Promise<void>((resolve) => {
      link.attach({ data: () => undefined, closed: (code) => resolve(void codes.push(code)) });
    });
    expect(codes).toEqual([]);
    await closed;
    expect(codes).toEqual(['ERR_LINK_RESET']);
  });

  test('its half close is an end: what we had written arrives, and we close', async () => {
    stopTimers();
    const [server, accepted] = await rawServer();
    const link = await open({ host: HOST, port: portOf(server) });
    const socket = await accepted;
    let size = 0;
    link.write([Buffer.alloc(8 * MIB)]);
    const code = new Promise((closed) => link.attach({ data: () => undefined, closed }));
    socket.end();
    expect(await code).toBe('ERR_LINK_EOF');
    socket.on('data', (chunk) => (size += chunk.length));
    await once(socket, 'end');
    expect(size).toBe(8 * MIB);
  });

  test('frames of one write leave together, and are not pending when the system took them', async () => {
    const [server, accepted] = await rawServer();
    const link = await open({ host: HOST, port: portOf(server) });
    const socket = await accepted;
    link.write([Buffer.from('one'), Buffer.from('two')]);
    expect(String((await once(socket, 'data'))[0])).toBe('onetwo');
    expect(link.pending).toBe(0);
  });

  test('our end is an end for it, not a reset, though it keeps sending', async () => {
    stopTimers();
    const [server, accepted] = await rawServer();
    const link = await open({ host: HOST, port: portOf(server) });
    const socket = await accepted;
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error)).resume();
    link.attach({ data: () => undefined, closed: () => undefined });
    link.write([Buffer.from('bye')]);
    link.end();
    socket.write('still talking');
    await once(socket, 'end');
    socket.write('and on');
    socket.end();
    await once(socket, 'close');
    expect(errors).toEqual([]);
  });
});

describe('a reader that does not read', () => {
  async function stuck(): Promise<{ link: Link; socket: Socket; written: number }> {
    const [server, accepted] = await rawServer();
    const link = await open({ host: HOST, port: portOf(server) });
    const socket = await accepted;
    let written = 0;
    while (link.pending < 4 * MIB) {
      link.write([Buffer.alloc(4 * MIB)]);
      written += 4 * MIB;
    }
    return { link, socket, written };
  }

  async function received(socket: Socket): Promise<number> {
    let size = 0;
    socket.on('error', () => undefined).on('data', (chunk) => (size += chunk.length));
    await Promise.race([once(socket, 'end'), once(socket, 'close')]);
    return size;
  }

  test('end gives it 2 s, then destroys the link', async () => {
    stopTimers();
    const { link, socket, written } = await stuck();
    link.end();
    jest.advanceTimersByTime(LINGER_MS);
    expect(await received(socket)).toBeLessThan(written);
  });

  test('a reader that has ended itself gets no more time', async () => {
    stopTimers();
    const { link, socket, written } = await stuck();
    const ended = new Promise((closed) => link.attach({ data: () => undefined, closed }));
    socket.end();
    expect(await ended).toBe('ERR_LINK_EOF');
    jest.advanceTimersByTime(LINGER_MS);
    expect(await received(socket)).toBeLessThan(written);
  });

  test('a reader that reads within that time gets everything', async () => {
    stopTimers();
    const { link, socket, written } = await stuck();
    link.end();
    jest.advanceTimersByTime(LINGER_MS - 1);
    expect(await received(socket)).toBe(written);
    socket.end();
    while (jest.getTimerCount() > 0) await new Promise(setImmediate);
  });

  test('pending is 0 after destroy', async () => {
    const { link } = await stuck();
    link.destroy();
    expect(link.pending).toBe(0);
  });
});

describe('listen', () => {
  test.each([
    ['192.0.2.1', 'EADDRNOTAVAIL'],
    ['2001:db8::1', 'EADDRNOTAVAIL'],
  ])('%s is not ours: %s', async (host, syscode) => {
    await expect(tcpNet().listen({ host, port: 0 }, () => undefined)).rejects.toMatchObject({
      code: 'ERR_LOCAL_ADDRESS',
      facts: { syscode, host, port: 0 },
    });
  });

  test('IPv4 and IPv6 share a port, as on Core', async () => {
    const net = tcpNet();
    // A port of the ephemeral range that is free for IPv6 can be in use for IPv4.
    const ports = await claimPorts();
    closers.push(() => ports.release());
    const six = await net.listen({ host: '::', port: ports.p2p }, () => undefined);
    closers.push(() => six.close());
    const four = await net.listen({ host: '0.0.0.0', port: six.local.port }, () => undefined);
    closers.push(() => four.close());
    expect(four.local.port).toBe(six.local.port);
  });

  test('a connection that is reset before it is accepted causes no error', async () => {
    const received: string[] = [];
    let wake: () => void = () => undefined;
    const accepted = new Promise<void>((resolve) => (wake = resolve));
    const listener = await tcpNet().listen({ host: HOST, port: 0 }, (link) => {
      closers.push(() => link.destroy());
      received.push(link.remote.host);
      wake();
    });
    closers.push(() => listener.close());
    const { port } = listener.local;
    const call = `const s = require('net').connect(${port}, '${HOST}', () => s.resetAndDestroy())`;
    // Blocks us, so that the connection is gone when its turn to be accepted comes.
    expect(spawnSync(process.execPath, ['-e', call]).status).toBe(0);
    await open(listener.local);
    await accepted;
    expect(received).toEqual([HOST]);
  });

  test('errors of the listening socket do not end the process', async () => {
    const spy = jest.spyOn(Server.prototype, 'listen');
    const closed: Facts[] = [];
    const listener = await tcpNet().listen(
      { host: HOST, port: 0 },
      (link) => closers.push(() => link.destroy()),
      (facts) => closed.push(facts),
    );
    closers.push(() => listener.close());
    const [server] = spy.mock.contexts as Server[];
    spy.mockRestore();
    const error = Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' });
    for (let n = 0; n < 3; n += 1) server?.emit('error', error);
    expect(closed).toEqual(Array(3).fill({ syscode: 'ENOBUFS', ...listener.local }));
    expect((await open(listener.local)).remote).toEqual(listener.local);
  });

  test('out of file descriptors, new connections are closed and the server keeps running', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verack-'));
    closers.push(() => rm(folder, { recursive: true }));
    await transpile(folder, [
      'src/net/tcp.ts',
      'src/net/host-kind.ts',
      'src/net/negotiation.ts',
      'src/net/option-names.ts',
      'src/net/faults/link-wrapper.ts',
      'src/reasons.ts',
      'src/proxy-reasons.ts',
      'src/inbound-reasons.ts',
    ]);
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'serve.js'), CROWDED);
    const child = spawn('sh', ['-c', `ulimit -n 60 && exec "${process.execPath}" serve.js`], { cwd: folder });
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (out += String(chunk)));
    await once(child, 'close');
    expect(out).toBe('EMFILE ERR_LOCAL_LIMIT, then accepted\n');
  });
});

/** Opens files to the limit, is called, makes room again, and is called once more. */
const CROWDED = `
import { closeSync, openSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tcpNet } from './src/net/tcp.js';
const net = tcpNet();
const held = [];
let full = false;
const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (link) => {
  if (full) return link.destroy();
  console.log(', then accepted');
  process.exit();
});
const call = \`
  const { connect } = require('node:net');
  const call = () => connect(\${listener.local.port}, '127.0.0.1').on('error', () => {}).on('close', call).resume();
  call();
\`;
const caller = spawn(process.execPath, ['-e', call], { stdio: 'ignore' });
process.on('exit', () => caller.kill());
try { for (;;) held.push(openSync('/dev/null')); } catch (error) { process.stdout.write(error.code); }
full = true;
net.dial(listener.local, {
  opened: () => console.log('opened?'),
  failed: (code) => {
    process.stdout.write(' ' + code);
    setTimeout(() => { full = false; held.forEach(closeSync); }, 300);
  },
});
`;
