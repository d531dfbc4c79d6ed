/** How long a node takes to answer: a slow or distant node must not be judged silent before its answer can have arrived. */

/** The number of last answers that are considered. */
const LAST = 20;
/** A step waits for silence this many times the 90th percentile of the last answers. */
const MARGIN = 4;
/** The longest wait that slow answers can cause, milliseconds. */
const MOST_MS = 2_000;

/** The times between what the tester sent and what the node answered, in milliseconds, over all connections of a run. */
export class AnswerTimes {
  readonly #times: number[] = [];

  add(ms: number): void {
    this.#times.push(ms);
    if (this.#times.length > LAST) this.#times.shift();
  }

  /** How long a step that wants `ms` milliseconds of silence waits for this node. */
  silence(ms: number): number {
    const sorted = this.#times.toSorted((one, other) => one - other);
    const usual = sorted[Math.floor(0.9 * sorted.length)] ?? 0;
    return Math.max(ms, Math.min(MOST_MS, MARGIN * usual));
  }
}
