/**
 * How far the gossip of one netgroup is followed. A group that advertises addresses which no other group advertises has
 * credit for a few contacts; an address that answers renews it. So a node that invents 1,000 addresses each time costs a
 * bounded number of contacts, and an honest one is not limited.
 */

/** Contacts that a new source is good for. */
const FIRST_CREDIT = 32;
/** Credit for each advertised address that answers. */
const REWARD = 16;
const MAX_CREDIT = 4_096;
/** Netgroups that are remembered; beyond them a group shares the credit of all the rest. */
const MAX_SOURCES = 100_000;
const THE_REST = '';

export class SourceCredit {
  readonly #credit = new Map<string, number>();

  /** Whether this source may cause one more contact; takes one unit of its credit if so. */
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
    return this.#credit.has(source) || this.#credit.size < MAX_SOURCES ? source : THE_REST;
  }
}
