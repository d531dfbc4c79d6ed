/** The view of a crawl: its status, a curve of the addresses that answered, and counts by outcome, network, transport and version. */
import { byId, make } from './dom.js';
import type { CrawlReport } from './feed-messages.js';
import { number } from './format.js';
import type { PageState } from './page-state.js';
import { bars, curvePlot } from './plots.js';

export function drawCrawl({ crawl }: PageState): void {
  if (!crawl) return;
  byId('crawl-status').textContent = statusText(crawl);
  byId('crawl-curve').replaceChildren(curvePlot(crawl.curve));
  byId('crawl-counts').replaceChildren(
    ...section('contacts by outcome', crawl.outcomes),
    ...section('reachable by network', crawl.networks),
    ...section('reachable by transport', crawl.transports),
    ...section('reachable by version', crawl.versions),
  );
}

const statusText = ({ state, round, reachable, attempted, active, queued, known }: CrawlReport): string =>
  `${state}, round ${round}: ${number(reachable)} reachable, ${number(attempted)} contacted, ` +
  `${number(active)} open, ${number(queued)} queued, ${number(known)} known`;

/** The state whose colour an outcome has. */
const TONES: Readonly<Record<string, string>> = {
  unreachable: 'closed',
  rejected: 'failed',
  local: 'failed',
};

function section(title: string, counts: Readonly<Record<string, number>>): HTMLElement[] {
  const items = Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => {
      const label = name === '' ? '(empty)' : name;
      return { label, count, about: `${label}: ${number(count)}`, tone: TONES[name] ?? 'established' };
    });
  return [make('h3', title), items.length > 0 ? bars(items) : make('p.muted', 'none yet')];
}
