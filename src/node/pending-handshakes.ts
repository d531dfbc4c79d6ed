/**
 * Accepted connections whose handshake is not over, counted by where they come from, so that one source cannot fill the
 * slots with connections that say nothing.
 *
 * Bounded by the slots: only accepted connections are counted, and each leaves the count once, however it ends.
 */
import { isLoopback, sourceOf } from '../net/source-network.js';

/** How many handshakes one source may have pending: btcd's number. */
export const MAX_PENDING = 8;

export class PendingHandshakes {
  readonly #counts = new Map<string, number>();
  readonly #sources = new Map<number, string>();
  #last: { readonly host: string; readonly source: string | undefined } = { host: '', source: undefined };

  /** `limit` 0: no limit. */
  constructor(
    readonly limit: number,
    private readonly countsLoopback: boolean,
  ) {}

  /** Whether as many are pending from there as may be. */
  isCrowded(host: string): boolean {
    const source = this.#sourceOf(host);
    return source !== undefined && (this.#counts.get(source) ?? 0) >= this.limit;
  }

  /** A handshake begins. */
  add(id: number, host: string): void {
    const source = this.#sourceOf(host);
    if (source === undefined) return;
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

  /** Undefined: not counted. Most queries are about the same host as the query before. */
  #sourceOf(host: string): string | undefined {
    if (this.limit === 0) return undefined;
    if (this.#last.host !== host) {
      const isExempt = !this.countsLoopback && isLoopback(host);
      this.#last = { host, source: isExempt ? undefined : sourceOf(host) };
    }
    return this.#last.source;
  }
}
