/**
 * Compares what nodes claim with what a contact shows, finds which nodes came and went between two crawls, and which addresses
 * are suspected to be one node.
 */
import { hasServices, SERVICE_BITS, servicesOf } from '../wire/index.js';
import type { AttemptRecord } from './attempt-record.js';
import type { NodeRecord, Snapshot } from './snapshot.js';

const P2P_V2 = servicesOf('P2P_V2');

/** BIP324 as advertised and as shown by a handshake. A node counts once, by its last answered contact. */
export interface V2Comparison {
  /** Gossip or `version` had the bit, and a v2 handshake succeeded. */
  readonly advertised_and_supported: number;
  /** The bit was there, the contact began with v2, and the node answered v1 only. */
  readonly advertised_not_supported: number;
  /** The bit was only in `version`, after a v1 handshake: v2 untested. */
  readonly untested: number;
  /** No bit anywhere: v2 untested. */
  readonly not_advertised: number;
}

const has = (services: string | undefined, bits: string): boolean =>
  services !== undefined && hasServices(services, bits);

/** Which line of {@link V2Comparison} an answered contact belongs to. */
export function v2Label({ gossip_services, peer, v2 }: AttemptRecord): keyof V2Comparison {
  const isAdvertised = has(gossip_services, P2P_V2) || has(peer?.services, P2P_V2);
  if (v2.succeeded) return 'advertised_and_supported';
  if (!isAdvertised) return 'not_advertised';
  return v2.tried ? 'advertised_not_supported' : 'untested';
}

const answeredOf = (snapshot: Snapshot): AttemptRecord[] =>
  [...snapshot.nodes.values()].flatMap(({ lastAnswered }) => lastAnswered ?? []);

export function compareV2(snapshot: Snapshot): V2Comparison {
  const counts = { advertised_and_supported: 0, advertised_not_supported: 0, untested: 0, not_advertised: 0 };
  for (const attempt of answeredOf(snapshot)) counts[v2Label(attempt)] += 1;
  return counts;
}

/** Identified implementations by the user agent that their nodes claim: a pair that does not fit is a spoofed user agent. */
export type IdentityComparison = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Pairs of user agent and identified implementation that are counted by name. */
const MAX_AGENTS = 500;

/** Only nodes that were identified count. */
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

/** Per service bit: how many reachable nodes gossip claims it for, how many say so in `version`, and both. */
export type ServicesComparison = Readonly<
  Record<string, { readonly gossip: number; readonly version: number; readonly both: number }>
>;

/** Only nodes that gossip named with services count: a seed has no gossip to compare with. */
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

/** What changed from one crawl to a later one. */
export interface Churn {
  readonly stayed: number;
  /** Answered then, did not answer later. */
  readonly left: number;
  /** Answered then; not contacted later, or this machine could not try: it is not known whether it left. */
  readonly censored: number;
  /** Did not answer then, answers now. */
  readonly arrived: number;
  /** Answers now and was not contacted then: it may have been up during the first crawl. */
  readonly arrived_or_undiscovered: number;
  /** Departures per hour of a node that is there, maximum likelihood for interval-censored times; with a 95 % interval. */
  readonly rate_per_hour: { readonly estimate: number; readonly low: number; readonly high: number };
}

const HOUR = 3_600_000;
/** Half the 95 % quantile of chi-squared with one degree of freedom: how far a log-likelihood may fall. */
const DROP = 1.920729;

/** A node that answered, how much later it was contacted again, and whether it answered then. */
interface Spell {
  readonly hours: number;
  readonly stayed: boolean;
}

/** Log-likelihood of a constant rate: a departure lies somewhere between two contacts. */
const likelihood = (spells: readonly Spell[], rate: number): number =>
  spells.reduce(
    (sum, { hours, stayed }) => sum + (stayed ? -rate * hours : Math.log(-Math.expm1(-rate * hours))),
    0,
  );

/** The argument in [low, high] at which a rising condition becomes true, by bisection on a logarithmic scale. */
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

function rateOf(spells: readonly Spell[]): Churn['rate_per_hour'] {
  if (spells.length === 0) return { estimate: 0, low: 0, high: FASTEST };
  if (spells.every(({ stayed }) => stayed)) {
    const hours = spells.reduce((sum, spell) => sum + spell.hours, 0);
    return { estimate: 0, low: 0, high: DROP / hours };
  }
  const isFalling = (rate: number): boolean => likelihood(spells, rate * 1.0001) < likelihood(spells, rate);
  const estimate = crossing(SLOWEST, FASTEST, isFalling);
  const least = likelihood(spells, estimate) - DROP;
  const low = crossing(SLOWEST, estimate, (rate) => likelihood(spells, rate) > least);
  const high = crossing(estimate, FASTEST, (rate) => likelihood(spells, rate) < least);
  return { estimate, low, high };
}

const isNotDialled = (node: NodeRecord | undefined): boolean => !node || node.last.outcome === 'local';

/** Compares two crawls, the earlier one first. */
export function compareCrawls(before: Snapshot, after: Snapshot): Churn {
  const there = [...before.nodes.values()].filter(({ lastAnswered }) => lastAnswered);
  const dialled = there.filter(({ addr }) => !isNotDialled(after.nodes.get(addr)));
  const spells = dialled.map((node): Spell => {
    const later = after.nodes.get(node.addr)!;
    const until = later.lastAnswered ?? later.last;
    const hours = Math.max(1, until.t - (node.lastAnswered?.t ?? node.last.t)) / HOUR;
    return { hours, stayed: later.lastAnswered !== undefined };
  });
  const now = [...after.nodes.values()].filter(({ lastAnswered }) => lastAnswered);
  const fresh = now.filter(({ addr }) => !before.nodes.get(addr)?.lastAnswered);
  const known = fresh.filter(({ addr }) => !isNotDialled(before.nodes.get(addr)));
  const stayed = spells.filter((spell) => spell.stayed).length;
  return {
    stayed,
    left: spells.length - stayed,
    censored: there.length - dialled.length,
    arrived: known.length,
    arrived_or_undiscovered: fresh.length - known.length,
    rate_per_hour: rateOf(spells),
  };
}

/** Several addresses that may be one node. */
export interface SuspectedDuplicate {
  readonly addrs: readonly string[];
  /** Why: the reply to `getaddr` was the same, or a rare combination of facts of `version` was. */
  readonly evidence: 'same_reply' | 'rare_version';
  readonly detail: string;
}

/** A combination of facts that more addresses share than this is not rare. */
const RARE = 4;
/** A reply with fewer addresses than this may be equal by chance. */
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

/** Addresses that are suspected to be one node, with the evidence. Nothing is proven by it. */
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
