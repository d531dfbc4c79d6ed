/**
 * How many addresses of a peer's `addr` and `addrv2` messages are taken: a token bucket (Core: `ProcessAddrs`,
 * `MAX_ADDR_RATE_PER_SECOND`). What is over the limit is dropped without any other consequence.
 */

/** Addresses a second. */
export const ADDR_RATE = 0.1;
/** The bucket fills by itself up to this, and so many more are taken after our `getaddr` (`MAX_ADDR_TO_SEND`). */
export const MAX_ADDR_TO_SEND = 1_000;

/** One per connection. */
export class AddrRateLimit {
  #tokens = 1;
  #updated: number;

  /** @param now - milliseconds of a clock that never goes back, as for every call */
  constructor(now: number) {
    this.#updated = now;
  }

  /** We sent `getaddr`: the answer may be full. */
  getaddrSent(): void {
    this.#tokens += MAX_ADDR_TO_SEND;
  }

  /** A message with `count` addresses came: how many of them to take. */
  take(count: number, now: number): number {
    this.#refill(now);
    const taken = Math.min(count, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }

  #refill(now: number): void {
    const increment = (Math.max(0, now - this.#updated) / 1_000) * ADDR_RATE;
    this.#updated = now;
    // Above the limit, after our getaddr, it stays as it is.
    if (this.#tokens < MAX_ADDR_TO_SEND) this.#tokens = Math.min(this.#tokens + increment, MAX_ADDR_TO_SEND);
  }
}
