/** Where the time of this layer comes from, so that a virtual clock can stand in. XState's `Clock` fits. */
export interface Timers {
  /** Runs `run` once, `ms` milliseconds from now at the earliest, never before it returns. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Takes what `setTimeout` gave; a timer that has run, or is cleared already, is no error. */
  clearTimeout(timer: unknown): void;
}

/** The timers of Node.js. */
export const systemTimers: Timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
