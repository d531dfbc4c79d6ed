/** Real nodes learned in one role over one transport, and the differences from our chart that nothing explains. */
import { NETWORKS, systemClock, tcpNet } from '../../src/index.js';
import {
  acceptedConnections,
  dialledConnections,
  explanationOf,
  learnNode,
  type LearnResult,
  loadKnownDifferences,
} from '../../src/learn/index.js';
import type { RealNode } from '../e2e/nodes/real-node.js';

export type Transport = 'v1' | 'v2';
const SHARED = { chain: NETWORKS.regtest, clock: systemClock, pause: 0 } as const;

export const learnedListener = (node: RealNode, transport: Transport): Promise<LearnResult> =>
  learnNode({
    ...{ ...SHARED, transport, parallel: 8, connection_type: 'inbound' },
    connections: dialledConnections({ host: node.host, port: node.port }, systemClock),
  });

/** Has the node dial once for every word. */
export function learnedDialler(node: RealNode, transport: Transport): Promise<LearnResult> {
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

/** As text. */
export const unexplained = ({ model, differences }: LearnResult): string[] =>
  differences
    .filter((one) => explanationOf(one, model, loadKnownDifferences()) === undefined)
    .map(({ state, witness, expected, actual }) =>
      [state, witness.join(' '), expected.at(-1) ?? '', actual.at(-1) ?? ''].join(' | '),
    );
