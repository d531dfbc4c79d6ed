/** Where the time of this layer comes from, so that a virtual clock can stand in. XState's `Clock` fits. */
import { performance } from 'node:perf_hooks';

/** What sets timers: the system, or a virtual clock. */
export interface Timers {
  /** Runs `run` once, `ms` milliseconds from now at the earliest, never before it returns. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Takes what `setTimeout` gave; a timer that has run, or is cleared already, is no error. */
  clearTimeout(timer: unknown): void;
}

/** A timer that is so late was held up: the process was suspended or busy. Milliseconds. */
const HELD_UP = 25;
/** A shorter timer is no deadline: it paces something, and a busy process must not delay it again and again. Milliseconds. */
const SHORTEST_DEADLINE = 10;
/** What a timer that was held up waits for the event loop to read the sockets, milliseconds. */
const GRACE = 100;

/**
 * Node.js runs the timers that are due before it reads the sockets. After a suspension a deadline would so be judged before the
 * message that meets it, although the message came in time. A timer that was held up therefore waits a little longer.
 */
class SystemTimer {
  #timer: NodeJS.Timeout;

  constructor(run: () => void, ms: number) {
    const dueat = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (ms < SHORTEST_DEADLINE || performance.now() - dueat < HELD_UP) run();
      else this.#timer = setTimeout(run, GRACE);
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** The timers of Node.js. One that is due while the process does not run waits until what has arrived meanwhile is read. */
export const systemTimers: Timers = {
  setTimeout: (run, ms) => new SystemTimer(run, ms),
  clearTimeout: (timer) => {
    if (timer instanceof SystemTimer) timer.clear();
  },
};
