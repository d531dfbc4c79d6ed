/** Counts refused connections by source in bounded memory, so that metrics need no label with a source. */

/** Most sources that are counted; one more clears all counts. */
const MAX_SOURCES = 4_096;

/** The number of sources, and the largest number of refusals of a source. */
export class RefusalsBySource {
  readonly #counts = new Map<string, number>();
  #most = 0;

  /** Sources with at least one refusal, up to {@link MAX_SOURCES}. */
  get sources(): number {
    return this.#counts.size;
  }

  /** The number of refusals of the source with most of them, since the start. */
  get most(): number {
    return this.#most;
  }

  add(source: string): void {
    if (this.#counts.size >= MAX_SOURCES && !this.#counts.has(source)) this.#counts.clear();
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    this.#most = Math.max(this.#most, count);
  }
}
