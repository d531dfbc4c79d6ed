/** Work on the items of a long list, some of them at a time. */

export interface EachOptions {
  /** Items that are worked on at a time. */
  readonly limit: number;
  /** No further item is begun once it is aborted: items that end at once would keep other signals from being handled. */
  readonly interrupted: AbortSignal;
}

/** The results, in the order of the items; those of items that were not begun are missing. */
export async function eachOf<T, R>(
  items: readonly T[],
  { limit, interrupted }: EachOptions,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [n, item] of rest) {
      if (interrupted.aborted) return;
      results[n] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results.filter((_, n) => n in results);
}
