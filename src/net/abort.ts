/** Listens to an `AbortSignal` of the caller. */
import { setMaxListeners } from 'node:events';

/**
 * Calls `run` once when the signal aborts. The returned function removes the listener. The limit of listeners is lifted, because
 * one signal may end any number of dials, nodes and look-ups, and Node.js would warn of a leak at the eleventh.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (!signal) return () => undefined;
  setMaxListeners(0, signal);
  signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}
