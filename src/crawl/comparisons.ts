/**
 * Compares what nodes claim with what contacts show, determines which nodes arrived and left between two crawls, and finds
 * addresses that are suspected to be one node.
 */
import { hasServices, SERVICE_BITS, servicesOf } from '../wire/index.js';
import type { AttemptRecord } from './attempt-record.js';
import type { NodeRecord, Snapshot } from './snapshot.js';

const P2P_V2 = servicesOf('P2P_V2');

/** Support of BIP324: the advertised service bit against the handshake. A node counts once, by its last answered contact. */
export interface V2Comparison {
  /** Gossip or `version` had the bit, and a v2 handshake succeeded. */
  readonly advertised_and_supported: number;
  /** The bit was advertised, the contact began with v2, and the node answered v1 only. */
  readonly advertised_not_supported: number;
  /** Only `version` had the bit, and the handshake was v1: v2 was not tested. */
  readonly untested: number;
  /** The bit was not advertised: v2 was not tested. */
  readonly not_advertised: number;
}

const has = (services: string | undefined, bits: string): boolean =>
  services !== undefined && hasServices(services, bits);

/** The field of {@link V2Comparison} that counts an answered contact. */
export function v2Label({ gossip_services, peer, v2 }: AttemptRecord): keyof V2Comparison {
  const isAdvertised = has(gossip_services, P2P_V2) || has(peer?.services, P2P_V2);
  if (v2.succeeded) return 'advertised_and_supported';
  if (!isAdvertised) return 'not_advertised';
  return v2.tried ? 'advertised_not_supported' : 'untested';
}

const answeredOf = (snapshot: Snapshot): AttemptRecord[] =>
  [...snapshot.nodes.values()].flatMap(({ lastAnswered }) => lastAnswered ?? []);

/** Compares the advertised support of BIP324 with the handshakes of all reachable nodes. */
export function compareV2(snapshot: Snapshot): V2Comparison {
  const counts = { advertised_and_supported: 0, advertised_not_supported: 0, untested: 0, not_advertised: 0 };
  for (const attempt of answeredOf(snapshot)) counts[v2Label(attempt)] += 1;
  return counts;
}

/** For each user agent, the number of nodes by identified implementation. A pair that does not match is a spoofed user agent. */
export type IdentityComparison = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Most user agents that are counted by name; the others count as `other`. */
const MAX_AGENTS = 500;

/** Compares user agents with identified implementations, for the nodes that were identified. */
export function compareIdentities(snapshot: Snapshot): IdentityComparison {
  const found = new Map<string, Record<string, number>>();
  for (const { identified, peer } of answeredOf(snapshot)) {
    if (identified === undefined) continue;
    const subver = peer?.subver ?? '';
    const agent = found.size < MAX_AGENTS || found.has(subver) ? subver : 'other';
    const labels = found.get(agent) ?? {};
    labels[identified] = (labels[identified] ?? 0) + 1;
    found.set(agent, labels);
  }
  return Object.fromEntries(found);
}

/** For each service bit, the number of reachable nodes that have it in gossip, in their `version`, and in both. */
export type ServicesComparison = Readonly<
  Record<string, { readonly gossip: number; readonly version: number; readonly both: number }>
>;

/** Compares services in gossip and in `version`, for the nodes that gossip advertised; seeds were not advertised. */
export function compareServices(snapshot: Snapshot): ServicesComparison {
  const attempts = answeredOf(snapshot).filter(({ gossip_services }) => gossip_services !== undefined);
  const rows = Object.keys(SERVICE_BITS).map((name) => {
    const bit = servicesOf(name as keyof typeof SERVICE_BITS);
    const inGossip = attempts.filter(({ gossip_services }) => has(gossip_services, bit));
    const inVersion = attempts.filter(({ peer }) => has(peer?.services, bit));
    const both = inGossip.filter(({ peer }) => has(peer?.services, bit)).length;
    return [name, { gossip: inGossip.length, version: inVersion.length, both }] as const;
  });
  return Object.fromEntries(rows);
}

/** The changes from one crawl to a later one, as numbers of nodes. */
export interface Churn {
  /** Answered in both crawls. */
  readonly stayed: number;
  /** Answered in the first crawl, and was contacted without answer in the second. */
  readonly left: number;
  /** Answered in the first crawl, and was not contacted in the second or could not be dialled: it is unknown whether it left. */
  readonly censored: number;
  /** Was contacted without answer in the first crawl, and answered in the second. */
  readonly arrived: number;
  /** Answered in the second crawl, and was not contacted in the first, during which it may have been up. */
  readonly arrived_or_undiscovered: number;
  /** Departures per node and hour: the maximum-likelihood rate for interval-censored times, with a 95 % interval. */
  readonly rate_per_hour: { readonly estimate: number; readonly low: number; readonly high: number };
}

const HOUR = 3_600_000;
/** Half the 95 % quantile of chi-squared with one degree of freedom: the drop of the log-likelihood at the interval's ends. */
const DROP = 1.920729;

/** A node that answered: the hours until its next contact, and whether it answered that too. */
interface Observation {
  readonly hours: number;
  readonly stayed: boolean;
}

/** The log-likelihood of a constant rate, where a departure is only known to be between two contacts. */
const likelihood = (observations: readonly Observation[], rate: number): number =>
  observations.reduce(
    (sum, { hours, stayed }) => sum + (stayed ? -rate * hours : Math.log(-Math.expm1(-rate * hours))),
    0,
  );

/** The smallest argument in [low, high] at which a monotone condition is true, by bisection on a logarithmic scale. */
function crossing(low: number, high: number, isBehind: (x: number) => boolean): number {
  let [a, b] = [Math.log(low), Math.log(high)];
  for (let step = 0; step < 60; step++) {
    const middle = (a + b) / 2;
    if (isBehind(Math.exp(middle))) b = middle;
    else a = middle;
  }
  return Math.exp(b);
}

const [SLOWEST, FASTEST] = [1e-9, 1e3];

function rateOf(observations: readonly Observation[]): Churn['rate_per_hour'] {
  if (observations.length === 0) return { estimate: 0, low: 0, high: FASTEST };
  if (observations.every(({ stayed }) => stayed)) {
    const hours = observations.reduce((sum, observation) => sum + observation.hours, 0);
    return { estimate: 0, low: 0, high: DROP / hours };
  }
  const isFalling = (rate: number): boolean =>
    likelihood(observations, rate * 1.0001) < likelihood(observations, rate);
  const estimate = crossing(SLOWEST, FASTEST, isFalling);
  const least = likelihood(observations, estimate) - DROP;
  const low = crossing(SLOWEST, estimate, (rate) => likelihood(observations, rate) > least);
  const high = crossing(estimate, FASTEST, (rate) => likelihood(observations, rate) < least);
  return { estimate, low, high };
}

const isNotDialled = (node: NodeRecord | undefined): boolean => !node || node.last.outcome === 'local';

/** Compares two crawls, the earlier one first. */
export function compareCrawls(before: Snapshot, after: Snapshot): Churn {
  const there = [...before.nodes.values()].filter(({ lastAnswered }) => lastAnswered);
  const dialled = there.filter(({ addr }) => !isNotDialled(after.nodes.get(addr)));
  const observations = dialled.map((node): Observation => {
    const later = after.nodes.get(node.addr)!;
    const until = later.lastAnswered ?? later.last;
    const hours = Math.max(1, until.t - (node.lastAnswered?.t ?? node.last.t)) / HOUR;
    return { hours, stayed: later.lastAnswered !== undefined };
  });
  const now = [...after.nodes.values()].filter(({ lastAnswered }) => lastAnswered);
  const fresh = now.filter(({ addr }) => !before.nodes.get(addr)?.lastAnswered);
  const known = fresh.filter(({ addr }) => !isNotDialled(before.nodes.get(addr)));
  const stayed = observations.filter((observation) => observation.stayed).length;
  return {
    stayed,
    left: observations.length - stayed,
    censored: there.length - dialled.length,
    arrived: known.length,
    arrived_or_undiscovered: fresh.length - known.length,
    rate_per_hour: rateOf(observations),
  };
}

/** Several addresses that may be one node. */
export interface SuspectedDuplicate {
  readonly addrs: readonly string[];
  /** `same_reply`: their replies to `getaddr` were equal. `rare_version`: they share a rare combination of fields of `version`. */
  readonly evidence: 'same_reply' | 'rare_version';
  /** The digest of the reply, or the fields. */
  readonly detail: string;
}

/** A user agent is rare if at most this many addresses have it. */
const RARE = 4;
/** Shorter replies are ignored, because they may be equal by chance. */
const LEAST_REPLY = 10;

function groups(nodes: readonly NodeRecord[], keyOf: (node: NodeRecord) => string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (key !== '') found.set(key, [...(found.get(key) ?? []), node.addr]);
  }
  return found;
}

function versionKey({ lastAnswered }: NodeRecord): string {
  const peer = lastAnswered?.peer;
  if (!peer) return '';
  const { subver, version, services, startingheight, relaytxes, timeoffset } = peer;
  return [subver, version, services, startingheight, relaytxes, timeoffset].join(' ');
}

const agentOf = ({ lastAnswered }: NodeRecord): string => lastAnswered?.peer?.subver ?? '';

/** Groups of addresses that are suspected to be one node, with the evidence, which is not a proof. */
export function suspectDuplicates(snapshot: Snapshot): SuspectedDuplicate[] {
  const nodes = [...snapshot.nodes.values()].filter(({ lastAnswered }) => lastAnswered);
  const agents = groups(nodes, agentOf);
  const isRare = (node: NodeRecord): boolean => (agents.get(agentOf(node))?.length ?? 0) <= RARE;
  const byReply = groups(nodes, ({ advertised: { largest, digest } }) =>
    largest >= LEAST_REPLY ? digest : '',
  );
  const byVersion = groups(nodes.filter(isRare), versionKey);
  const suspected = (
    evidence: SuspectedDuplicate['evidence'],
    found: ReadonlyMap<string, string[]>,
  ): SuspectedDuplicate[] =>
    [...found]
      .filter(([, addrs]) => addrs.length > 1)
      .map(([detail, addrs]) => ({ addrs: addrs.sort(), evidence, detail }));
  return [...suspected('same_reply', byReply), ...suspected('rare_version', byVersion)];
}
