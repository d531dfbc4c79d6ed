/**
 * How far the gossip of one netgroup is followed. A group that tells of addresses which nobody else tells has credit for
 * a few contacts; an address that answers renews it. So a node that invents 1,000 addresses each time costs a bounded
 * number of contacts, and an honest one costs nothing.
 */

/** Contacts that a new informant is good for. */
const FIRST_CREDIT = 32;
/** Credit for each told address that answers. */
const REWARD = 16;
const MAX_CREDIT = 4_096;
/** Netgroups that are remembered; beyond them a group shares the credit of all the rest. */
const MAX_GROUPS = 100_000;
const THE_REST = '';

export class Informants {
  readonly #credit = new Map<string, number>();

  /** Whether this group may cause one more contact; takes one unit of its credit if so. */
  charge(group: string): boolean {
    const key = this.#keyOf(group);
    const credit = this.#credit.get(key) ?? FIRST_CREDIT;
    if (credit <= 0) return false;
    this.#credit.set(key, credit - 1);
    return true;
  }

  /** An address that this group told of has answered. */
  reward(group: string): void {
    const key = this.#keyOf(group);
    const credit = this.#credit.get(key) ?? FIRST_CREDIT;
    this.#credit.set(key, Math.min(MAX_CREDIT, credit + REWARD));
  }

  #keyOf(group: string): string {
    return this.#credit.has(group) || this.#credit.size < MAX_GROUPS ? group : THE_REST;
  }
}
