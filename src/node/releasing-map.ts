/**
 * A map for entries that come and go and whose values refer to much.
 *
 * V8 copies the table of a `Map` after as many deletions as it has room for. The table left behind still refers to every value
 * that was in the map then, and once the table is in the old generation, these values survive until the next full
 * collection: with 64 connections at a time each of them did. Here the tables refer to cells, which are emptied on deletion.
 */
interface Cell<V> {
  value: V | undefined;
}

export class ReleasingMap<K, V extends object> {
  readonly #cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  /** For a key that is not in the map. */
  add(key: K, value: V): void {
    this.#cells.set(key, { value });
  }

  delete(key: K): void {
    const cell = this.#cells.get(key);
    if (!cell) return;
    cell.value = undefined;
    this.#cells.delete(key);
  }

  /** In the order in which they were added; entries may be added and deleted meanwhile. */
  *values(): Generator<V, void> {
    for (const { value } of this.#cells.values()) if (value) yield value;
  }
}
