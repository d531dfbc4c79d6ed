/** Counts within windows of time that follow one another, so that twice the limit can pass around a border, never more. */
export class RateLimiter {
  #count = 0;
  #beganat = Number.NEGATIVE_INFINITY;

  /** At most `limit` in `ms` milliseconds; 0 for any number. */
  constructor(
    readonly limit: number,
    readonly ms: number,
  ) {}

  /** Counts one more. True when that makes too many. */
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
