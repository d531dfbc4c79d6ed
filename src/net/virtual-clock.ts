/**
 * A clock that moves only when `advance` is called: tests and simulations run hours in milliseconds, and the same way every time.
 */
import type { Clock } from './environment.js';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * Timers run in the order of their due time, equal ones in the order in which they were set.
 *
 *   const clock = new VirtualClock();
 *   clock.setTimeout(() => console.log('after a minute'), 60_000);
 *   clock.advance(60_000);
 */
export class VirtualClock implements Clock {
  #now = 1;
  #order = 0;
  readonly #timers = new Map<number, Timer>();

  /** `epoch`: the wall clock's reading at the start, milliseconds since 1970-01-01 UTC. */
  constructor(private readonly epoch = 1_800_000_000_000) {}

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.epoch + this.#now;
  }

  /** Timers that are armed now. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Calls `fn` when {@link advance} passes its moment. */
  setTimeout(fn: () => void, ms: number): number {
    const order = ++this.#order;
    this.#timers.set(order, { due: this.#now + Math.max(0, ms), order, fn });
    return order;
  }

  /** Cancels a timer. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Moves on by `ms`, running every timer that falls due on the way at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#first(end); timer; timer = this.#first(end)) {
      this.#now = Math.max(this.#now, timer.due);
      this.#timers.delete(timer.order);
      timer.fn();
    }
    this.#now = end;
  }

  /** Moves on by `ms` without running anything, as a suspended machine does; the timers are late afterwards. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #first(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.due > end) continue;
      if (!first || timer.due < first.due) first = timer;
    }
    return first;
  }
}
