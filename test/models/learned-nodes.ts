/** The nodes whose models are in `src/learn/models`: how each one is started, and what it is called. */
import { createNode } from '../../src/index.js';
import { bcoin, bitcoind, litecoind, type NodeOptions, type RealNode } from '../e2e/nodes/real-node.js';
import type { Endpoint } from '../../src/net/link.js';

/** A node that listens on loopback. */
export interface RunningNode extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

export interface LearnedNode {
  /** Of the file, without `.json`. */
  readonly name: string;
  readonly label: string;
  /** The program that must be installed; absent for our own. */
  readonly program?: 'bitcoind' | 'litecoind' | 'bcoin';
  /** Options that change what it does. */
  readonly settings: string;
  /** Whether it also accepts v2. */
  readonly v2: boolean;
  readonly start: () => Promise<RunningNode>;
}

/** One model for the default settings, and one for each option that changes what a polite peer sees. */
const real = (
  program: 'bitcoind' | 'litecoind' | 'bcoin',
  label: string,
  start: (options: NodeOptions) => Promise<RealNode>,
  settings: Readonly<Record<string, string>>,
): LearnedNode[] =>
  Object.entries(settings).map(([suffix, option]) => ({
    ...{ name: `${program}${suffix}`, label, program, settings: option, v2: program === 'bitcoind' },
    start: () => start({ args: [...always(program), ...option.split(' ').filter((arg) => arg !== '')] }),
  }));

/** The learner misbehaves on purpose: bcoin would ban it. */
const always = (program: string): string[] => (program === 'bcoin' ? ['--ban-score=1000000000'] : []);

async function ours(relay: boolean): Promise<RunningNode> {
  const node = createNode({ chain: 'regtest', v2transport: true, rules: { relay } });
  const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
  return { ...(local satisfies Endpoint), [Symbol.asyncDispose]: () => node.stop() };
}

export const LEARNED_NODES: readonly LearnedNode[] = [
  ...real('bitcoind', 'Bitcoin Knots 29 (as Bitcoin Core 29)', bitcoind, {
    '': '',
    '-blocksonly': '-blocksonly=1',
  }),
  ...real('litecoind', 'Litecoin Core 0.21', litecoind, { '': '' }),
  ...real('bcoin', 'bcoin 1.0', bcoin, { '': '' }),
  { name: 'verack', label: 'verack', settings: '', v2: true, start: () => ours(false) },
  { name: 'verack-relay', label: 'verack', settings: '--relay', v2: true, start: () => ours(true) },
];
