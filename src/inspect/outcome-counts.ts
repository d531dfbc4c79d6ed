/** Counts since the node began: how connections ended, and how long handshakes took. */
import type { OutcomeCounts } from './page/feed-messages.js';

/** Milliseconds, upper ends of the bars. */
const BARS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000];

export class Counts {
  readonly #outcomes = new Map<string, number>();
  readonly #handshakes = [...BARS, null].map((upto) => ({ upto, count: 0 }));
  /** Grows with every change. */
  version = 0;

  ended(code: string): void {
    this.#outcomes.set(code, (this.#outcomes.get(code) ?? 0) + 1);
    this.version += 1;
  }

  /** `ms` from the open link to their verack. */
  established(ms: number): void {
    this.ended('established');
    const bar = this.#handshakes.find(({ upto }) => upto === null || ms <= upto);
    if (bar) bar.count += 1;
  }

  tell(): OutcomeCounts {
    return {
      outcomes: Object.fromEntries(this.#outcomes),
      handshakes: this.#handshakes.map((bar) => ({ ...bar })),
    };
  }
}
