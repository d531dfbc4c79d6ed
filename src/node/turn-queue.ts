/**
 * The order in which received bytes are processed. Peers with unprocessed bytes wait in a queue, and the event loop polls I/O
 * again after at most {@link LOOP_MS} of work and the turn under way.
 *
 * Peers whose handshake is not complete have a queue of their own, which gets every second turn: a new peer waits only for
 * other new peers, not for a thousand established ones.
 */

/** Milliseconds of work between two polls of I/O; a turn that has begun is finished. */
export const LOOP_MS = 10;

/** Milliseconds of work from which on the queue schedules a poll of I/O, after which {@link LOOP_MS} starts again. */
const SCHEDULE_FROM_MS = 1;

export interface TurnQueueOptions {
  /** A monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Calls a function once, after the I/O events that are pending now. */
  readonly schedule: (run: () => void) => void;
  /** Gives a peer one turn; returns true when it has work left. Must not throw. */
  readonly turn: (id: number) => boolean;
  /** Whether the handshake of a peer is not complete yet. */
  readonly isHandshaking: (id: number) => boolean;
  /** Default {@link LOOP_MS}. */
  readonly loopMs?: number;
}

type QueueName = 'handshaking' | 'established';

export class TurnQueue {
  readonly #queues: Readonly<Record<QueueName, Set<number>>> = {
    handshaking: new Set(),
    established: new Set(),
  };
  /** The queue that had the last turn. */
  #last: QueueName = 'established';
  #isScheduled = false;
  /** Work done since I/O was last polled, milliseconds. */
  #worked = 0;

  constructor(private readonly options: TurnQueueOptions) {}

  /**
   * A peer has work. It gets its turn at once when no other peer waits and the limit is not reached; otherwise it is queued. A peer
   * that is queued already keeps its position.
   */
  add(id: number): void {
    if (this.size > 0 || this.#isSpent) this.#wait(id);
    else this.#take(id);
  }

  /** A peer has ended, or has no work any more. */
  remove(id: number): void {
    this.#queues.handshaking.delete(id);
    this.#queues.established.delete(id);
  }

  /** Number of queued peers. */
  get size(): number {
    return this.#queues.handshaking.size + this.#queues.established.size;
  }

  get #isSpent(): boolean {
    return this.#worked >= (this.options.loopMs ?? LOOP_MS);
  }

  #wait(id: number): void {
    if (this.#queues.handshaking.has(id) || this.#queues.established.has(id)) return;
    this.#queues[this.options.isHandshaking(id) ? 'handshaking' : 'established'].add(id);
    this.#schedule();
  }

  #take(id: number): void {
    const { now, turn } = this.options;
    const beganat = now();
    const hasMore = turn(id);
    this.#worked += now() - beganat;
    // Less work hardly uses the limit, and scheduling after each read would cost more than most reads.
    if (this.#worked >= SCHEDULE_FROM_MS) this.#schedule();
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

  /** I/O was polled: each queued peer gets at most one turn. */
  #run(): void {
    this.#worked = 0;
    for (let turns = this.size; turns > 0 && !this.#isSpent; turns -= 1) {
      const queue = this.#queues[this.#nextQueue()];
      const [id] = queue;
      if (id === undefined) return;
      queue.delete(id);
      this.#take(id);
    }
  }

  #nextQueue(): QueueName {
    const other = this.#last === 'established' ? 'handshaking' : 'established';
    this.#last = this.#queues[other].size > 0 ? other : this.#last;
    return this.#last;
  }
}
