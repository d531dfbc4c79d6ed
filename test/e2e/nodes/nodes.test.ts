import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Child, freshFolder } from './child-process.js';
import { bcoin, bitcoind, describeNode, litecoind, missing, type NodeName, type RealNode } from './nodes.js';
import { claimPorts } from './ports.js';

const START = { bitcoind, litecoind, bcoin };
const AGENT = { bitcoind: /^\/Satoshi:/, litecoind: /^\/LitecoinCore:/, bcoin: /^\/bcoin:/ };

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each(['bitcoind', 'litecoind', 'bcoin'] as const)('%s', (name) => {
  describeNode(name, 'by itself', () => {
    test('starts without peers, stops, and leaves nothing behind', async () => {
      const node = await START[name]();
      expect(node.version).toMatch(AGENT[name]);
      expect(await node.getpeerinfo()).toEqual([]);
      expect(isAlive(node.pid)).toBe(true);
      await node.stop();
      await node.stop();
      expect(isAlive(node.pid)).toBe(false);
      expect(existsSync(node.folder)).toBe(false);
      expect(node.logTail()).not.toBe('');
    });

    test('reports why it cannot start', async () => {
      const { port, stop } = await squatter();
      const flag = name === 'bcoin' ? `--http-port=${port}` : `-rpcport=${port}`;
      await expect(START[name]({ args: [flag] })).rejects.toThrow(
        /ended while starting .*its last words:\n.+/s,
      );
      await stop();
    });

    test('uses loopback only', async () => {
      await using node = await START[name]();
      await expect(node.dial('192.0.2.1', 18_444)).rejects.toThrow('only loopback is dialled');
    });

    test('distinguishes an unknown method from a failed request', async () => {
      await using node = await START[name]();
      await expect(node.rpc('nonsense')).rejects.toMatchObject({ name: 'RpcError', code: -32_601 });
    });
  });
});

/** Another process that uses the port. */
async function squatter(): Promise<{ port: number; stop: () => Promise<unknown> }> {
  const claim = await claimPorts();
  const server = createServer();
  await new Promise<void>((listening) => server.listen(claim.rpc, '127.0.0.1', listening));
  claim.release();
  return { port: claim.rpc, stop: () => new Promise((closed) => server.close(closed)) };
}

describe('two nodes complete a handshake', () => {
  const pairs: [NodeName, NodeName, boolean | undefined, 'v1' | 'v2'][] = [
    ['bitcoind', 'bitcoind', undefined, 'v2'],
    ['bitcoind', 'bitcoind', false, 'v1'],
    ['bitcoind', 'litecoind', undefined, 'v1'],
    ['bitcoind', 'bcoin', false, 'v1'],
    ['litecoind', 'bitcoind', undefined, 'v1'],
    ['litecoind', 'bcoin', undefined, 'v1'],
    ['bcoin', 'bitcoind', undefined, 'v1'],
    ['bcoin', 'litecoind', undefined, 'v1'],
  ];

  for (const [from, to, v2, transport] of pairs) {
    describeNode([from, to], `${from} dials ${to}, asked for ${transportText(v2)}`, () => {
      test(`over ${transport}`, async () => {
        await using dialler: RealNode = await START[from]();
        await using listener: RealNode = await START[to]();
        await dialler.dial(listener.host, listener.port, v2);
        const [out] = await dialler.handshaken();
        const [inn] = await listener.handshaken();
        expect(out).toMatchObject({ inbound: false, subver: listener.version, transport });
        expect(out?.addr).toBe(`127.0.0.1:${listener.port}`);
        expect(inn).toMatchObject({ inbound: true, subver: dialler.version, transport });
      });
    });
  }

  function transportText(v2: boolean | undefined): string {
    return v2 === undefined ? 'nothing' : v2 ? 'v2' : 'v1';
  }
});

describe('a child of a test run that is killed', () => {
  test('ends with it, and its directory is removed', async () => {
    const child = new Child('sleep', ['60'], freshFolder('child'));
    expect(isAlive(child.pid)).toBe(true);
    await child.abandon();
    expect(isAlive(child.pid)).toBe(false);
    expect(existsSync(child.folder)).toBe(false);
  });

  test('that could not be started is not a failure either', async () => {
    const child = new Child('no-such-program', [], freshFolder('child'));
    await child.stop();
    expect(child.end).toContain('ENOENT');
  });
});

describe('ports', () => {
  test('claimed at the same time are different, and below the ephemeral range', async () => {
    const claims = await Promise.all(Array.from({ length: 40 }, claimPorts));
    const ports = claims.flatMap(({ p2p, rpc, spare }) => [p2p, rpc, spare]);
    expect(new Set(ports).size).toBe(120);
    expect(Math.max(...ports)).toBeLessThan(32_768);
    for (const claim of claims) claim.release();
  });
});

describe('a node that is not installed', () => {
  const saved = { ...process.env };
  afterEach(() => {
    process.env = { ...saved };
  });

  test('is reported with the command that installs it', () => {
    Object.assign(process.env, { PATH: '', VERACK_NODES: '/nowhere', BITCOIND: '' });
    expect(missing('bitcoind')).toBe('bitcoind is not installed: run test/e2e/nodes/provision.sh bitcoind');
  });

  test('is not replaced by another one when the user named one', () => {
    process.env.BITCOIND = '/nowhere/bitcoind';
    expect(missing('bitcoind')).toBe('BITCOIND=/nowhere/bitcoind is not an executable program');
  });
});
