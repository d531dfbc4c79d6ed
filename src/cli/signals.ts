/**
 * Ctrl-C, SIGTERM and a closed terminal: the first asks for an orderly end, the second ends the program at once. Where the
 * output goes to files, SIGHUP opens these anew instead, as after a rotation of logs.
 */
import { setMaxListeners } from 'node:events';

/** Milliseconds for an orderly end after an interruption. */
const GRACE = 2_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A second signal this soon is the same keystroke: npm forwards a signal that the terminal has sent to the whole process group already. */
const SAME_MS = 250;

/** What this file needs of `process`. */
export interface Signals {
  on(signal: (typeof SIGNALS)[number], listener: () => void): unknown;
}

/**
 * A signal that aborts on the first interruption; `leave` is called on the second.
 *
 * @param now - milliseconds of any clock
 * @param reopen - called on SIGHUP; true when there were files to open again, and the program continues
 */
export function interruptions(
  from: Signals,
  leave: () => void,
  now: () => number = Date.now,
  reopen: () => boolean = () => false,
): AbortSignal {
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
  const hangUp = (): void => {
    if (!reopen()) interrupt();
  };
  for (const signal of SIGNALS) from.on(signal, signal === 'SIGHUP' ? hangUp : interrupt);
  return controller.signal;
}

/** Resolves two seconds after the interruption, whatever is still waited for. Does not keep the program running. */
export function graceAfter(interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const start = (): void => void setTimeout(resolve, GRACE).unref();
    if (interrupted.aborted) start();
    else interrupted.addEventListener('abort', start, { once: true });
  });
}
