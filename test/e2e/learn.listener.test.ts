/** Nodes learned over TCP: our own, which must not differ from our chart, and real ones, whose differences must be explained. */
import { expect, test, jest } from '@jest/globals';
import { createNode, systemClock, tcpNet } from '../../src/index.js';
import { acceptedConnections, learnNode } from '../../src/learn/index.js';
import { NETWORKS } from '../../src/networks.js';
import { figuresOf, learnedListener, unexplained } from '../models/learned-roles.js';
import { print } from '../support/print.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

// A close that comes later than the settle time of a busy machine is read as silence; the run is repeated then.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const SHARED = { chain: NETWORKS.regtest, clock: systemClock, transport: 'v1', pause: 0 } as const;

test.each(['v1', 'v2'] as const)(
  'our own listener behaves as our chart over %s',
  async (transport) => {
    const v2transport = transport === 'v2';
    await using node = createNode({ chain: 'regtest', v2transport, rules: { relay: true } });
    const result = await learnedListener((await node.listen(LOOPBACK)).local, transport);
    print(`our own listener over ${transport}: ${figuresOf(result)}`);
    expect(result.differences).toEqual([]);
    expect(result.words).toBeLessThanOrEqual(3_000);
  },
  120_000,
);

test('our own dialler behaves as our chart', async () => {
  await using node = createNode({ chain: 'regtest', maxoutbound: 64, rules: { relay: true } });
  const dialler = {
    ...{ types: ['manual'], choosesV2: true, patience: 0 },
    dial: ({ at, v2 }: { at: { host: string; port: number }; v2: boolean }) =>
      Promise.resolve(void node.dial(at, { v2transport: v2 })),
  };
  const result = await learnNode({
    ...SHARED,
    parallel: 8,
    connection_type: 'manual',
    connections: acceptedConnections({
      ...{ net: tcpNet(), host: LOOPBACK.host, dialler, type: 'manual', v2: false, clock: systemClock },
    }),
  });
  print(`our own dialler: ${figuresOf(result)}`);
  expect(result.model.greeting).toBe('version');
  expect(result.differences).toEqual([]);
});

const STARTS: readonly [RealNode['name'], () => Promise<RealNode>][] = [
  ['bitcoind', bitcoind],
  ['litecoind', litecoind],
  // It bans a host that misbehaves; each word has one of its own, but the ban of another test must not count.
  ['bcoin', () => bcoin({ args: ['--ban-score=1000000000'] })],
];

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'real nodes', () => {
  test.each(STARTS)(
    '%s differs from our chart only as it is known to',
    async (name, start) => {
      await using node = await start();
      const result = await learnedListener(node, 'v1');
      print(`the listener of ${name}: ${figuresOf(result)}`);
      expect(unexplained(result)).toEqual([]);
      expect(result.words).toBeLessThanOrEqual(3_000);
    },
    180_000,
  );
});
