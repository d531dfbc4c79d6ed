/**
 * Asks nodes for addresses and then disconnects (Core: `-seednode`, `AddAddrFetch`). The answers go into the address book,
 * like those of any peer. When a proxy resolves names, the DNS seeds are asked in this way: their names are sent to the
 * proxy, never to a resolver.
 */
import { formatEndpoint, type ProxiedNet } from '../net/index.js';
import {
  type BitcoinNode,
  type CandidateSource,
  type Chain,
  type Reason,
  reasonOf,
  VerackError,
} from '../index.js';

/** Milliseconds that a node has to answer after its handshake. */
const REPLY_MS = 30_000;

/** The nodes to ask: those of `-seednode`, and the DNS seeds if a proxy resolves names. */
export function seedNodesOf(
  { seednode = [], dnsseed = true }: { seednode?: readonly string[]; dnsseed?: boolean },
  chain: Chain,
  net: Pick<ProxiedNet, 'hasNameProxy'>,
): readonly string[] {
  const wantsSeeds = dnsseed && net.hasNameProxy;
  return [
    ...seednode,
    ...(wantsSeeds ? chain.seeds.map((host) => formatEndpoint({ host, port: chain.port })) : []),
  ];
}

/** Called for a node to which no connection was opened, for example because its name has no address. */
type Failed = (host: string, reason: Reason) => void;

/** A source that finds no addresses itself, since the node adds them to its book: it resolves when each node has answered or failed. */
export const seedNodeSource = (
  node: () => Promise<BitcoinNode>,
  hosts: readonly string[],
  failed: Failed,
): CandidateSource => ({
  find: async (signal) => {
    const asking = await node();
    await Promise.all(hosts.map((host) => askNode(asking, host, signal, failed)));
    return [];
  },
});

/** Asks one node. An `addr-fetch` connection closes itself once the node has sent more than its own address. */
async function askNode(node: BitcoinNode, host: string, signal: AbortSignal, failed: Failed): Promise<void> {
  const peer = node.dial(host, { connection_type: 'addr-fetch', signal });
  let timer: NodeJS.Timeout | undefined;
  try {
    await peer.established();
    timer = setTimeout(() => peer.close(), REPLY_MS);
    await peer.ended();
  } catch (error) {
    if (!(error instanceof VerackError)) throw error;
    // The log of the node reports why a connection failed.
    if (peer.id === 0 && !signal.aborted) failed(host, reasonOf(error));
  } finally {
    clearTimeout(timer);
  }
}
