/**
 * Addresses from nodes that are asked for them and left again (Core: `-seednode`, `AddAddrFetch`). With a proxy for names the DNS
 * seeds are such nodes: their names go to the proxy, and never to a resolver.
 */
import {
  type DnsOptions,
  formatEndpoint,
  type Network,
  type ProxiedNet,
  type SeedAddress,
  seedAddresses,
} from '../net/index.js';
import type { BitcoinNode, CandidateSource, Chain } from '../index.js';
import {
  decodeMessage,
  formatAddress,
  fromLegacy,
  type Message,
  networkOfNetAddress,
} from '../wire/index.js';
import type { NetAddress } from '../wire/index.js';

/** Addresses that are kept of one node (Core: `MAX_ADDR_TO_SEND`). */
const MAX_ADDRESSES = 1_000;
/** How long after its handshake a node may take to answer, milliseconds. */
const REPLY_MS = 30_000;

type Entry = Extract<Message, { command: 'addr' | 'addrv2' }>['addresses'][number];

export interface SeedNodesOptions {
  /** Networks whose addresses are taken. */
  readonly reachable: ReadonlySet<Network>;
  readonly signal: AbortSignal;
}

/** The nodes to ask: those of `-seednode`, and the DNS seeds where names go to a proxy. */
export function seedNodesOf(
  { seednode = [], dnsseed = true }: { seednode?: readonly string[]; dnsseed?: boolean },
  chain: Chain,
  net: ProxiedNet,
): readonly string[] {
  const wantsSeeds = dnsseed && net.hasNameProxy;
  return [
    ...seednode,
    ...(wantsSeeds ? chain.seeds.map((host) => formatEndpoint({ host, port: chain.port })) : []),
  ];
}

export interface SeedNodeSourceOptions extends Omit<SeedNodesOptions, 'signal'> {
  /** What is asked when no node answers: DNS with these options, and the fixed list. */
  readonly dns: DnsOptions;
  readonly dnsseed: boolean;
  readonly unroutable: (addresses: readonly SeedAddress[]) => void;
}

/** A source that asks those nodes first, and the DNS seeds or the fixed list where none of them answers. */
export function seedNodeSource(
  node: () => Promise<BitcoinNode>,
  hosts: readonly string[],
  { reachable, dns, dnsseed, unroutable }: SeedNodeSourceOptions,
): CandidateSource {
  return {
    find: async (signal) => {
      const asking = await node();
      const found = await askSeedNodes(asking, hosts, { reachable, signal });
      if (found.length > 0 || signal.aborted) return found;
      const { chain } = asking;
      const asked = dnsseed ? chain : { ...chain, seeds: [] };
      return seedAddresses(asked, { ...dns, signal, random: Math.random, unroutable });
    },
  };
}

/** What all of them answer, each address once. Nodes that fail give none. */
async function askSeedNodes(
  node: BitcoinNode,
  hosts: readonly string[],
  options: SeedNodesOptions,
): Promise<SeedAddress[]> {
  const answers = await Promise.all(hosts.map((host) => askNode(node, host, options)));
  const found = new Map(answers.flat().map((address) => [formatEndpoint(address), address]));
  return [...found.values()];
}

/** The connection ends by itself once the node has told more than its own address. */
async function askNode(node: BitcoinNode, host: string, options: SeedNodesOptions): Promise<SeedAddress[]> {
  const peer = node.dial(host, { connection_type: 'addr-fetch', signal: options.signal });
  const found: SeedAddress[] = [];
  const listen = ({ id, direction, command, payload }: Received): void => {
    if (id !== peer.id || direction !== 'received' || found.length >= MAX_ADDRESSES) return;
    found.push(...addressesIn(command, payload, options).map((at) => ({ ...at, source: host })));
  };
  node.on('message', listen);
  let timer: NodeJS.Timeout | undefined;
  try {
    await peer.established();
    timer = setTimeout(() => peer.close(), REPLY_MS);
    await peer.ended();
  } catch {
    // Why it failed is reported by the node.
  } finally {
    clearTimeout(timer);
    node.off('message', listen);
  }
  return found.slice(0, MAX_ADDRESSES);
}

interface Received {
  readonly id: number;
  readonly direction: 'sent' | 'received';
  readonly command: string;
  readonly payload: Uint8Array;
}

function addressesIn(command: string, payload: Uint8Array, options: SeedNodesOptions) {
  if (command !== 'addr' && command !== 'addrv2') return [];
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) return [];
  const { addresses } = decoded.message as { readonly addresses: readonly Entry[] };
  return addresses.flatMap((entry) => {
    const address: NetAddress = 'ip' in entry ? fromLegacy(entry.ip) : entry;
    return isWanted(address, options) ? [{ host: formatAddress(address), port: entry.port }] : [];
  });
}

/** Addresses that are not public count for nothing, as in Core (`AddrMan::Add`). */
function isWanted(address: NetAddress, { reachable }: SeedNodesOptions): boolean {
  const network = networkOfNetAddress(address);
  return network !== 'not_publicly_routable' && reachable.has(network);
}
