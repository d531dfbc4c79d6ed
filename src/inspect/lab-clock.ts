/**
 * The clock of the lab. It follows the system's clock unless it is held, and can be set forward. It works in slices with a
 * pause after each, so that the lab takes at most a quarter of the CPU time and the real node keeps the rest: a lab that
 * has more work than that runs slower than real time.
 */
import { VirtualClock } from '../index.js';

/** Milliseconds between two slices when there is little work. */
const INTERVAL = 25;
/** CPU milliseconds of one slice; one virtual step is finished in any case. */
const BUDGET = 5;
/** The pause after a slice, as a multiple of its CPU time. */
const PAUSE = 3;
/** Virtual milliseconds of one step of the clock. */
const COARSE_STEP = 100;
const FINE_STEP = 15;
/** Virtual milliseconds that the clock can be behind the system's clock; the rest is left out. */
const MAX_BEHIND = 1_000;
/** Virtual milliseconds after which `runUntil` gives up. */
const GIVE_UP = 300_000;

export class LabClock {
  readonly clock = new VirtualClock(Date.now());
  held = false;
  /** Virtual milliseconds to run. */
  #pending = 0;
  #isReached: (() => boolean) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readat = 0;

  /** Whether time that was asked for has not passed yet. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  start(): void {
    if (this.#timer) return;
    this.#readat = performance.now();
    this.#schedule(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Sets the clock forward. */
  skip(ms: number): void {
    this.#pending += ms;
    this.#run();
  }

  /** Holds the clock at the moment when `isReached` becomes true. */
  runUntil(isReached: () => boolean): void {
    this.held = true;
    this.#pending = GIVE_UP;
    this.#isReached = isReached;
    this.#run();
  }

  #schedule(spent: number): void {
    this.#timer = setTimeout(() => this.#tick(), Math.max(INTERVAL, PAUSE * spent)).unref();
  }

  #tick(): void {
    const now = performance.now();
    if (!this.held && this.#pending < MAX_BEHIND)
      this.#pending = Math.min(MAX_BEHIND, this.#pending + now - this.#readat);
    this.#readat = now;
    this.#schedule(this.#run());
  }

  /** Returns the CPU milliseconds that it took. */
  #run(): number {
    const start = performance.now();
    while (this.#pending > 0 && performance.now() - start < BUDGET) this.#step();
    return performance.now() - start;
  }

  #step(): void {
    const step = Math.min(this.#pending, this.#isReached ? FINE_STEP : COARSE_STEP);
    this.clock.advance(step);
    this.#pending -= step;
    if (this.#isReached?.()) this.#pending = 0;
    if (this.#pending <= 0) this.#isReached = undefined;
  }
}
