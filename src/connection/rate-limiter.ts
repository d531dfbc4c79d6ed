/**
 * Counts events in consecutive time windows of fixed length. Around the border of two windows up to twice the limit can pass,
 * never more.
 */
export class RateLimiter {
  #count = 0;
  #beganat = Number.NEGATIVE_INFINITY;

  /** Allows `limit` events per window of `ms` milliseconds; limit 0 allows any number. */
  constructor(
    readonly limit: number,
    readonly ms: number,
  ) {}

  /** Counts one event at `at`, in milliseconds. Returns true when the limit of the window is exceeded. */
  isOver(at: number): boolean {
    if (this.limit === 0) return false;
    if (at - this.#beganat > this.ms) {
      this.#beganat = at;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > this.limit;
  }
}
