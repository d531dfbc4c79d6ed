/**
 * Handles Ctrl-C, SIGTERM and SIGHUP: the first signal requests a clean exit, the second exits immediately. If the output
 * goes to files, SIGHUP reopens them instead, as needed after a log rotation.
 */
import { setMaxListeners } from 'node:events';

/** Milliseconds for a clean exit after an interruption. */
const GRACE = 2_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A second signal within this time is from the same keystroke: npm forwards a signal that the terminal has already sent to the whole process group. */
const SAME_MS = 250;

/** The part of `process` that is needed here. */
export interface Signals {
  on(signal: (typeof SIGNALS)[number], listener: () => void): unknown;
}

/**
 * An `AbortSignal` that aborts on the first interruption; `leave` is called on the second.
 *
 * @param now - milliseconds of a clock that does not go back
 * @param reopen - called on SIGHUP; true when there were files to open again, and the program continues
 */
export function interruptions(
  from: Signals,
  leave: () => void,
  now: () => number = () => performance.now(),
  reopen: () => boolean = () => false,
): AbortSignal {
  const controller = new AbortController();
  // Each name lookup and each probed host adds a listener, so a large number is not a leak.
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

/** Resolves two seconds after the interruption, to end a verb that has not stopped by then. Does not keep the process running. */
export function graceAfter(interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const start = (): void => void setTimeout(resolve, GRACE).unref();
    if (interrupted.aborted) start();
    else interrupted.addEventListener('abort', start, { once: true });
  });
}
