/** What `verack crawl` prints at the end: the view that `--format` names, or a summary as sentences. */
import { type CrawlSummary, type Format, type Snapshot, viewOf } from '../crawl/index.js';
import { Usage } from './exit-codes.js';
import type { Invocation } from './command.js';
import { writeNamedFile } from './output-file.js';
import { plain } from './peer-lines.js';

export interface ResultFlags {
  readonly format?: string;
  readonly output?: string;
}

/** Prints the result; with `--json` the summary as an object as well. */
export async function printResult(
  snapshot: Snapshot,
  summary: CrawlSummary,
  flags: ResultFlags,
  { out, interrupted }: Pick<Invocation, 'out' | 'interrupted'>,
): Promise<void> {
  if (flags.format !== undefined)
    await printView(snapshot, flags.format as Format, flags.output, { out, interrupted });
  else for (const line of sentences(summary)) out.answer(line);
  out.object(summary);
}

/** Prints a view. Parquet is binary, so it is written to a file next to the crawl file. */
async function printView(
  snapshot: Snapshot,
  format: Format,
  file: string | undefined,
  { out, interrupted }: Pick<Invocation, 'out' | 'interrupted'>,
): Promise<void> {
  const view = await viewOf(snapshot, format);
  if (typeof view === 'string') return out.raw(view);
  if (file === undefined) throw new Usage('--format parquet needs --output FILE');
  await writeNamedFile(`${file}.parquet`, view, interrupted);
  out.info(`${file}.parquet: ${view.length} bytes`);
}

const listOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';

function sentences(summary: CrawlSummary): string[] {
  const { estimate, v2, churn } = summary;
  return [
    `${summary.reachable} reachable of ${summary.attempted} contacted in ${summary.seconds} s (${summary.completeness})`,
    estimate.method === 'repeat'
      ? `95 % interval: ${estimate.low} to ${estimate.high} reachable (repeat contacts)`
      : 'no interval: the number of nodes that were full or slow is estimated only with repeat contacts (--contacts 4)',
    `networks: ${listOf(summary.networks)}; transports: ${listOf(summary.transports)}`,
    `not reachable: ${listOf(summary.reasons)}`,
    `BIP324: ${v2.advertised_and_supported} advertised and supported, ${v2.advertised_not_supported} advertised and not supported, ${v2.untested} not tested`,
    `not contacted: ${listOf({ ...summary.skipped, ...(summary.not_followed > 0 && { 'advertised only by a netgroup whose addresses failed': summary.not_followed }) })}`,
    ...identityLines(summary),
    ...(summary.suspected_duplicates > 0
      ? [`suspected to be one node behind several addresses: ${summary.suspected_duplicates} groups`]
      : []),
    ...(churn
      ? [
          `since the previous crawl: ${churn.stayed} stayed, ${churn.left} left, ${churn.censored} unknown, ${churn.arrived} arrived`,
        ]
      : []),
  ];
}

/** For each user agent, the implementations that `--identify` found behind it, most frequent first. */
function identityLines({ identities }: CrawlSummary): string[] {
  const total = (labels: Readonly<Record<string, number>>): number =>
    Object.values(labels).reduce((sum, count) => sum + count, 0);
  return Object.entries(identities)
    .sort(([, a], [, b]) => total(b) - total(a))
    .slice(0, SHOWN_AGENTS)
    .map(([agent, labels]) => `identified: ${plain(agent)}: ${listOf(labels)}`);
}

const SHOWN_AGENTS = 10;
