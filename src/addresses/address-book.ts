/**
 * The address book: which addresses are known and which have worked. It is bounded, and one party cannot fill it.
 *
 * It follows Bitcoin Core's address manager (`addrman.cpp`) rule by rule. Addresses that were only announced are in the new
 * table (1,024 buckets of 64 slots), addresses that we were connected to in the tried table (256 buckets of 64). The bucket
 * depends on a secret key, the network group of the address and the group of the peer that sent it, so that one source group
 * reaches 64 buckets of the new table, and one group 8 of the tried table. A tried address is replaced only when a test
 * connection to it has failed.
 */
import type { Clock } from '../net/environment.js';
import { createNetgroups, netClassOf, type NetClass, type Netgroups } from '../net/netgroup.js';
import { checkOptionNames } from '../net/option-names.js';
import { VerackError } from '../reasons.js';
import { withServices } from '../services.js';
import { networkOfNetAddress, type AddressNetwork, type Hex64, type NetAddress } from '../wire/index.js';
import {
  chanceOf,
  DAY,
  HOUR,
  isTerrible,
  MAX_REFERENCES,
  isRoutableAddress,
  MINUTE,
  recordOf,
  savedOf,
  type AddressRecord,
  type Entry,
  type NetService,
  type SavedEntry,
} from './entry.js';
import { BUCKET_SIZE, createPlacement, KEY_SIZE, type Placement } from './placement.js';
import { restoreTables, saveTables, type SavedBook } from './saved-book.js';
import { Tables, type Slots, type TableName } from './tables.js';

/** Most tried addresses that wait for a test (`ADDRMAN_SET_TRIED_COLLISION_SIZE`). */
const MAX_COLLISIONS = 10;
/** A tried address that worked within this time, seconds, is kept (`ADDRMAN_REPLACEMENT`). */
const REPLACEMENT = 4 * HOUR;
/** If the tried address is not tested within this time, seconds, the new one replaces it (`ADDRMAN_TEST_WINDOW`). */
const TEST_WINDOW = 40 * MINUTE;
/** Seconds that `time` must be in the past before the end of a connection updates it. */
const CONNECTED_INTERVAL = 20 * MINUTE;
/** After each draw whose entry was not selected, the chance of the next one is multiplied by this factor. */
const CHANCE_FACTOR = 1.2;

/** Options of an address book. */
export interface AddressBookOptions {
  /** 32 secret bytes, which never change for a book; `peers.dat` contains them. */
  readonly key: Uint8Array;
  /** The wall clock, milliseconds since 1970-01-01 UTC; a `Clock` can be used. */
  readonly clock: Pick<Clock, 'wall'>;
  /** Returns `count` random bytes. They must be uniformly distributed: otherwise the search for an entry may not end. */
  readonly random: (count: number) => Uint8Array;
  /** The network groups, for example with an asmap. Default: without an asmap. */
  readonly netgroups?: Netgroups;
}

/** The addresses that {@link AddressBook.select} may return. */
export interface SelectOptions {
  /** Only addresses of the new table. Default false. */
  readonly newOnly?: boolean;
  /** Only addresses of these networks; empty (default) means all. */
  readonly networks?: readonly AddressNetwork[];
}

/** The addresses that {@link AddressBook.getAddr} may return. */
export interface GetAddrOptions {
  /** Most addresses. Default: no limit. */
  readonly max?: number;
  /** Largest share of the book in percent, 1 to 100. Default 100. */
  readonly percent?: number;
  /** Only addresses of this network. Default: all. */
  readonly network?: NetClass;
  /** True (default): without terrible addresses (Core: `IsTerrible`). */
  readonly filtered?: boolean;
}

const BOOK_NAMES: Readonly<Record<keyof AddressBookOptions, true>> = {
  key: true,
  clock: true,
  random: true,
  netgroups: true,
};

const SELECT_NAMES: Readonly<Record<keyof SelectOptions, true>> = { newOnly: true, networks: true };

const GETADDR_NAMES: Readonly<Record<keyof GetAddrOptions, true>> = {
  max: true,
  percent: true,
  network: true,
  filtered: true,
};

/** An address to connect to. */
export interface Selected {
  readonly address: AddressRecord;
  /** When we last tried it, UNIX time in seconds; 0 for never. */
  readonly lastTry: number;
}

/** An occupied slot of a table. */
export interface Position {
  readonly bucket: number;
  readonly position: number;
  readonly entry: SavedEntry;
}

const isSameAddress = (a: NetAddress, b: NetAddress): boolean =>
  a.networkID === b.networkID &&
  a.addr.length === b.addr.length &&
  a.addr.every((byte, i) => byte === b.addr[i]);

/** Number of draws of empty buckets after which only buckets with an entry are drawn. */
const MAX_MISSES = 32;

const wantedIn =
  (networks: readonly AddressNetwork[]) =>
  (entry: Entry): boolean =>
    networks.length === 0 || networks.includes(networkOfNetAddress(entry));

/** An address book, created by {@link createAddressBook} or {@link restoreAddressBook}. Times are UNIX times in seconds. */
export class AddressBook {
  /** The secret key that determines the slots of addresses. */
  readonly key: Uint8Array;
  readonly netgroups: Netgroups;
  readonly #placement: Placement;
  readonly #clock: { wall(): number };
  readonly #random: (count: number) => Uint8Array;
  readonly #tables: Tables;
  /** Entries of the new table whose slot in the tried table is occupied; they wait until the entry there was tested. */
  readonly #collisions = new Set<Entry>();
  /** When any address last worked. Initially later than 0 ("never"), so that the first failed attempt counts. */
  #lastGood = 1;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` when the key is not 32 bytes long, or for an option that does not exist */
  constructor(options: AddressBookOptions, tables: Tables) {
    checkOptionNames(options, BOOK_NAMES);
    const { key, clock, random, netgroups = createNetgroups() } = options;
    if (key.length !== KEY_SIZE)
      throw new VerackError('ERR_LOCAL_ARGUMENT', {
        expected: `a key of ${KEY_SIZE} bytes`,
        value: key.length,
      });
    this.key = key.slice();
    this.netgroups = netgroups;
    this.#placement = createPlacement(this.key, netgroups);
    this.#tables = tables;
    this.#clock = clock;
    this.#random = random;
  }

  /** The number of addresses in the book, in one table, or of one network (as `networkOfNetAddress` names it). */
  size(table?: TableName, network?: AddressNetwork): number {
    const networks = network === undefined ? undefined : [network];
    if (table !== undefined) return this.#tables.count(table, networks);
    return this.#tables.count('new', networks) + this.#tables.count('tried', networks);
  }

  /**
   * Adds addresses that `source` sent. Addresses that are not routable are ignored. A known address gets the newer time, the
   * union of the services, and with decreasing probability another slot.
   *
   * @param timePenalty - seconds by which the addresses count as older than they claim; not applied to an address that
   *   announces itself
   * @returns whether at least one address got a slot
   */
  add(records: readonly AddressRecord[], source: NetAddress, timePenalty = 0): boolean {
    let added = false;
    for (const record of records) added = this.#addOne(record, source, timePenalty) || added;
    return added;
  }

  /**
   * We are connected to this address: it moves to the tried table, or, if its slot there is occupied, waits for a test of the
   * address in the slot. Its `time` is not changed, because gossip would reveal to which nodes we are connected.
   *
   * @returns whether it moved
   */
  good(service: NetService, time = this.#now()): boolean {
    return this.#good(service, true, time);
  }

  /** We dial this address. The attempt counts as a failure at most once since any address last worked. */
  attempt(service: NetService, countFailure: boolean, time = this.#now()): void {
    const entry = this.#tables.find(service);
    if (entry === undefined) return;
    entry.lastTry = time;
    if (!countFailure || entry.lastCountedAttempt >= this.#lastGood) return;
    entry.lastCountedAttempt = time;
    entry.attempts++;
  }

  /** A connection to this address has ended: updates its `time`. Must not be called earlier, because gossip announces the time. */
  connected(service: NetService, time = this.#now()): void {
    const entry = this.#tables.find(service);
    if (entry !== undefined && time - entry.time > CONNECTED_INTERVAL) entry.time = time;
  }

  /** Sets the services that the node at this address announced in its `version`. */
  setServices(service: NetService, services: Hex64): void {
    const entry = this.#tables.find(service);
    if (entry !== undefined) entry.services = services;
  }

  /**
   * A random address to connect to: from either table with equal probability; addresses that failed or were tried lately are less
   * probable. Undefined when there is none.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
   */
  select(options: SelectOptions = {}): Selected | undefined {
    checkOptionNames(options, SELECT_NAMES);
    const { newOnly = false, networks = [] } = options;
    const wanted = networks.length === 0 ? undefined : networks;
    const inNew = this.#tables.count('new', wanted);
    const inTried = newOnly ? 0 : this.#tables.count('tried', wanted);
    if (inNew + inTried === 0) return undefined;
    const isTried = inTried > 0 && (inNew === 0 || this.#below(2) === 0);
    const entry = this.#draw(isTried ? 'tried' : 'new', networks);
    return { address: recordOf(entry), lastTry: entry.lastTry };
  }

  /** A tried address whose slot another address claims, to be tested by a feeler; undefined when there is none. */
  selectTriedCollision(): Selected | undefined {
    const waiting = [...this.#collisions];
    const entry = waiting[this.#below(waiting.length)];
    if (entry === undefined) return undefined;
    if (!this.#tables.holds(entry)) {
      this.#collisions.delete(entry);
      return undefined;
    }
    const old = this.#tables.slots('tried')[this.#placement.triedSlot(entry)];
    return old === undefined ? undefined : { address: recordOf(old), lastTry: old.lastTry };
  }

  /** Resolves the collisions whose test is over: the old address is kept if it worked lately, otherwise replaced. */
  resolveCollisions(): void {
    const now = this.#now();
    for (const entry of this.#collisions) if (this.#isResolved(entry, now)) this.#collisions.delete(entry);
  }

  /**
   * Random addresses for the answer to `getaddr`.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
   */
  getAddr(options: GetAddrOptions = {}): AddressRecord[] {
    checkOptionNames(options, GETADDR_NAMES);
    const { max, percent = 100, network, filtered = true } = options;
    const { order } = this.#tables;
    const limit = Math.min(max ?? Infinity, Math.floor((percent * order.length) / 100));
    const now = this.#now();
    const records: AddressRecord[] = [];
    for (let i = 0; i < order.length && records.length < limit; i++) {
      this.#tables.swap(i, i + this.#below(order.length - i));
      const entry = order[i]!;
      const isWanted = network === undefined || netClassOf(entry) === network;
      if (isWanted && !(filtered && isTerrible(entry, now))) records.push(recordOf(entry));
    }
    return records;
  }

  /** The occupied slots of a table, by bucket and position. */
  *positions(table: TableName): Generator<Position> {
    for (const [slot, entry] of this.#tables.slots(table).entries()) {
      if (entry === undefined) continue;
      const position = slot % BUCKET_SIZE;
      yield { bucket: (slot - position) / BUCKET_SIZE, position, entry: savedOf(entry) };
    }
  }

  /** The number of slots of the new table that contain the address; 0 when it is tried or unknown. */
  references(service: NetService): number {
    return this.#tables.find(service)?.newSlots.length ?? 0;
  }

  /** The whole book as data, for a file. */
  save(): SavedBook {
    return { key: this.key, asmapVersion: this.netgroups.version, ...saveTables(this.#tables) };
  }

  #addOne(record: AddressRecord, source: NetAddress, timePenalty: number): boolean {
    if (!isRoutableAddress(record)) return false;
    const penalty = isSameAddress(record, source) ? 0 : timePenalty;
    const known = this.#tables.find(record);
    if (known !== undefined && !this.#update(known, record, penalty)) return false;
    const entry = known ?? this.#create(record, source, penalty);
    const isPlaced = this.#placeInNew(entry, source);
    if (!isPlaced && entry.newSlots.length === 0) this.#tables.remove(entry);
    return isPlaced;
  }

  #create(record: AddressRecord, source: NetAddress, penalty: number): Entry {
    const entry = this.#tables.create(record, source);
    entry.time = Math.max(0, record.time - penalty);
    return entry;
  }

  /** Updates a known address. Returns whether it may get another slot. */
  #update(entry: Entry, record: AddressRecord, penalty: number): boolean {
    const interval = this.#now() - record.time < DAY ? HOUR : DAY;
    if (entry.time < record.time - interval - penalty) entry.time = Math.max(0, record.time - penalty);
    if (entry.services !== record.services) entry.services = withServices(entry.services, record.services);
    const references = entry.newSlots.length;
    if (record.time <= entry.time || entry.isTried || references === MAX_REFERENCES) return false;
    return references === 0 || this.#below(2 ** references) === 0;
  }

  /** Places the entry in the slot that its source determines, unless a better entry is there. Returns whether it was placed. */
  #placeInNew(entry: Entry, source: NetAddress): boolean {
    const slot = this.#placement.newSlot(entry, source);
    const old = this.#tables.slots('new')[slot];
    if (old === entry) return false;
    if (old !== undefined && !this.#isReplaceable(old, entry)) return false;
    this.#tables.placeInNew(slot, entry);
    return true;
  }

  #isReplaceable(old: Entry, entry: Entry): boolean {
    return isTerrible(old, this.#now()) || (old.newSlots.length > 1 && entry.newSlots.length === 0);
  }

  #good(service: NetService, testBeforeEvict: boolean, time: number): boolean {
    this.#lastGood = time;
    const entry = this.#tables.find(service);
    if (entry === undefined) return false;
    entry.lastSuccess = time;
    entry.lastTry = time;
    entry.attempts = 0;
    if (entry.isTried) return false;
    const slot = this.#placement.triedSlot(entry);
    const old = this.#tables.slots('tried')[slot];
    if (old !== undefined && testBeforeEvict) {
      if (this.#collisions.size < MAX_COLLISIONS) this.#collisions.add(entry);
      return false;
    }
    this.#makeTried(slot, entry, old);
    return true;
  }

  /** Moves the entry to the tried table. The entry in its slot moves back to the new table, and replaces the one in its slot there. */
  #makeTried(slot: number, entry: Entry, old: Entry | undefined): void {
    if (old !== undefined) this.#tables.vacateTried(slot, old);
    this.#tables.moveToTried(slot, entry);
    if (old !== undefined) this.#tables.placeInNew(this.#placement.newSlot(old, old.source), old);
  }

  /** Draws buckets until an entry is selected. The caller has checked that the table contains a matching entry. */
  #draw(table: TableName, networks: readonly AddressNetwork[]): Entry {
    const slots = this.#tables.slots(table);
    const now = this.#now();
    const isWanted = wantedIn(networks);
    let buckets: readonly number[] | undefined;
    for (let factor = 1, misses = 0; ;) {
      const bucket = buckets
        ? buckets[this.#below(buckets.length)]!
        : this.#below(slots.length / BUCKET_SIZE);
      const start = bucket * BUCKET_SIZE;
      const entry = this.#firstIn(slots.slice(start, start + BUCKET_SIZE), isWanted);
      if (entry === undefined) {
        // Drawing only among buckets with an entry has the same distribution, and ends sooner in a sparse table.
        if (++misses >= MAX_MISSES) buckets ??= this.#bucketsOf(table, isWanted);
        continue;
      }
      if (this.#fraction() < factor * chanceOf(entry, now)) return entry;
      factor *= CHANCE_FACTOR;
    }
  }

  /** The buckets that contain a wanted entry. */
  #bucketsOf(table: TableName, isWanted: (entry: Entry) => boolean): number[] {
    const entries = this.#tables.order.filter(
      (entry) => entry.isTried === (table === 'tried') && isWanted(entry),
    );
    const slots = entries.flatMap((entry) =>
      entry.isTried ? [this.#placement.triedSlot(entry)] : entry.newSlots,
    );
    return [...new Set(slots.map((slot) => Math.floor(slot / BUCKET_SIZE)))];
  }

  /** The first wanted entry of a bucket, from a random position on. */
  #firstIn(bucket: Slots, isWanted: (entry: Entry) => boolean): Entry | undefined {
    const start = this.#below(BUCKET_SIZE);
    for (let i = 0; i < BUCKET_SIZE; i++) {
      const entry = bucket[(start + i) % BUCKET_SIZE];
      if (entry !== undefined && isWanted(entry)) return entry;
    }
    return undefined;
  }

  /** Whether the collision is resolved: the newer entry was moved to the tried table, or the old one is kept. */
  #isResolved(entry: Entry, now: number): boolean {
    const old = this.#tables.holds(entry)
      ? this.#tables.slots('tried')[this.#placement.triedSlot(entry)]
      : undefined;
    if (old === undefined || now - old.lastSuccess < REPLACEMENT) return true;
    const wasTested = now - old.lastTry < REPLACEMENT;
    const isOver = wasTested ? now - old.lastTry > MINUTE : now - entry.lastSuccess > TEST_WINDOW;
    if (isOver) this.#good(entry, false, now);
    return isOver;
  }

  /** A random number in [0, 1) from the book's source, for code that adds addresses or answers `getaddr`. */
  draw(): number {
    return this.#fraction();
  }

  #now(): number {
    return Math.floor(this.#clock.wall() / 1_000);
  }

  /** A random number in [0, 1), from 32 random bits. */
  #fraction(): number {
    const [a, b, c, d] = this.#random(4) as unknown as [number, number, number, number];
    return (a * 0x1000000 + ((b << 16) | (c << 8) | d)) / 2 ** 32;
  }

  /** A random whole number in [0, limit). */
  #below(limit: number): number {
    return Math.floor(this.#fraction() * limit);
  }
}

/**
 * Creates an empty book, with Bitcoin Core's tables of new (1,024 × 64) and tried (256 × 64) addresses.
 *
 *   const book = createAddressBook({ key: systemRandom(32), clock: systemClock, random: systemRandom });
 */
export function createAddressBook(options: AddressBookOptions): AddressBook {
  return new AddressBook(options, new Tables());
}

/**
 * Restores a saved book. Entries keep their slots unless the asmap has changed: then each new address gets the slot that its
 * first source determines, as in Core. Entries that are not routable, duplicate or without a slot are ignored.
 */
export function restoreAddressBook(saved: SavedBook, options: Omit<AddressBookOptions, 'key'>): AddressBook {
  const netgroups = options.netgroups ?? createNetgroups();
  const tables = restoreTables(saved, netgroups);
  return new AddressBook({ ...options, netgroups, key: saved.key }, tables);
}
