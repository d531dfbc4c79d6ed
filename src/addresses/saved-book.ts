/** Converts the tables of the address book to data for a file, and back (Core: `Serialize`, `Unserialize`). */
import type { Netgroups } from '../net/netgroup.js';
import { isRoutableAddress, MAX_REFERENCES, savedOf, type Entry, type SavedEntry } from './entry.js';
import { BUCKET_SIZE, createPlacement, NEW_BUCKETS, type Placement } from './placement.js';
import { Tables } from './tables.js';

/** A complete book as data. */
export interface SavedBook {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** The asmap that chose the buckets, 32 bytes; zeros for none. */
  readonly asmapVersion: Uint8Array;
  readonly newEntries: readonly SavedEntry[];
  readonly triedEntries: readonly SavedEntry[];
  /** For each bucket of the new table, the indexes in `newEntries` of its entries. The positions follow from the key. */
  readonly newBuckets: readonly (readonly number[])[];
}

type SavedTables = Pick<SavedBook, 'newEntries' | 'triedEntries' | 'newBuckets'>;

export function saveTables(tables: Tables): SavedTables {
  const fresh = tables.order.filter(({ isTried }) => !isTried);
  const indexes = new Map(fresh.map((entry, index) => [entry, index]));
  const slots = tables.slots('new');
  const bucketAt = (bucket: number): number[] =>
    slots
      .slice(bucket * BUCKET_SIZE, (bucket + 1) * BUCKET_SIZE)
      .flatMap((entry) => (entry === undefined ? [] : [indexes.get(entry)!]));
  return {
    newEntries: fresh.map(savedOf),
    triedEntries: tables.order.filter(({ isTried }) => isTried).map(savedOf),
    newBuckets: Array.from({ length: NEW_BUCKETS }, (_, bucket) => bucketAt(bucket)),
  };
}

/** Creates the entry without a slot; undefined when it is not routable or a duplicate. */
function createSaved(tables: Tables, saved: SavedEntry): Entry | undefined {
  if (!isRoutableAddress(saved) || tables.find(saved) !== undefined) return undefined;
  const entry = tables.create(saved, saved.source);
  entry.lastSuccess = saved.lastSuccess;
  entry.attempts = saved.attempts;
  return entry;
}

/** Restores a tried entry, unless it has never worked or its slot is occupied. */
function restoreTried(tables: Tables, placement: Placement, saved: SavedEntry): void {
  if (saved.lastSuccess <= 0) return;
  const slot = placement.triedSlot(saved);
  if (tables.slots('tried')[slot] !== undefined) return;
  const entry = createSaved(tables, saved);
  if (entry !== undefined) tables.moveToTried(slot, entry);
}

export function restoreTables(saved: SavedBook, netgroups: Netgroups): Tables {
  const tables = new Tables();
  const placement = createPlacement(saved.key, netgroups);
  const entries = saved.newEntries.map((entry) => createSaved(tables, entry));
  for (const entry of saved.triedEntries) restoreTried(tables, placement, entry);
  const isSameBucketing =
    saved.newBuckets.length === NEW_BUCKETS &&
    saved.asmapVersion.every((byte, i) => byte === netgroups.version[i]);
  for (const [bucket, indexes] of saved.newBuckets.entries()) {
    for (const index of indexes) {
      const entry = entries[index];
      if (entry !== undefined) restoreNew(tables, placement, entry, isSameBucketing ? bucket : undefined);
    }
  }
  for (const entry of entries) if (entry?.newSlots.length === 0) tables.remove(entry);
  return tables;
}

/** Places the entry in its former bucket, or else where its first source places it, if that slot is free. */
function restoreNew(tables: Tables, placement: Placement, entry: Entry, bucket: number | undefined): void {
  if (entry.newSlots.length >= MAX_REFERENCES) return;
  const isFree = (slot: number): boolean => tables.slots('new')[slot] === undefined;
  const before = bucket === undefined ? undefined : placement.newSlotIn(bucket, entry);
  const slot = before !== undefined && isFree(before) ? before : placement.newSlot(entry, entry.source);
  if (isFree(slot)) tables.placeInNew(slot, entry);
}
