/** The view of how connections ended and how long handshakes took, since the node started. */
import { byId, make } from './dom.js';
import type { OutcomeCounts } from './feed-messages.js';
import { bars, histogram } from './plots.js';
import { number, span } from './format.js';
import type { PageState } from './page-state.js';

/** The state whose colour a code has: established, closed or failed. */
function toneOf(code: string): string {
  if (code === 'established') return 'established';
  return code.startsWith('END_') || code === 'ERR_LOCAL_CANCELLED' ? 'closed' : 'failed';
}

export function drawOutcomes({ outcomeCounts, start }: PageState): void {
  const items = Object.entries(outcomeCounts.outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => {
      const about = code === 'established' ? 'complete handshakes' : (start.reasons[code]?.says ?? '');
      return { label: code, count, about, tone: toneOf(code) };
    });
  const nothing = make('p.muted', 'no connection has ended, and no handshake is complete yet');
  byId('outcomes-reasons').replaceChildren(items.length > 0 ? bars(items) : nothing);
  byId('outcomes-handshakes').replaceChildren(
    make('p.muted', summary(outcomeCounts)),
    histogram(columnsOf(outcomeCounts)),
  );
}

function columnsOf({ handshakes }: OutcomeCounts) {
  return handshakes.map(({ upto, count }, place) => {
    const from = handshakes[place - 1]?.upto ?? 0;
    const label = upto === null ? '…' : short(upto);
    const about = upto === null ? `more than ${span(from)}` : `${short(from)} to ${short(upto)}`;
    return { label, count, about };
  });
}

const short = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`);

function summary({ handshakes }: OutcomeCounts): string {
  const all = handshakes.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return 'no handshake yet';
  let seen = 0;
  const median = handshakes.find(({ count }) => (seen += count) >= all / 2);
  const half = median?.upto ? `, half of them within ${short(median.upto)}` : '';
  return `${number(all)} handshakes, from the open link to the verack of the peer${half}`;
}
