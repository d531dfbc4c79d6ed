/** Whether a link is read: several owners may stop it, and it is read again when none of them does. */
import type { Link } from '../net/link.js';

/** `send`: too much waits to be sent; `turn`: bytes wait for their turn; `memory`: the budget for unfinished frames is used up. */
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

  /** This reason is over. */
  start(link: Link | undefined, reason: StopReason): void {
    this.#stopped &= ~BITS[reason];
    if (this.#stopped === 0) link?.resume();
  }
}
