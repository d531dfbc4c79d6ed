/**
 * One shared tick for all established peers: with a timer for each, every stop of an actor would cost more. It also detects
 * that the process was suspended, or that the wall clock was set.
 */
import type { Clock } from '../net/environment.js';
import { causeOfDelay } from './loop-delay.js';

export interface PeerClockListener {
  /** Called once a second while the clock runs; `now` is the node's clock, milliseconds. */
  tick(now: number): void;
  /** The process was suspended for `ms` milliseconds (`monotonic`), or the wall clock was set by `ms` (`wall`). */
  jumped(ms: number, clock: 'monotonic' | 'wall'): void;
}

/** Interval of the tick, milliseconds. */
const TICK = 1_000;
/** A tick that is more than this late, milliseconds, means a suspension, unless the process used CPU time meanwhile. */
const JUMP = 15_000;

export class PeerClock {
  #timer: unknown;
  #tickedat = 0;
  #drift = 0;
  #cpu = 0;
  /** When the CPU time was last read. */
  #cpuat = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly listener: PeerClockListener,
  ) {}

  /** Starts the tick, or restarts the current interval. */
  start(): void {
    this.stop();
    this.#tickedat = this.clock.now();
    this.#drift = this.clock.wall() - this.#tickedat;
    this.#readCpu(this.#tickedat);
    this.#timer = this.clock.setTimeout(() => this.#tick(), TICK);
  }

  stop(): void {
    this.clock.clearTimeout(this.#timer);
  }

  /** Reads the CPU time at most once a second, because the system call takes longer than a whole handshake. */
  #readCpu(now: number): void {
    if (now - this.#cpuat < TICK) return;
    this.#cpuat = now;
    this.#cpu = this.clock.cpu?.() ?? 0;
  }

  #tick(): void {
    const now = this.clock.now();
    this.#detectJump(now);
    this.start();
    this.listener.tick(now);
  }

  #detectJump(now: number): void {
    const late = now - this.#tickedat - TICK;
    const set = this.clock.wall() - now - this.#drift;
    if (late > JUMP && this.#wasSuspended(now)) this.listener.jumped(late, 'monotonic');
    else if (Math.abs(set) > JUMP) this.listener.jumped(set, 'wall');
  }

  #wasSuspended(now: number): boolean {
    const used = (this.clock.cpu?.() ?? 0) - this.#cpu;
    return causeOfDelay(now - this.#cpuat, used) === 'suspended';
  }
}
