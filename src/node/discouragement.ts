/**
 * Addresses of peers that misbehaved, as in Bitcoin Core's `BanMan`: in memory, without expiry, bounded.
 *
 * A discouraged address may connect while slots are free, and is evicted first. It is never dialled automatically. An address is
 * added only for misbehaviour, not whenever a connection is closed.
 *
 * Core uses a rolling bloom filter (50,000 elements, false-positive rate 1 in 1,000,000), which contains at least the last
 * 50,000 and at most the last 75,000 addresses. This is an exact set, so no address is discouraged by mistake. It holds at most
 * 50,000 addresses (5 MB; Core's filter: 0.5 MB) and drops the older half at once, so that it contains at least the last 25,000.
 */
import { normalHost } from '../net/subnet.js';

/** Most addresses that are stored. */
export const MAX_DISCOURAGED = 50_000;

export class Discouragement {
  #newer = new Set<string>();
  #older = new Set<string>();

  constructor(private readonly limit = MAX_DISCOURAGED) {}

  /** A peer at this host has misbehaved. */
  add(host: string): void {
    const key = normalHost(host);
    this.#older.delete(key);
    this.#newer.add(key);
    // Two generations, because deleting the first element of a large set again and again is slow in V8.
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
