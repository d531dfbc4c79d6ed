/** The destination of a dial: which hosts are looked up, which are passed to the net unchanged, and which are refused. */
import { describe, expect, test } from '@jest/globals';

import { createNode, type Endpoint, memoryNet, type NodeOptions, type VerackError } from '../src/index.js';
import type { Lookup } from '../src/net/dns.js';
import { failLater } from '../src/net/negotiation.js';
import { destinationOf } from '../src/node/destination.js';
import { recordedNode } from '../src/recording/record-and-replay.js';

const PORT = 18444;
const ONION = `${'2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid'}.onion`;
const I2P = 'ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p';

describe('text', () => {
  test.each([
    ['name', { name: 'name', port: PORT }],
    ['a.example:1', { name: 'a.example', port: 1 }],
    ['onion:1', { name: 'onion', port: 1 }],
    ['192.0.2.1', { addresses: [{ host: '192.0.2.1', port: PORT }] }],
    ['[2001:DB8::1]:2', { addresses: [{ host: '2001:db8::1', port: 2 }] }],
    [ONION, { addresses: [{ host: ONION, port: PORT }] }],
    [`${ONION.toUpperCase()}.:1`, { addresses: [{ host: `${ONION}.`, port: 1 }] }],
    [I2P, { addresses: [{ host: I2P, port: 0 }] }],
    [`${I2P}:0`, { addresses: [{ host: I2P, port: 0 }] }],
    [`${I2P}:8333`, { addresses: [{ host: I2P, port: 8333 }] }],
    ['a.internal', { addresses: [{ host: 'a.internal', port: PORT }] }],
  ])('%s', (text, destination) => {
    expect(destinationOf(text, PORT)).toEqual(destination);
  });

  test.each(['', 'name:0', '192.0.2.1:0', `${ONION}:0`, `${I2P}:65536`, 'a b.onion'])(
    '"%s" is refused',
    (text) => {
      expect(() => destinationOf(text, PORT)).toThrow('ERR_LOCAL_ARGUMENT');
    },
  );
});

describe('endpoints', () => {
  test.each([
    { host: '192.0.2.1', port: 1 },
    { host: 'fe80::1%eth0', port: 1 },
    { host: ONION, port: 1 },
    { host: I2P, port: 0 },
    { host: 'a.internal', port: 1 },
  ])('$host:$port', (endpoint) => {
    expect(destinationOf(endpoint, PORT)).toEqual({ addresses: [endpoint] });
    expect(destinationOf([endpoint, endpoint], PORT)).toEqual({ addresses: [endpoint, endpoint] });
  });

  test.each([
    { host: 'name', port: 1 },
    { host: '', port: 1 },
    { host: '192.0.2.1', port: 0 },
    { host: '192.0.2.1', port: 1.5 },
    { host: ONION, port: 0 },
    { host: ONION, port: 65_536 },
    { host: ONION, port: Number.NaN },
    { host: `a\n${ONION}`, port: 1 },
    { host: `a:1.onion`, port: 1 },
  ])('$host:$port is refused', (endpoint) => {
    expect(() => destinationOf(endpoint, PORT)).toThrow('ERR_LOCAL_ARGUMENT');
  });

  test('none at all is refused', () => {
    expect(() => destinationOf([] as unknown as [Endpoint], PORT)).toThrow('ERR_LOCAL_ARGUMENT');
  });
});

describe('a node', () => {
  /** What the net and the resolver of a node are asked for. */
  function observed() {
    const dialled: string[] = [];
    const asked: string[] = [];
    const lookup: Lookup = (name, handler) => {
      asked.push(name);
      handler.failed({ code: 'ERR_DIAL_DNS', facts: {} });
      return () => undefined;
    };
    const net: NodeOptions['net'] = {
      ...memoryNet(),
      dial: ({ host, port }, handler) => {
        dialled.push(`${host}:${port}`);
        return failLater(handler, { code: 'ERR_DIAL_NO_PROXY', facts: {} });
      },
    };
    return { dialled, asked, options: { chain: 'regtest', net, lookup } satisfies NodeOptions };
  }

  test('passes hosts of other networks to the net, without a DNS query', async () => {
    const { dialled, asked, options } = observed();
    const node = createNode(options);
    const hosts = [
      `${ONION}:8333`,
      I2P,
      { host: 'abc.onion', port: 2 },
      { host: I2P.replace('u', 'a'), port: 0 },
    ];
    const ends = hosts.map((host) =>
      node
        .dial(host)
        .established()
        .catch(({ code }: VerackError) => code),
    );
    const codes = await Promise.all(ends);
    expect(codes).toEqual(hosts.map(() => 'ERR_DIAL_NO_PROXY'));
    expect(dialled).toEqual([`${ONION}:8333`, `${I2P}:0`, 'abc.onion:2', `${I2P.replace('u', 'a')}:0`]);
    expect(asked).toEqual([]);
    await expect(node.dial('a.example').established()).rejects.toThrow('ERR_DIAL_DNS');
    expect(asked).toEqual(['a.example']);
    await node.stop();
  });

  test('is recorded with what it dialled', async () => {
    const { options } = observed();
    const lines: string[] = [];
    const node = recordedNode({ isOpen: true, take: (more) => void lines.push(...more) }, options);
    for (const host of [I2P, `${I2P}:0`, 'a.example:1'])
      await node
        .dial(host)
        .established()
        .catch(() => undefined);
    await node.stop();
    const inputs = lines.map((line) => JSON.parse(line) as { in?: string; to?: unknown; name?: string });
    expect(inputs.filter(({ in: input }) => input === 'dial').map(({ to }) => to)).toEqual([
      [{ host: I2P, port: 0 }],
      [{ host: I2P, port: 0 }],
    ]);
    expect(inputs.filter(({ in: input }) => input === 'dialname').map(({ name }) => name)).toEqual([
      'a.example',
    ]);
  });
});
