/** Counts, since the start, how connections ended and how long handshakes took. */
import type { OutcomeCounts } from './page/feed-messages.js';

/** Upper limits of the buckets of the histogram, milliseconds. */
const LIMITS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000];

export class OutcomeCounter {
  readonly #outcomes = new Map<string, number>();
  readonly #handshakes = [...LIMITS, null].map((upto) => ({ upto, count: 0 }));
  /** Increases with every change. */
  version = 0;

  ended(code: string): void {
    this.#outcomes.set(code, (this.#outcomes.get(code) ?? 0) + 1);
    this.version += 1;
  }

  /** `ms`: from the open link to the peer's verack. */
  established(ms: number): void {
    this.ended('established');
    const bucket = this.#handshakes.find(({ upto }) => upto === null || ms <= upto);
    if (bucket) bucket.count += 1;
  }

  read(): OutcomeCounts {
    return {
      outcomes: Object.fromEntries(this.#outcomes),
      handshakes: this.#handshakes.map((bucket) => ({ ...bucket })),
    };
  }
}
