/**
 * A map for short-lived entries whose values refer to many objects.
 *
 * V8 replaces the table of a `Map` by a copy after a number of deletions. The old table still refers to all its values, and once it
 * is in the old generation, these values stay in memory until the next full garbage collection; with 64 connections at a time
 * every connection did. Here the tables refer to cells, which are emptied on deletion.
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

  /** Adds an entry; the key must not be in the map. */
  add(key: K, value: V): void {
    this.#cells.set(key, { value });
  }

  delete(key: K): void {
    const cell = this.#cells.get(key);
    if (!cell) return;
    cell.value = undefined;
    this.#cells.delete(key);
  }

  /** The values in the order in which they were added. Entries may be added and deleted during the iteration. */
  *values(): Generator<V, void> {
    for (const { value } of this.#cells.values()) if (value) yield value;
  }
}
