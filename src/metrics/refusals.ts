/** Refused connections by source, with a bound: the sources are counted here, and only their number is a metric. */

/** Sources that are counted; at this number the counts start again. */
const MAX_SOURCES = 4_096;

export class RefusalsBySource {
  readonly #counts = new Map<string, number>();
  #most = 0;

  /** Sources with at least one refusal, up to {@link MAX_SOURCES}. */
  get sources(): number {
    return this.#counts.size;
  }

  /** The refusals of the source that has most. */
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
