/**
 * One shared tick for all established peers, because a timer for each costs more at every stop of an actor. It also
 * detects that the process did not run, or that the wall clock was set.
 */
import type { Clock } from '../net/environment.js';
import { causeOfDelay } from './loop-delay.js';

export interface PeerClockListener {
  /** Once a second while the clock runs; `now` is the node's clock, milliseconds. */
  tick(now: number): void;
  /** `ms` of time passed while the process did not run (`monotonic`), or the wall clock was set by that much (`wall`). */
  jumped(ms: number, clock: 'monotonic' | 'wall'): void;
}

/** Between two looks at the deadlines, milliseconds. */
const TICK = 1_000;
/** A tick that is later than this, in a process that has used hardly any CPU, means that the process was suspended. */
const JUMP = 15_000;

export class PeerClock {
  #timer: unknown;
  #tickedat = 0;
  #drift = 0;
  #cpu = 0;
  /** When the CPU time was read. */
  #cpuat = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly listener: PeerClockListener,
  ) {}

  /** Starts, or starts the current second anew. */
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

  /** Not more than once a second: it costs the system more than a whole handshake costs us. */
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
