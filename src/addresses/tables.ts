/** The tables of the address book and their indexes, kept consistent: every change goes through a method here. */
import { networkOfNetAddress, type AddressNetwork, type NetAddress } from '../wire/index.js';
import { createEntry, type AddressRecord, type Entry, type NetService } from './entry.js';
import { BUCKET_SIZE, NEW_BUCKETS, TRIED_BUCKETS } from './placement.js';

/** The two tables of Bitcoin Core. */
export type TableName = 'new' | 'tried';

/** One slot after the other, bucket by bucket. */
export type Slots = readonly (Entry | undefined)[];

interface Counts {
  new: number;
  tried: number;
}

/** Equal texts, equal addresses and ports. */
const keyOf = ({ networkID, addr, port }: NetService): string =>
  String.fromCharCode(networkID, port, ...addr);

export class Tables {
  readonly #slots: Readonly<Record<TableName, (Entry | undefined)[]>> = {
    new: new Array<Entry | undefined>(NEW_BUCKETS * BUCKET_SIZE).fill(undefined),
    tried: new Array<Entry | undefined>(TRIED_BUCKETS * BUCKET_SIZE).fill(undefined),
  };
  readonly #byService = new Map<string, Entry>();
  readonly #counts = new Map<AddressNetwork, Counts>();
  readonly #order: Entry[] = [];

  /** Every entry once, in an order that {@link swap} changes. */
  get order(): readonly Entry[] {
    return this.#order;
  }

  slots(table: TableName): Slots {
    return this.#slots[table];
  }

  find(service: NetService): Entry | undefined {
    return this.#byService.get(keyOf(service));
  }

  /** Whether the entry is still in the book. */
  holds(entry: Entry): boolean {
    return this.#order[entry.randomIndex] === entry;
  }

  /** Addresses in a table, of all networks or of some; each once, however many slots it has. */
  count(table: TableName, networks: Iterable<AddressNetwork> = this.#counts.keys()): number {
    let sum = 0;
    for (const network of networks) sum += this.#counts.get(network)?.[table] ?? 0;
    return sum;
  }

  /** Adds an entry that counts as new but has no slot yet: give it one, or {@link remove} it. */
  create(record: AddressRecord, source: NetAddress): Entry {
    const entry = createEntry(record, source);
    entry.randomIndex = this.#order.length;
    this.#order.push(entry);
    this.#byService.set(keyOf(entry), entry);
    this.#countsOf(entry).new++;
    return entry;
  }

  /** Forgets an entry that has no slot. */
  remove(entry: Entry): void {
    this.swap(entry.randomIndex, this.#order.length - 1);
    this.#order.pop();
    entry.randomIndex = -1;
    this.#byService.delete(keyOf(entry));
    this.#countsOf(entry).new--;
  }

  /** Exchanges two places of {@link order}. */
  swap(i: number, j: number): void {
    const first = this.#order[i]!;
    const second = this.#order[j]!;
    this.#order[i] = second;
    this.#order[j] = first;
    second.randomIndex = i;
    first.randomIndex = j;
  }

  /** Puts an entry into a slot of the new table; what stood there loses the slot, and the book with its last one. */
  placeInNew(slot: number, entry: Entry): void {
    const old = this.#slots.new[slot];
    if (old !== undefined) {
      old.newSlots.splice(old.newSlots.indexOf(slot), 1);
      if (old.newSlots.length === 0) this.remove(old);
    }
    this.#slots.new[slot] = entry;
    entry.newSlots.push(slot);
  }

  /** Moves an entry out of all its slots in new and into a free slot of tried. */
  moveToTried(slot: number, entry: Entry): void {
    for (const newSlot of entry.newSlots) this.#slots.new[newSlot] = undefined;
    entry.newSlots.length = 0;
    this.#slots.tried[slot] = entry;
    entry.isTried = true;
    this.#recount(entry, 'new', 'tried');
  }

  /** Takes an entry out of its slot in tried; it counts as new from then on and needs a slot there. */
  vacateTried(slot: number, entry: Entry): void {
    this.#slots.tried[slot] = undefined;
    entry.isTried = false;
    this.#recount(entry, 'tried', 'new');
  }

  #recount(entry: Entry, from: TableName, to: TableName): void {
    const counts = this.#countsOf(entry);
    counts[from]--;
    counts[to]++;
  }

  #countsOf(entry: Entry): Counts {
    const network = networkOfNetAddress(entry);
    let counts = this.#counts.get(network);
    if (counts === undefined) this.#counts.set(network, (counts = { new: 0, tried: 0 }));
    return counts;
  }
}
