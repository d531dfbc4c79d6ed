/**
 * Limits how many addresses of a peer's `addr` and `addrv2` messages are accepted, with a token bucket (Core: `ProcessAddrs`,
 * `MAX_ADDR_RATE_PER_SECOND`). Addresses above the limit are dropped; the connection is kept.
 */

/** Tokens per second; an address needs one token. */
export const ADDR_RATE = 0.1;
/** The capacity of the bucket, and the tokens that are added when we send `getaddr` (`MAX_ADDR_TO_SEND`). */
export const MAX_ADDR_TO_SEND = 1_000;

/** The token bucket of one connection. It starts with one token. */
export class AddrRateLimit {
  #tokens = 1;
  #updated: number;

  /** @param now - milliseconds of a monotonic clock, as for every call */
  constructor(now: number) {
    this.#updated = now;
  }

  /** We sent `getaddr`: a full answer is accepted. */
  getaddrSent(): void {
    this.#tokens += MAX_ADDR_TO_SEND;
  }

  /** A message with `count` addresses was received. Returns how many of them to accept. */
  take(count: number, now: number): number {
    this.#refill(now);
    const taken = Math.min(count, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }

  #refill(now: number): void {
    const increment = (Math.max(0, now - this.#updated) / 1_000) * ADDR_RATE;
    this.#updated = now;
    // After getaddr there can be more tokens than the capacity: these are kept, and none are added.
    if (this.#tokens < MAX_ADDR_TO_SEND) this.#tokens = Math.min(this.#tokens + increment, MAX_ADDR_TO_SEND);
  }
}
