/** Stops and restarts reading from a link: it is read only while no reason to stop holds. */
import type { Link } from '../net/link.js';

/**
 * `send`: more than `maxsendbuffer` bytes wait to be sent; `turn`: received bytes wait for their turn; `memory`: the budget for
 * unfinished frames is used up.
 */
export type StopReason = 'send' | 'turn' | 'memory';

const BITS: Readonly<Record<StopReason, number>> = { send: 1, turn: 2, memory: 4 };

export class ReadGate {
  #stopped = 0;

  isStopped(reason: StopReason): boolean {
    return (this.#stopped & BITS[reason]) !== 0;
  }

  stop(link: Link | undefined, reason: StopReason): void {
    this.#stopped |= BITS[reason];
    link?.pause();
  }

  /** This reason no longer holds; reading restarts when no other one does. */
  start(link: Link | undefined, reason: StopReason): void {
    this.#stopped &= ~BITS[reason];
    if (this.#stopped === 0) link?.resume();
  }
}
