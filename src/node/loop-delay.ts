/**
 * Measures how late the event loop is, and distinguishes a busy loop from a suspended machine.
 *
 * Both make a timer late. A busy process has used CPU meanwhile, a suspended one has not. Only a suspension may
 * move deadlines; otherwise a peer could move those of all others by keeping the loop busy.
 */
import type { Clock } from '../net/environment.js';

/** CPU that this process has used so far, milliseconds, all threads together. */
export const systemCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Milliseconds between two samples. */
export const SAMPLE_INTERVAL = 100;
/** Samples that are kept: those of the last minute. */
export const SAMPLES = 600;
/** A delay of a second is worth a warning. */
export const LATE = 1_000;

/**
 * From this share of the time on, a process was busy. The time around a suspension includes up to one interval of normal
 * work; a process that shares its processor with many others may get little of it.
 */
const BUSY_SHARE = 0.1;

/** What made something late. */
export type DelayCause = 'busy' | 'suspended';

/** The cause, from the time that passed and the CPU that was used in it, both in milliseconds. */
export const causeOfDelay = (elapsed: number, cpu: number): DelayCause =>
  cpu >= elapsed * BUSY_SHARE ? 'busy' : 'suspended';

/** A timer that comes late, and what made it so. */
export interface LateTimer {
  readonly ms: number;
  readonly cause: DelayCause;
}

export interface LoopDelayOptions {
  readonly clock: Clock;
  /** Default {@link systemCpu}. */
  readonly cpu?: () => number;
  /** From how many milliseconds on a delay is reported to `late`; default {@link LATE}. */
  readonly threshold?: number;
  readonly late?: (timer: LateTimer) => void;
}

/** Takes samples from `start` to `stop`. Delays are milliseconds; suspensions of `threshold` or more are not among them. */
export class LoopDelay {
  readonly #delays: number[] = [];
  #next = 0;
  #timer: unknown;
  #dueat = 0;
  #cpu = 0;

  constructor(private readonly options: LoopDelayOptions) {}

  start(): void {
    this.stop();
    this.#arm();
  }

  stop(): void {
    this.options.clock.clearTimeout(this.#timer);
  }

  /** The longest delay of the last minute; 0 before the first sample. */
  get max(): number {
    return Math.max(0, ...this.#delays);
  }

  /** The delay that so many of the last minute's samples do not exceed: `percentile(99)`. 0 before the first sample. */
  percentile(percent: number): number {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
  }

  #arm(): void {
    const { clock, cpu = systemCpu } = this.options;
    this.#dueat = clock.now() + SAMPLE_INTERVAL;
    this.#cpu = cpu();
    this.#timer = clock.setTimeout(() => this.#sample(), SAMPLE_INTERVAL);
  }

  #sample(): void {
    const { clock, cpu = systemCpu, threshold = LATE, late } = this.options;
    const ms = Math.max(0, clock.now() - this.#dueat);
    const cause = causeOfDelay(ms + SAMPLE_INTERVAL, cpu() - this.#cpu);
    this.#keep(cause === 'busy' || ms < threshold ? ms : 0);
    this.#arm();
    if (ms >= threshold) late?.({ ms, cause });
  }

  /** Overwrites the oldest sample. */
  #keep(ms: number): void {
    this.#delays[this.#next] = ms;
    this.#next = (this.#next + 1) % SAMPLES;
  }
}
