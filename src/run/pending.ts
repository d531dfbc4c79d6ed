/**
 * Accepted connections whose handshake is not over, counted by where they come from, so that one source cannot fill the
 * slots with connections that say nothing.
 *
 * Bounded by the slots: only who was let in is counted, and it leaves the count once, however it goes on.
 */
import { isLoopback, sourceOf } from '../io/source.js';

/** How many handshakes one source may have pending: btcd's number. */
export const MAX_PENDING = 8;

export class Pending {
  readonly #counts = new Map<string, number>();
  readonly #sources = new Map<number, string>();

  /** `limit` 0: no limit. */
  constructor(
    readonly limit: number,
    private readonly countsLoopback: boolean,
  ) {}

  /** Whether as many are pending from there as may be. */
  isCrowded(host: string): boolean {
    if (this.limit === 0 || this.#isExempt(host)) return false;
    return (this.#counts.get(sourceOf(host)) ?? 0) >= this.limit;
  }

  /** A handshake begins. */
  add(id: number, host: string): void {
    if (this.limit === 0 || this.#isExempt(host)) return;
    const source = sourceOf(host);
    this.#sources.set(id, source);
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
  }

  /** It is complete, or the connection has ended. */
  remove(id: number): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    this.#sources.delete(id);
    const left = (this.#counts.get(source) ?? 0) - 1;
    if (left > 0) this.#counts.set(source, left);
    else this.#counts.delete(source);
  }

  /** Sources with a handshake pending. */
  get size(): number {
    return this.#counts.size;
  }

  #isExempt(host: string): boolean {
    return !this.countsLoopback && isLoopback(host);
  }
}
