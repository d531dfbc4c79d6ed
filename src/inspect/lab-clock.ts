/**
 * The clock of the lab. It follows the system's clock unless it is held, and can be set forward. It runs in slices with a
 * pause after each, so that the lab uses at most a quarter of the CPU time and the real node has the rest. A lab with more
 * work than that runs slower than real time.
 */
import { VirtualClock } from '../index.js';

/** Milliseconds between two slices when there is little work. */
const INTERVAL = 25;
/** CPU milliseconds of one slice; a step that has begun is completed. */
const BUDGET = 5;
/** The pause after a slice, as a multiple of its CPU time. */
const PAUSE = 3;
/** Virtual milliseconds of one step of the clock; fine steps are used by `runUntil`. */
const COARSE_STEP = 100;
const FINE_STEP = 15;
/** Most virtual milliseconds that the clock may be behind the system's clock; the rest is skipped. */
const MAX_BEHIND = 1_000;
/** Virtual milliseconds after which `runUntil` stops without a result. */
const GIVE_UP = 300_000;

/** A virtual clock with its slices. */
export class LabClock {
  readonly clock = new VirtualClock(Date.now());
  held = false;
  /** Virtual milliseconds to run. */
  #pending = 0;
  #isReached: (() => boolean) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readat = 0;

  /** Whether requested time has not passed yet. */
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

  /** Runs the clock until `isReached` returns true, then holds it. */
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

  /** Runs one slice; returns the CPU milliseconds that it took. */
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
