/**
 * How long contacts wait for addresses: `replyTimeout`, or less where every node answers at once.
 *
 * Bitcoin Core delays its answer to `getaddr` by up to a minute and more, so a crawl of public nodes waits for `replyTimeout`. In a
 * network where {@link SAMPLE} nodes have answered and none was slow, the wait is {@link FACTOR} times the slowest answer: a
 * node that advertises nothing does not hold up the crawl.
 */

const SAMPLE = 16;
const FACTOR = 5;
/** The wait is never shorter, milliseconds. */
const SHORTEST = 300;

export class ReplyDelays {
  #count = 0;
  #slowest = 0;

  constructor(private readonly replyTimeout: number) {}

  /** An answer came so many milliseconds after the handshake. */
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
