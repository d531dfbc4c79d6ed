/** The opt-out list of a fleet, in a key–value bucket that the coordinator watches. */
import type { OptOutList } from '../opt-out.js';
import { type Fleet, persist } from './connection.js';
import { entryOf, keyOf } from './names.js';

/** Adds `entries` to the bucket, then adds all entries of the bucket to `list`, also those that are added until `signal` aborts. */
export async function shareOptOuts(
  { optOuts }: Fleet,
  entries: readonly string[],
  list: OptOutList,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of entries) await optOuts.put(keyOf(entry), entry);
  const keys = await optOuts.keys();
  for await (const key of keys) list.add(entryOf(key));
  void persist(signal, async () => {
    const changes = await optOuts.watch();
    signal.addEventListener('abort', () => changes.stop(), { once: true });
    for await (const { key, operation } of changes) if (operation === 'PUT') list.add(entryOf(key));
  });
}
