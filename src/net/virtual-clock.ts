/**
 * A clock that moves only when `advance` is called. With it, tests and simulations run hours in milliseconds, and every run is
 * the same.
 */
import type { Clock } from './environment.js';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * A virtual clock. Timers run in the order of their due times; those with equal times run in the order in which they were set.
 *
 *   const clock = new VirtualClock();
 *   clock.setTimeout(() => console.log('after a minute'), 60_000);
 *   clock.advance(60_000);
 */
export class VirtualClock implements Clock {
  #now = 1;
  #order = 0;
  readonly #timers = new Map<number, Timer>();

  /** `epoch`: the wall-clock time at the start, milliseconds since 1970-01-01 UTC. */
  constructor(private readonly epoch = 1_800_000_000_000) {}

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.epoch + this.#now;
  }

  /** Number of armed timers. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Calls `fn` when {@link advance} reaches its time. */
  setTimeout(fn: () => void, ms: number): number {
    const order = ++this.#order;
    this.#timers.set(order, { due: this.#now + Math.max(0, ms), order, fn });
    return order;
  }

  /** Cancels a timer. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Advances the time by `ms` milliseconds, and runs every timer that becomes due, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#first(end); timer; timer = this.#first(end)) {
      this.#now = Math.max(this.#now, timer.due);
      this.#timers.delete(timer.order);
      timer.fn();
    }
    this.#now = end;
  }

  /** Advances the time by `ms` milliseconds without running timers, as a suspended process does; timers are late afterwards. */
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
