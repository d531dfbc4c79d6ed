/** The tables of the address book and their indexes. All changes go through this class, which keeps them consistent. */
import { networkOfNetAddress, type AddressNetwork, type NetAddress } from '../wire/index.js';
import { createEntry, type AddressRecord, type Entry, type NetService } from './entry.js';
import { BUCKET_SIZE, NEW_BUCKETS, TRIED_BUCKETS } from './placement.js';

/** The two tables of Bitcoin Core. */
export type TableName = 'new' | 'tried';

/** The slots of a table, bucket after bucket. */
export type Slots = readonly (Entry | undefined)[];

interface Counts {
  new: number;
  tried: number;
}

/** A text that is equal for equal addresses with equal ports. */
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

  /** All entries, in an order that {@link swap} changes. */
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

  /** The number of addresses in a table, of all networks or some. An address with several slots counts once. */
  count(table: TableName, networks: Iterable<AddressNetwork> = this.#counts.keys()): number {
    let sum = 0;
    for (const network of networks) sum += this.#counts.get(network)?.[table] ?? 0;
    return sum;
  }

  /** Adds an entry without a slot, which counts as new. The caller must place it, or {@link remove} it. */
  create(record: AddressRecord, source: NetAddress): Entry {
    const entry = createEntry(record, source);
    entry.randomIndex = this.#order.length;
    this.#order.push(entry);
    this.#byService.set(keyOf(entry), entry);
    this.#countsOf(entry).new++;
    return entry;
  }

  /** Removes an entry that has no slot. */
  remove(entry: Entry): void {
    this.swap(entry.randomIndex, this.#order.length - 1);
    this.#order.pop();
    entry.randomIndex = -1;
    this.#byService.delete(keyOf(entry));
    this.#countsOf(entry).new--;
  }

  /** Exchanges two entries of {@link order}. */
  swap(i: number, j: number): void {
    const first = this.#order[i]!;
    const second = this.#order[j]!;
    this.#order[i] = second;
    this.#order[j] = first;
    second.randomIndex = i;
    first.randomIndex = j;
  }

  /** Places an entry in a slot of the new table. The entry there loses the slot, and is removed if it was its last one. */
  placeInNew(slot: number, entry: Entry): void {
    const old = this.#slots.new[slot];
    if (old !== undefined) {
      old.newSlots.splice(old.newSlots.indexOf(slot), 1);
      if (old.newSlots.length === 0) this.remove(old);
    }
    this.#slots.new[slot] = entry;
    entry.newSlots.push(slot);
  }

  /** Moves an entry from all its slots in the new table to a free slot of the tried table. */
  moveToTried(slot: number, entry: Entry): void {
    for (const newSlot of entry.newSlots) this.#slots.new[newSlot] = undefined;
    entry.newSlots.length = 0;
    this.#slots.tried[slot] = entry;
    entry.isTried = true;
    this.#recount(entry, 'new', 'tried');
  }

  /** Removes an entry from its slot in the tried table. It counts as new then, and the caller must place it in the new table. */
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
