/** Listens to an AbortSignal of the caller. */
import { setMaxListeners } from 'node:events';

/**
 * Calls `run` once when the signal aborts; the function that is returned takes that back. One signal may end any number of
 * dials, nodes and lookups: Node.js's warning of a leak at the eleventh listener would be wrong.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (!signal) return () => undefined;
  setMaxListeners(0, signal);
  signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}
