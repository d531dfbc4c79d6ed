/**
 * Limits the contacts that the gossip of one netgroup causes. A contact of an address that no other group advertised costs the
 * group one unit of credit; an address that answers gives it new credit. So a node that invents addresses causes a bounded
 * number of contacts, and an honest node is not limited.
 */

/** Credit of a new source. */
const FIRST_CREDIT = 32;
/** Credit for each advertised address that answers. */
const REWARD = 16;
const MAX_CREDIT = 4_096;
/** Most sources with their own credit; all others share one. */
const MAX_SOURCES = 100_000;
const SHARED_KEY = '';

export class SourceCredit {
  readonly #credit = new Map<string, number>();

  /** Takes one unit of a source's credit. Returns false when it has none left. */
  charge(source: string): boolean {
    const key = this.#keyOf(source);
    const credit = this.#credit.get(key) ?? FIRST_CREDIT;
    if (credit <= 0) return false;
    this.#credit.set(key, credit - 1);
    return true;
  }

  /** An address that this source advertised has answered. */
  reward(source: string): void {
    const key = this.#keyOf(source);
    const credit = this.#credit.get(key) ?? FIRST_CREDIT;
    this.#credit.set(key, Math.min(MAX_CREDIT, credit + REWARD));
  }

  #keyOf(source: string): string {
    return this.#credit.has(source) || this.#credit.size < MAX_SOURCES ? source : SHARED_KEY;
  }
}
