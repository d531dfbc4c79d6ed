/** The result of a crawl: counts, estimates, and the manifest beside the crawl file. */
import { renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { VerackError } from '../index.js';
import {
  type Churn,
  compareCrawls,
  compareIdentities,
  compareServices,
  compareV2,
  type IdentityComparison,
  type ServicesComparison,
  suspectDuplicates,
  type V2Comparison,
} from './comparisons.js';
import type { Cost } from './counts.js';
import { estimateReachable, type ReachableEstimate } from './estimates.js';
import { FORMAT_VERSION } from './events.js';
import type { Frontier } from './frontier.js';
import type { Snapshot } from './snapshot.js';

export interface CrawlSummary {
  /** Addresses that answered at least once. */
  readonly reachable: number;
  /** Addresses that were contacted at least once. */
  readonly attempted: number;
  readonly seconds: number;
  /** Contacts, repeats included. */
  readonly contacts: number;
  /** Addresses that are known, contacted or not. */
  readonly known: number;
  readonly completeness: 'complete' | 'interrupted';
  /** Addresses that were advertised by one netgroup only and not contacted, because its gossip led nowhere. */
  readonly not_followed: number;
  /** Advertised addresses that were refused, by reason; one that is advertised again counts again. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Contacts that did not answer, by reason code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What contacts cost, by the reason of their end: nodes that answer slowly, or too much, show here. */
  readonly costs: Readonly<Record<string, Cost>>;
  /** Reachable addresses by network and by transport. */
  readonly networks: Readonly<Record<string, number>>;
  readonly transports: Readonly<Record<string, number>>;
  readonly estimate: ReachableEstimate;
  readonly v2: V2Comparison;
  readonly services: ServicesComparison;
  /** User agents against behaviour, of the nodes that were identified. */
  readonly identities: IdentityComparison;
  /** Groups of addresses that may be one node. */
  readonly suspected_duplicates: number;
  /** Against the crawl before, when there is one. */
  readonly churn?: Churn;
}

/** How often each value of a key occurs. */
function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = keyOf(item);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Computes the summary. */
export function summaryOf(
  snapshot: Snapshot,
  frontier: Pick<Frontier, 'size' | 'withheld' | 'skipped'>,
  run: Pick<CrawlSummary, 'completeness' | 'seconds'> & { readonly before: Snapshot | undefined },
): CrawlSummary {
  const nodes = [...snapshot.nodes.values()];
  const reachable = nodes.filter(({ lastAnswered }) => lastAnswered);
  const answered = reachable.flatMap(({ lastAnswered }) => lastAnswered ?? []);
  const failed = nodes.filter(({ lastAnswered }) => !lastAnswered).map(({ last }) => last);
  return {
    reachable: answered.length,
    attempted: nodes.length,
    seconds: Math.round(run.seconds * 1_000) / 1_000,
    contacts: snapshot.attempts,
    known: frontier.size,
    completeness: run.completeness,
    not_followed: frontier.withheld,
    skipped: Object.fromEntries(frontier.skipped),
    outcomes: countBy(nodes, ({ last, lastAnswered }) => (lastAnswered ?? last).outcome),
    reasons: countBy(failed, ({ reason }) => reason.code),
    costs: snapshot.counts.costs,
    networks: countBy(reachable, ({ network }) => network),
    transports: countBy(answered, ({ transport }) => transport ?? 'v1'),
    estimate: estimateReachable(snapshot),
    v2: compareV2(snapshot),
    services: compareServices(snapshot),
    identities: compareIdentities(snapshot),
    suspected_duplicates: suspectDuplicates(snapshot).length,
    ...(run.before && { churn: compareCrawls(run.before, snapshot) }),
  };
}

/** Where the manifest of a crawl file is. */
export const manifestOf = (file: string): string => `${file}.manifest.json`;

/** Writes the manifest in one step: a reader sees the old one or the new one, never half of it. */
export function writeManifest(
  file: string,
  state: { readonly bytes: number; readonly lines: number; readonly sha256: string },
  snapshot: Snapshot,
  summary: CrawlSummary,
): void {
  const { begin, end } = snapshot;
  const manifest = {
    format: FORMAT_VERSION,
    crawl: begin?.crawl,
    chain: begin?.chain,
    vantage: begin?.vantage,
    agent: begin?.agent,
    options: begin?.options,
    begun: begin?.t,
    ended: end?.t,
    file: { name: basename(file), ...state },
    ...summary,
    duplicates: suspectDuplicates(snapshot),
  };
  const path = manifestOf(file);
  try {
    writeFileSync(`${path}.part`, `${JSON.stringify(manifest, undefined, 2)}\n`);
    renameSync(`${path}.part`, path);
  } catch (error) {
    const syscode = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, file: path });
  }
}
