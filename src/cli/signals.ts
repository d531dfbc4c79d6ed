/** Ctrl-C, SIGTERM and a closed terminal: the first asks for an orderly end, the second is the end. */

import { setMaxListeners } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A second signal this soon is the same keystroke: npm passes on what the terminal has sent to everybody already. */
const SAME_MS = 250;

/** What this file needs of `process`. */
export interface Signals {
  on(signal: (typeof SIGNALS)[number], listener: () => void): unknown;
}

/**
 * A signal that aborts on the first interruption; `leave` is called on the second.
 *
 * @param now - milliseconds of any clock
 */
export function interruptions(from: Signals, leave: () => void, now: () => number = Date.now): AbortSignal {
  const controller = new AbortController();
  // One listener per name that is looked up, per host that is probed: many are no leak.
  setMaxListeners(0, controller.signal);
  let first = 0;
  const interrupt = (): void => {
    if (!controller.signal.aborted) {
      first = now();
      controller.abort();
    } else if (now() - first > SAME_MS) {
      leave();
    }
  };
  for (const signal of SIGNALS) from.on(signal, interrupt);
  return controller.signal;
}
