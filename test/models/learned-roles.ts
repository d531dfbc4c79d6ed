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

/** Connections at the same time; encrypted ones cost both sides more. */
const PARALLEL = { v1: 32, v2: 16 } as const;

export const learnedListener = (
  { host, port }: { readonly host: string; readonly port: number },
  transport: Transport,
): Promise<LearnResult> =>
  learnNode({
    ...{ ...SHARED, transport, parallel: PARALLEL[transport], connection_type: 'inbound' },
    connections: dialledConnections({ host, port }, systemClock),
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

/** What learning has cost, in one line. */
export const figuresOf = ({ words, symbols, seconds, states, differences }: LearnResult): string =>
  `${words} words, ${symbols} symbols, ${seconds} s, ${states} states, ${differences.length} differences`;

/** The differences that known-differences.json does not explain, as text. */
export const unexplained = ({ model, differences }: LearnResult): string[] =>
  differences
    .filter((one) => explanationOf(one, model, loadKnownDifferences()) === undefined)
    .map(({ state, word, expected, actual }) =>
      [state, word.join(' '), expected.at(-1) ?? '', actual.at(-1) ?? ''].join(' | '),
    );
