/** How connections ended, and how long handshakes took, since the node began. */
import { byId, make } from './dom.js';
import type { OutcomeCounts } from './feed-messages.js';
import { bars, histogram } from './plots.js';
import { number, span } from './format.js';
import type { PageState } from './page-state.js';

/** A code's tone: its end was wanted, or nobody's fault, or not. */
function toneOf(code: string): string {
  if (code === 'established') return 'established';
  return code.startsWith('END_') || code === 'ERR_LOCAL_CANCELLED' ? 'closed' : 'failed';
}

export function drawOutcomes({ tally, hello }: PageState): void {
  const items = Object.entries(tally.outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => {
      const about =
        code === 'established' ? 'handshakes that were completed' : (hello.reasons[code]?.says ?? '');
      return { label: code, count, about, tone: toneOf(code) };
    });
  const nothing = make('p.soft', 'nothing has ended, and no handshake was completed yet');
  byId('outcomes-reasons').replaceChildren(items.length > 0 ? bars(items) : nothing);
  byId('outcomes-handshakes').replaceChildren(make('p.soft', summary(tally)), histogram(columnsOf(tally)));
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
  return `${number(all)} handshakes from the open link to their verack${half}`;
}
