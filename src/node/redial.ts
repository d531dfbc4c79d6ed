/**
 * Who is dialled again, and when: exponential backoff with jitter and a cap, per target. A target may stand for several
 * addresses (a name); each try takes the next one.
 */
import { redialDelay } from '../../machines/index.js';
import type { Endpoint } from '../net/link.js';
import { REASONS, type Reason } from '../reasons.js';
import { drawFraction, type Env } from '../net/environment.js';
import type { DialOptions } from './options.js';
import type { Peer } from './peer.js';

/** Somebody we want to stay connected to. */
export interface Target {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  failures: number;
  /** Tries so far; picks the endpoint. */
  tries: number;
  /** BIP324 was tried and not understood: v1 from now on. */
  v1: boolean;
  /** The caller wants no more of it. */
  closed: boolean;
  /** The caller's handle, and what its abort signal calls. */
  peer?: Peer;
  abort?: () => void;
  readonly options: DialOptions;
}

/** A connection that lasted this long was no failure, milliseconds. */
const SUCCESS = 60_000;

export class Redials {
  readonly #timers = new Map<Target, unknown>();

  constructor(
    private readonly env: Env,
    private readonly dial: (target: Target) => void,
  ) {}

  /** Targets that wait for their next try. */
  get waiting(): number {
    return this.#timers.size;
  }

  /**
   * What to do about a target whose connection ended. Returns the delay in milliseconds, or `undefined` when the reason
   * says that another try makes no sense.
   */
  ended(target: Target, reason: Reason, establishedfor: number): number | undefined {
    // The other addresses of the same host come first, whatever was wrong with this one.
    if (establishedfor === 0 && target.tries % target.endpoints.length !== 0) return this.#again(target, 0);
    if (REASONS[reason.code].retry !== 'later') return undefined;
    target.failures = establishedfor >= SUCCESS ? 1 : target.failures + 1;
    return this.#again(target, redialDelay(target.failures, drawFraction(this.env)));
  }

  #again(target: Target, delay: number): number {
    const timer = this.env.clock.setTimeout(() => {
      this.#timers.delete(target);
      this.dial(target);
    }, delay);
    this.#timers.set(target, timer);
    return delay;
  }

  /** Forgets a target that waits. */
  cancel(target: Target): void {
    this.env.clock.clearTimeout(this.#timers.get(target));
    this.#timers.delete(target);
  }

  stop(): void {
    for (const timer of this.#timers.values()) this.env.clock.clearTimeout(timer);
    this.#timers.clear();
  }
}
