/**
 * The order in which peers are read: peers with unread bytes wait in a queue, and the event loop is not blocked for longer than a limit.
 *
 * Peers whose handshake is not complete have a queue of their own, and every second turn: a new peer waits for other
 * new peers, not for a thousand busy ones.
 */

/** Milliseconds of work between two polls of I/O. A turn that is under way is finished first. */
export const LOOP_MS = 10;

/** Milliseconds of work above which the queue checks the clock again soon. */
const NOTICEABLE = 1;

export interface TurnQueueOptions {
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
  /** Calls a function once, after the I/O events that wait now. */
  readonly schedule: (run: () => void) => void;
  /** Gives a peer one turn; true when it has work left. Must not throw. */
  readonly turn: (id: number) => boolean;
  /** Whether the handshake of a peer is not complete yet. */
  readonly isHandshaking: (id: number) => boolean;
  /** Default {@link LOOP_MS}. */
  readonly loopMs?: number;
}

type Lane = 'handshaking' | 'established';

export class TurnQueue {
  readonly #lanes: Readonly<Record<Lane, Set<number>>> = { handshaking: new Set(), established: new Set() };
  #last: Lane = 'established';
  #isScheduled = false;
  /** Work done since I/O was last polled, milliseconds. */
  #worked = 0;

  constructor(private readonly options: TurnQueueOptions) {}

  /**
   * A peer has work. Its turn is at once where no other peer waits and the limit is not reached; otherwise in its order. A peer that
   * waits already keeps its place.
   */
  add(id: number): void {
    if (this.size > 0 || this.#isSpent) this.#wait(id);
    else this.#take(id);
  }

  /** A peer has ended, or has no work any more. */
  remove(id: number): void {
    for (const lane of Object.values(this.#lanes)) lane.delete(id);
  }

  /** Peers that wait. */
  get size(): number {
    return this.#lanes.handshaking.size + this.#lanes.established.size;
  }

  get #isSpent(): boolean {
    return this.#worked >= (this.options.loopMs ?? LOOP_MS);
  }

  #wait(id: number): void {
    if (this.#lanes.handshaking.has(id) || this.#lanes.established.has(id)) return;
    this.#lanes[this.options.isHandshaking(id) ? 'handshaking' : 'established'].add(id);
    this.#schedule();
  }

  #take(id: number): void {
    const { now, turn } = this.options;
    const beganat = now();
    const hasMore = turn(id);
    this.#worked += now() - beganat;
    // Below it, the budget of the loop is hardly touched, and a timer for each read would cost more than most of them.
    if (this.#worked >= NOTICEABLE) this.#schedule();
    if (hasMore) this.#wait(id);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.options.schedule(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  /** I/O was polled: peers that wait have their turns, each at most one. */
  #run(): void {
    this.#worked = 0;
    for (let turns = this.size; turns > 0 && !this.#isSpent; turns -= 1) {
      const lane = this.#nextLane();
      const [id] = this.#lanes[lane];
      if (id === undefined) return;
      this.#lanes[lane].delete(id);
      this.#take(id);
    }
  }

  #nextLane(): Lane {
    const other = this.#last === 'established' ? 'handshaking' : 'established';
    this.#last = this.#lanes[other].size > 0 ? other : this.#last;
    return this.#last;
  }
}
