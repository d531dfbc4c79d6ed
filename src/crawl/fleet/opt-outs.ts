/** The opt-out list of a fleet: kept in a key–value bucket, followed by the coordinator while it runs. */
import type { OptOutList } from '../opt-out.js';
import { type Fleet, persist } from './connection.js';
import { entryOf, keyOf } from './names.js';

/** Adds these entries to the bucket, then takes over what is there and what comes, until `signal` aborts. */
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
