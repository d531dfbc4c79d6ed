/** The result of a crawl: counts, estimates, and the manifest file. */
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

/** The summary of a crawl. */
export interface CrawlSummary {
  /** Number of addresses that answered at least once. */
  readonly reachable: number;
  /** Number of addresses that were contacted at least once. */
  readonly attempted: number;
  /** Duration of the crawl. */
  readonly seconds: number;
  /** Number of contacts, including repeat contacts. */
  readonly contacts: number;
  /** Number of known addresses, contacted or not. */
  readonly known: number;
  readonly completeness: 'complete' | 'interrupted';
  /** Number of addresses that were not contacted, because their only source had no credit left. */
  readonly not_followed: number;
  /** Number of refused addresses by reason; an address that is advertised again counts again. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Number of addresses by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Number of addresses that never answered, by reason code of the last contact. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Costs of contacts by the reason for which they ended, for example of nodes that answer slowly or send too much. */
  readonly costs: Readonly<Record<string, Cost>>;
  /** Reachable addresses by network and by transport. */
  readonly networks: Readonly<Record<string, number>>;
  readonly transports: Readonly<Record<string, number>>;
  readonly estimate: ReachableEstimate;
  readonly v2: V2Comparison;
  readonly services: ServicesComparison;
  /** User agents and identified implementations, for the nodes that were identified. */
  readonly identities: IdentityComparison;
  /** Number of groups of addresses that may be one node. */
  readonly suspected_duplicates: number;
  /** Changes since the previous crawl, if there is one. */
  readonly churn?: Churn;
}

/** The number of items for each key. */
function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = keyOf(item);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Computes the summary of a crawl. */
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

/** The path of the manifest of a crawl file. */
export const manifestOf = (file: string): string => `${file}.manifest.json`;

/** Writes the manifest atomically: a reader finds the old or the new one, never a part. */
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
