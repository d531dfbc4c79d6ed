/** Real nodes learned over v2 and in the role of the dialler: every difference from our chart must be explained. */
import { expect, jest, test } from '@jest/globals';
import { systemClock, tcpNet, NETWORKS } from '../../src/index.js';
import {
  acceptedConnections,
  dialledConnections,
  explanationOf,
  learnNode,
  type LearnResult,
  loadKnownDifferences,
} from '../../src/learn/index.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

// A close that comes later than the settle time of a busy machine is read as silence; the run is repeated then.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

type Transport = 'v1' | 'v2';
const SHARED = { chain: NETWORKS.regtest, clock: systemClock, pause: 0 } as const;

const learnedListener = (node: RealNode, transport: Transport): Promise<LearnResult> =>
  learnNode({
    ...{ ...SHARED, transport, parallel: 8, connection_type: 'inbound' },
    connections: dialledConnections({ host: node.host, port: node.port }, systemClock),
  });

/** Has the node dial once for every word. */
function learnedDialler(node: RealNode, transport: Transport): Promise<LearnResult> {
  const v2 = transport === 'v2';
  const dialler = {
    ...{ types: ['manual'], choosesV2: true, patience: 5_000 },
    dial: ({ at }: { at: { host: string; port: number } }) =>
      node.dial(at.host, at.port, node.name === 'bitcoind' ? v2 : undefined),
  };
  const accepting = { net: tcpNet(), host: '127.0.0.1', dialler, type: 'manual', v2, clock: systemClock };
  return learnNode({
    ...{ ...SHARED, transport, parallel: 16, connection_type: 'manual' },
    connections: acceptedConnections(accepting),
  });
}

const unexplained = ({ model, differences }: LearnResult): string[] =>
  differences
    .filter((one) => explanationOf(one, model, loadKnownDifferences()) === undefined)
    .map(({ state, witness, expected, actual }) =>
      [state, witness.join(' '), expected.at(-1) ?? '', actual.at(-1) ?? ''].join(' | '),
    );

type Learn = (node: RealNode, transport: Transport) => Promise<LearnResult>;
const RUNS: readonly [string, () => Promise<RealNode>, Transport, Learn][] = [
  ['the listener of bitcoind over v2', bitcoind, 'v2', learnedListener],
  ['the dialler of bitcoind over v1', bitcoind, 'v1', learnedDialler],
  ['the dialler of bitcoind over v2', bitcoind, 'v2', learnedDialler],
  ['the dialler of litecoind', litecoind, 'v1', learnedDialler],
  ['the dialler of bcoin', () => bcoin({ args: ['--ban-score=1000000000'] }), 'v1', learnedDialler],
];

describeNode(['bitcoind', 'litecoind', 'bcoin'], 'real nodes', () => {
  test.each(RUNS)(
    '%s differs from our chart only as it is known to',
    async (_, start, transport, learn) => {
      await using node = await start();
      const result = await learn(node, transport);
      expect(unexplained(result)).toEqual([]);
      expect(result.words).toBeLessThanOrEqual(3_000);
    },
    180_000,
  );
});
