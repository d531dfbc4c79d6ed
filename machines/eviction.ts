/**
 * Selects the inbound peer that is disconnected for a new one, in the steps of Bitcoin Core's `SelectNodeToEvict`
 * (node/eviction.cpp).
 *
 * Each step protects a number of peers by a property that is expensive to forge; a peer that remains at the end may be
 * evicted. The result does not depend on the order of the candidates.
 */
import type { Hex64 } from './events.js';

/**
 * What is known about one peer. `C` names Core's field in `NodeEvictionCandidate`.
 *
 * verack relays neither transactions nor blocks, so three fields have the same value for every peer: `lasttransaction` and
 * `lastblock` are 0, `bloomfilter` is false. The steps that read them then use their next criterion, as Core's do for peers
 * that have not relayed anything yet.
 */
export interface EvictionCandidate {
  readonly id: number;
  /** When the connection was accepted, milliseconds of the node's clock. C: m_connected. */
  readonly connectedat: number;
  /** Lowest ping time, milliseconds; `Infinity` before the first pong. C: m_min_ping_time. */
  readonly minping: number;
  /** When it last sent a new block, UNIX time in seconds; 0 for never. C: m_last_block_time. */
  readonly lastblock: number;
  /** When it last sent a transaction that was new and valid, UNIX time in seconds; 0 for never. C: m_last_tx_time. */
  readonly lasttransaction: number;
  /** Whether it offers the services that this node requires (`NETWORK` and `WITNESS`). C: fRelevantServices. */
  readonly relevantservices: boolean;
  /** Whether it asked for transactions in its `version`. C: m_relay_txs. */
  readonly relaytxes: boolean;
  /** Whether it has loaded a bloom filter. C: fBloomFilter. */
  readonly bloomfilter: boolean;
  /** Its netgroup, hashed with a secret key of this node, so that peers cannot predict the order. C: nKeyedNetGroup. */
  readonly keyednetgroup: Hex64;
  /** Whether its address is discouraged. C: prefer_evict. */
  readonly preferevict: boolean;
  /** Whether it connects from this machine. C: m_is_local. */
  readonly islocal: boolean;
  /** As `network` in `getpeerinfo`. C: m_network. */
  readonly network: string;
  /** Whether the user has exempted it. C: m_noban. */
  readonly noban: boolean;
  /** C: m_conn_type. */
  readonly inbound: boolean;
  /** Whether its handshake is not complete yet. Not in Core. */
  readonly handshaking: boolean;
}

/** How many peers each step protects, as in Core. */
export const PROTECTED = { netgroup: 4, ping: 8, transaction: 4, blockRelay: 8, block: 4 } as const;

type Candidates = readonly EvictionCandidate[];
type Predicate = (candidate: EvictionCandidate) => boolean;
/** A sort order; each step protects the last candidates of its order. */
type Order = (a: EvictionCandidate, b: EvictionCandidate) => number;

/**
 * The id of the peer to evict; undefined when all are protected.
 *
 * `newNetgroup` (not in Core): the keyed netgroup of the new connection. A peer whose handshake is not complete is not evicted for a
 * newer connection from its own netgroup: otherwise one host could prevent all handshakes from its netgroup. Another peer of
 * that netgroup is evicted instead, or none.
 */
export function selectPeerToEvict(candidates: Candidates, newNetgroup?: Hex64): number | undefined {
  const unprotected = protectByRatio(protectByNumber(candidates.filter(isEvictable)));
  const preferred = unprotected.filter(({ preferevict }) => preferevict);
  const group = largestNetgroup(preferred.length > 0 ? preferred : unprotected);
  const isExempt: Predicate = ({ handshaking, keyednetgroup }) =>
    handshaking && keyednetgroup === newNetgroup;
  return group.find((candidate) => !isExempt(candidate))?.id;
}

const isEvictable: Predicate = ({ noban, inbound }) => inbound && !noban;

/** Removes the candidates that are protected by netgroup, ping time, transactions and blocks. */
function protectByNumber(candidates: Candidates): Candidates {
  const byGroup = protectLast(candidates, byNetgroup, PROTECTED.netgroup);
  const byPing = protectLast(byGroup, byPingTime, PROTECTED.ping);
  const byTransaction = protectLast(byPing, byTransactionTime, PROTECTED.transaction);
  const byRelay = protectLast(byTransaction, byBlockRelayTime, PROTECTED.blockRelay, isBlockRelayOnly);
  return protectLast(byRelay, byBlockTime, PROTECTED.block);
}

/** Sorts the candidates and removes those of the last `count` that match `predicate`. C: EraseLastKElements. */
function protectLast(
  candidates: Candidates,
  order: Order,
  count: number,
  predicate: Predicate = () => true,
): Candidates {
  const sorted = candidates.toSorted(order);
  const start = Math.max(0, sorted.length - count);
  return sorted.filter((candidate, index) => index < start || !predicate(candidate));
}

const isBlockRelayOnly: Predicate = ({ relaytxes, relevantservices }) => !relaytxes && relevantservices;

/** Sorts false before true. */
const byBoolean = (a: boolean, b: boolean): number => Number(a) - Number(b);

/** Sorts the most recent connection first. */
const byUptime: Order = (a, b) => b.connectedat - a.connectedat || b.id - a.id;

const byNetgroup: Order = (a, b) => {
  if (a.keyednetgroup === b.keyednetgroup) return byUptime(a, b);
  return a.keyednetgroup < b.keyednetgroup ? -1 : 1;
};

/** Sorts the slowest first. Two unknown ping times are compared with `===`, because Infinity - Infinity is NaN. */
const byPingTime: Order = (a, b) => (a.minping === b.minping ? byUptime(a, b) : b.minping - a.minping);

const byTransactionTime: Order = (a, b) =>
  a.lasttransaction - b.lasttransaction ||
  byBoolean(a.relaytxes, b.relaytxes) ||
  byBoolean(b.bloomfilter, a.bloomfilter) ||
  byUptime(a, b);

const byBlockTime: Order = (a, b) =>
  a.lastblock - b.lastblock || byBoolean(a.relevantservices, b.relevantservices) || byUptime(a, b);

const byBlockRelayTime: Order = (a, b) => byBoolean(b.relaytxes, a.relaytxes) || byBlockTime(a, b);

/** A network whose peers have longer ping times than others, so that protection by ping time does not help them. */
interface Disadvantaged {
  readonly predicate: Predicate;
  /** Number of its candidates that are not protected yet. */
  count: number;
}

const ofNetwork =
  (network: string): Predicate =>
  (candidate) =>
    candidate.network === network;

/** The order is Core's; it decides between equal counts. */
const DISADVANTAGED: readonly Predicate[] = [
  ofNetwork('cjdns'),
  ofNetwork('i2p'),
  ({ islocal }) => islocal,
  ofNetwork('onion'),
];

/**
 * Protects half of the candidates: up to a quarter of all as peers of {@link DISADVANTAGED} networks, the others by
 * uptime. Returns the unprotected ones, the most recent first. C: ProtectEvictionCandidatesByRatio.
 */
export function protectByRatio(candidates: Candidates): Candidates {
  const total = Math.floor(candidates.length / 2);
  const others = protectDisadvantaged(candidates, Math.floor(total / 2));
  const protectedByNow = candidates.length - others.length;
  return protectLast(others, byUptime, total - protectedByNow);
}

/** Protects `count` peers of the disadvantaged networks in equal shares; a share that a network cannot use goes to the others. */
function protectDisadvantaged(candidates: Candidates, count: number): Candidates {
  const networks = countNetworks(candidates);
  let left = candidates;
  for (let free = count; free > 0;) {
    const after = protectRound(left, networks, free);
    if (after.length === left.length) return left;
    free -= left.length - after.length;
    left = after;
  }
  return left;
}

/** The networks, those with the fewest candidates first, as in Core. */
const countNetworks = (candidates: Candidates): readonly Disadvantaged[] =>
  DISADVANTAGED.map((predicate) => ({ predicate, count: candidates.filter(predicate).length })).sort(
    (a, b) => a.count - b.count,
  );

/** One round: protects an equal share of `free`, at least one, for each network that has candidates. */
function protectRound(candidates: Candidates, networks: readonly Disadvantaged[], free: number): Candidates {
  const present = networks.filter(({ count }) => count > 0);
  const share = Math.max(1, Math.floor(free / present.length));
  let left = candidates;
  for (const network of present) {
    const before = left.length;
    left = protectLast(left, byMembership(network.predicate), share, network.predicate);
    network.count -= before - left.length;
    if (candidates.length - left.length >= free) break;
  }
  return left;
}

/** Sorts candidates that match last, and each part by uptime. C: CompareNodeNetworkTime. */
const byMembership =
  (predicate: Predicate): Order =>
  (a, b) =>
    byBoolean(predicate(a), predicate(b)) || byUptime(a, b);

/**
 * The candidates of the netgroup that has most of them, the most recent first. Among netgroups of equal size, that with the most
 * recent connection.
 */
function largestNetgroup(candidates: Candidates): Candidates {
  let largest: Candidates = [];
  // The map lists the groups by their most recent connection, so the first of equal size is the right one.
  for (const group of netgroupsOf(candidates).values()) if (group.length > largest.length) largest = group;
  return largest;
}

function netgroupsOf(candidates: Candidates): ReadonlyMap<Hex64, Candidates> {
  const groups = new Map<Hex64, EvictionCandidate[]>();
  for (const candidate of candidates.toSorted(byUptime)) {
    const group = groups.get(candidate.keyednetgroup);
    if (group) group.push(candidate);
    else groups.set(candidate.keyednetgroup, [candidate]);
  }
  return groups;
}
