/**
 * Determines how long contacts wait for addresses: `replyTimeout`, or less if all nodes answer fast.
 *
 * Bitcoin Core may delay its answer to `getaddr` by more than a minute, so a crawl of public nodes waits for `replyTimeout`. After
 * {@link SAMPLE} nodes have answered, the wait is {@link FACTOR} times the slowest answer, if that is shorter: in a fast network,
 * nodes that advertise nothing do not delay the crawl.
 */

const SAMPLE = 16;
const FACTOR = 5;
/** The shortest wait, milliseconds. */
const SHORTEST = 300;

export class ReplyDelays {
  #count = 0;
  #slowest = 0;

  constructor(private readonly replyTimeout: number) {}

  /** An answer was received `delay` milliseconds after the handshake. */
  add(delay: number): void {
    this.#count += 1;
    this.#slowest = Math.max(this.#slowest, delay);
  }

  /** Milliseconds to wait after a handshake. */
  get limit(): number {
    if (this.#count < SAMPLE) return this.replyTimeout;
    return Math.min(this.replyTimeout, Math.max(SHORTEST, FACTOR * this.#slowest));
  }
}
