/**
 * Addresses of peers that misbehaved, as in Bitcoin Core's `BanMan`: in memory, without expiry, bounded.
 *
 * A discouraged address may connect as long as slots are free, and is evicted first. It is never dialled. Only misbehaviour leads here,
 * not every closing.
 *
 * Core uses a rolling bloom filter (50,000 elements, false-positive rate 1 in 1,000,000), which remembers at least the last
 * 50,000 and at most the last 75,000 addresses. This is an exact set: it discourages no address by mistake. It holds at most 50,000 addresses
 * (5 MB; Core's filter: 0.5 MB) and forgets the older half of them at once, so that it remembers at least the last 25,000.
 */
import { normalHost } from '../net/subnet.js';

/** Most addresses that are remembered. */
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
