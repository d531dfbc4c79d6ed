/**
 * Which inbound peer is disconnected for a new one: the steps of Bitcoin Core's `SelectNodeToEvict` (node/eviction.cpp).
 *
 * Each step protects a fixed number of peers by a property that is expensive to forge; a peer that remains at the end
 * may be evicted. Pure: the same candidates give the same answer, in whatever order they are listed.
 */
import type { Hex64 } from './events.js';

/**
 * What is known about one peer. `C` is Core's field in `NodeEvictionCandidate`.
 *
 * verack relays neither transactions nor blocks, so it has no facts of its own for four of the fields. It gives every peer
 * the same value there: `lasttransaction` and `lastblock` 0, `bloomfilter` false. The steps that read them then fall through to
 * their next criterion, as Core's do for peers that have not relayed anything yet.
 */
export interface EvictionCandidate {
  readonly id: number;
  /** When the connection was accepted, milliseconds of the node's clock. C: m_connected. */
  readonly connectedat: number;
  /** Lowest ping time, milliseconds; `Infinity` before the first pong. C: m_min_ping_time. */
  readonly minping: number;
  /** When it last sent a new block, seconds; 0 for never. C: m_last_block_time. */
  readonly lastblock: number;
  /** When it last sent a transaction that was new and valid, seconds; 0 for never. C: m_last_tx_time. */
  readonly lasttransaction: number;
  /** Whether it offers the services that this node requires (`NETWORK` and `WITNESS`). C: fRelevantServices. */
  readonly relevantservices: boolean;
  /** Whether it asked for transactions in its `version`. C: m_relay_txs. */
  readonly relaytxes: boolean;
  /** Whether it has loaded a bloom filter. C: fBloomFilter. */
  readonly bloomfilter: boolean;
  /** Its netgroup, hashed with a secret of this node: peers cannot predict their order. C: nKeyedNetGroup. */
  readonly keyednetgroup: Hex64;
  /** Whether its address is discouraged. C: prefer_evict. */
  readonly preferevict: boolean;
  /** Whether it connects from this machine. C: m_is_local. */
  readonly islocal: boolean;
  /** As `getpeerinfo`'s `network`. C: m_network. */
  readonly network: string;
  /** Whether the user has exempted it. C: m_noban. */
  readonly noban: boolean;
  /** C: m_conn_type. */
  readonly inbound: boolean;
  /** Beyond Core: whether its handshake is not complete yet. */
  readonly handshaking: boolean;
}

/** How many peers a step protects, as in Core. */
export const PROTECTED = { netgroup: 4, ping: 8, transaction: 4, blockRelay: 8, block: 4 } as const;

type Candidates = readonly EvictionCandidate[];
type Claim = (candidate: EvictionCandidate) => boolean;
/** Orders candidates by how well they are protected: the last ones best. */
type Order = (a: EvictionCandidate, b: EvictionCandidate) => number;

/**
 * The id of the peer to evict; undefined when all are protected.
 *
 * `newcomer`, beyond Core: the keyed netgroup of the connection that asks for the slot. A handshake under way is not evicted in favour of a
 * newer connection from its own netgroup, which could otherwise prevent every handshake from there. The slot then comes from
 * another member of that netgroup, or not evicted at all.
 */
export function selectPeerToEvict(candidates: Candidates, newcomer?: Hex64): number | undefined {
  const unprotected = protectByRatio(protectByNumber(candidates.filter(isEvictable)));
  const preferred = unprotected.filter(({ preferevict }) => preferevict);
  const group = largestNetgroup(preferred.length > 0 ? preferred : unprotected);
  const isSpared: Claim = ({ handshaking, keyednetgroup }) => handshaking && keyednetgroup === newcomer;
  return group.find((candidate) => !isSpared(candidate))?.id;
}

const isEvictable: Claim = ({ noban, inbound }) => inbound && !noban;

/** Protects fixed numbers: by netgroup, ping time, transactions and blocks. */
function protectByNumber(candidates: Candidates): Candidates {
  const byGroup = protectLast(candidates, byNetgroup, PROTECTED.netgroup);
  const byPing = protectLast(byGroup, byPingTime, PROTECTED.ping);
  const byTransaction = protectLast(byPing, byTransactionTime, PROTECTED.transaction);
  const byRelay = protectLast(byTransaction, byBlockRelayTime, PROTECTED.blockRelay, isBlockRelayOnly);
  return protectLast(byRelay, byBlockTime, PROTECTED.block);
}

/** Those left when the last `count` in that order are protected, as far as they are what `claim` says. C: EraseLastKElements. */
function protectLast(
  candidates: Candidates,
  order: Order,
  count: number,
  claim: Claim = () => true,
): Candidates {
  const sorted = candidates.toSorted(order);
  const start = Math.max(0, sorted.length - count);
  return sorted.filter((candidate, index) => index < start || !claim(candidate));
}

const isBlockRelayOnly: Claim = ({ relaytxes, relevantservices }) => !relaytxes && relevantservices;

/** False before true. */
const byClaim = (a: boolean, b: boolean): number => Number(a) - Number(b);

/** The most recent first. */
const byUptime: Order = (a, b) => b.connectedat - a.connectedat || b.id - a.id;

const byNetgroup: Order = (a, b) => {
  if (a.keyednetgroup === b.keyednetgroup) return byUptime(a, b);
  return a.keyednetgroup < b.keyednetgroup ? -1 : 1;
};

/** The slowest first; two unknown ping times are equal, although their difference is not a number. */
const byPingTime: Order = (a, b) => (a.minping === b.minping ? byUptime(a, b) : b.minping - a.minping);

const byTransactionTime: Order = (a, b) =>
  a.lasttransaction - b.lasttransaction ||
  byClaim(a.relaytxes, b.relaytxes) ||
  byClaim(b.bloomfilter, a.bloomfilter) ||
  byUptime(a, b);

const byBlockTime: Order = (a, b) =>
  a.lastblock - b.lastblock || byClaim(a.relevantservices, b.relevantservices) || byUptime(a, b);

const byBlockRelayTime: Order = (a, b) => byClaim(b.relaytxes, a.relaytxes) || byBlockTime(a, b);

/** One of the networks whose peers have longer ping times than others and would lose by them. */
interface Disadvantaged {
  readonly claim: Claim;
  /** Candidates of it that are not protected yet. */
  count: number;
}

const ofNetwork =
  (network: string): Claim =>
  (candidate) =>
    candidate.network === network;

/** In Core's order, which decides between equal counts. */
const DISADVANTAGED: readonly Claim[] = [
  ofNetwork('cjdns'),
  ofNetwork('i2p'),
  ({ islocal }) => islocal,
  ofNetwork('onion'),
];

/**
 * Protects half of the candidates: up to a quarter of all as peers of {@link DISADVANTAGED} networks, the others by
 * uptime. Gives those that are left, the most recent first. C: ProtectEvictionCandidatesByRatio.
 */
export function protectByRatio(candidates: Candidates): Candidates {
  const total = Math.floor(candidates.length / 2);
  const others = protectDisadvantaged(candidates, Math.floor(total / 2));
  const protectedByNow = candidates.length - others.length;
  return protectLast(others, byUptime, total - protectedByNow);
}

/** Shares `places` among the disadvantaged networks; what one of them cannot use goes to the others. */
function protectDisadvantaged(candidates: Candidates, places: number): Candidates {
  const networks = countNetworks(candidates);
  let left = candidates;
  for (let free = places; free > 0;) {
    const after = protectRound(left, networks, free);
    if (after.length === left.length) return left;
    free -= left.length - after.length;
    left = after;
  }
  return left;
}

/** The networks with the fewest candidates first: they are the first to get what others left. */
const countNetworks = (candidates: Candidates): readonly Disadvantaged[] =>
  DISADVANTAGED.map((claim) => ({ claim, count: candidates.filter(claim).length })).sort(
    (a, b) => a.count - b.count,
  );

/** One round: an equal share of the places that are free, at least one, for each network that has candidates. */
function protectRound(candidates: Candidates, networks: readonly Disadvantaged[], free: number): Candidates {
  const present = networks.filter(({ count }) => count > 0);
  const share = Math.max(1, Math.floor(free / present.length));
  let left = candidates;
  for (const network of present) {
    const before = left.length;
    left = protectLast(left, byMembership(network.claim), share, network.claim);
    network.count -= before - left.length;
    if (candidates.length - left.length >= free) break;
  }
  return left;
}

/** Members last, each part by uptime. C: CompareNodeNetworkTime. */
const byMembership =
  (claim: Claim): Order =>
  (a, b) =>
    byClaim(claim(a), claim(b)) || byUptime(a, b);

/** The netgroup with most candidates; of equal ones that with the youngest member. Its members, the youngest first. */
function largestNetgroup(candidates: Candidates): Candidates {
  let largest: Candidates = [];
  // The map lists the groups by their youngest member, so the first of equal ones is the right one.
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
