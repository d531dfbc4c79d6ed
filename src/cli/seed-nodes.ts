/**
 * Nodes that are asked for addresses and left again (Core: `-seednode`, `AddAddrFetch`). What they answer goes into the node's
 * address book, as that of any peer. With a proxy for names the DNS seeds are such nodes: their names go to the proxy, and
 * never to a resolver.
 */
import { formatEndpoint, type ProxiedNet } from '../net/index.js';
import { type BitcoinNode, type CandidateSource, type Chain, VerackError } from '../index.js';

/** How long after its handshake a node may take to answer, milliseconds. */
const REPLY_MS = 30_000;

/** The nodes to ask: those of `-seednode`, and the DNS seeds where names go to a proxy. */
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

/** A source that names no address by itself: it waits until each of the nodes has answered, or failed. */
export const seedNodeSource = (
  node: () => Promise<BitcoinNode>,
  hosts: readonly string[],
): CandidateSource => ({
  find: async (signal) => {
    const asking = await node();
    await Promise.all(hosts.map((host) => askNode(asking, host, signal)));
    return [];
  },
});

/** The connection ends by itself once the node has sent more than its own address. */
async function askNode(node: BitcoinNode, host: string, signal: AbortSignal): Promise<void> {
  const peer = node.dial(host, { connection_type: 'addr-fetch', signal });
  let timer: NodeJS.Timeout | undefined;
  try {
    await peer.established();
    timer = setTimeout(() => peer.close(), REPLY_MS);
    await peer.ended();
  } catch (error) {
    // Why a connection failed is reported by the node.
    if (!(error instanceof VerackError)) throw error;
  } finally {
    clearTimeout(timer);
  }
}
