/**
 * Addresses of peers that misbehaved, as in Bitcoin Core's `BanMan`: in memory, without expiry, bounded.
 *
 * A discouraged address may connect as long as slots are free, and is evicted first. It is never dialled. Only misbehaviour leads here,
 * not every closing.
 *
 * Core uses a rolling bloom filter for the last 50,000 addresses with a false-positive rate of 1 in 1,000,000. This is
 * an exact set of as many: it discourages no one by mistake, and costs 5 MB when full (Core's filter: 0.5 MB). As in the
 * filter, the oldest are forgotten.
 */
import { normalHost } from '../net/subnet.js';

/** Addresses that are remembered: Core's number. */
export const MAX_DISCOURAGED = 50_000;

export class Discouragement {
  /** In the order in which they were added, the oldest first. */
  #newer = new Set<string>();
  #older = new Set<string>();

  constructor(private readonly limit = MAX_DISCOURAGED) {}

  /** A peer at this host has misbehaved. */
  add(host: string): void {
    const key = normalHost(host);
    this.#older.delete(key);
    this.#newer.add(key);
    // Two generations: forgetting one address at a time from the start of a large set is slow in V8.
    if (this.#newer.size < this.limit / 2) return;
    this.#older = this.#newer;
    this.#newer = new Set();
  }

  has(host: string): boolean {
    const key = normalHost(host);
    return this.#newer.has(key) || this.#older.has(key);
  }

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
