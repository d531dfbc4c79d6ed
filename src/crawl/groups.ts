/** The netgroups of the frontier: how many addresses each has, how many contacts to it are open, and which ones wait. */
import type { KnownAddress } from './known-address.js';
import type { Queue } from './queue.js';

export class Group {
  known = 0;
  active = 0;
  /** Addresses that wait until a contact to this group ends. */
  deferred: Queue<KnownAddress> | undefined;

  constructor(readonly name: string) {}
}

export class Groups {
  readonly #groups = new Map<string, Group>();

  get(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  /** The group of that name, made when there is none. */
  obtain(name: string): Group {
    const known = this.#groups.get(name);
    if (known) return known;
    const group = new Group(name);
    this.#groups.set(name, group);
    return group;
  }
}
