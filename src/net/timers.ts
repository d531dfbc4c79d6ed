/** The timers of the net layer: those of the system, or of a virtual clock. An XState `Clock` can be used too. */
import { performance } from 'node:perf_hooks';

/** Sets timers. */
export interface Timers {
  /** Calls `run` once, after at least `ms` milliseconds and never during this call. Returns a handle for `clearTimeout`. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Cancels a timer; has no effect when it has run or was cancelled already. */
  clearTimeout(timer: unknown): void;
}

/** A timer that fires this much late, milliseconds, was delayed by a suspended or busy process. */
const DELAYED_FROM = 25;
/** A shorter timer, milliseconds, is not a deadline but paces work; a busy process must not delay it repeatedly. */
const SHORTEST_DEADLINE = 10;
/** How long a delayed timer waits for the event loop to read the sockets, milliseconds. */
const GRACE = 100;

/**
 * Node.js runs due timers before it reads the sockets. After a suspension, a deadline would therefore fire before the message
 * that meets it is read, although the message arrived in time. So a delayed timer waits a little longer.
 */
class SystemTimer {
  #timer: NodeJS.Timeout;

  constructor(run: () => void, ms: number) {
    const dueat = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (ms < SHORTEST_DEADLINE || performance.now() - dueat < DELAYED_FROM) run();
      else this.#timer = setTimeout(run, GRACE);
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** The timers of Node.js. A timer that was delayed by a suspension fires after the bytes that arrived meanwhile were read. */
export const systemTimers: Timers = {
  setTimeout: (run, ms) => new SystemTimer(run, ms),
  clearTimeout: (timer) => {
    if (timer instanceof SystemTimer) timer.clear();
  },
};
