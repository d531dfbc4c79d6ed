/** A node of verack as a node under test: its listener, and a dialler for outbound cases. */
import { type BitcoinNode, type Chain, createNode, type DialOptions, type NodeOptions } from '../../index.js';
import { tcpNet } from '../../net/index.js';
import { OUTBOUND_CONNECTION_TYPES } from '../../../machines/index.js';
import { netOfEachCase } from '../loopback-net.js';
import type { Dialler, NodeUnderTest } from '../node-under-test.js';

/** A node of verack that listens on loopback. */
export interface OwnNode extends AsyncDisposable {
  readonly name: string;
  readonly subject: NodeUnderTest;
}

const dialOptionsOf = (type: string, v2transport: boolean): DialOptions => ({
  connection_type: type as NonNullable<DialOptions['connection_type']>,
  v2transport,
});

const diallerOf = (node: BitcoinNode): Dialler => ({
  types: OUTBOUND_CONNECTION_TYPES,
  choosesV2: true,
  patience: 0,
  dial: ({ at, type, v2 }) => {
    node.dial(at, dialOptionsOf(type, v2));
    return Promise.resolve();
  },
});

/** Starts a node on a free port of 127.0.0.1. Disposing it stops the node. */
export async function startOwnNode(name: string, chain: Chain, options: NodeOptions = {}): Promise<OwnNode> {
  const node = createNode({ chain: chain.chain, ...options });
  const { local } = await node.listen({ host: '127.0.0.1', port: 0 });
  const subject: NodeUnderTest = {
    net: tcpNet(),
    at: local,
    netOfCase: netOfEachCase(local)!,
    // The node has no chain, so it behaves as one whose newest block is old.
    meets: ['old-tip'],
    peers: () => Promise.resolve(node.peers.list().map(({ addr }) => addr)),
    dialler: diallerOf(node),
  };
  return { name, subject, [Symbol.asyncDispose]: () => node.stop() };
}
