/**
 * The node-wide memory budget for unfinished frames: bytes that the node holds for peers before a message is complete.
 *
 * Bitcoin Core limits the complete messages that wait for each peer (`-maxreceivebuffer`), and has no limit for all peers
 * together. Here every peer may hold {@link MemoryLimits.free} bytes; bytes beyond that count against the budget. When the
 * budget is used up, peers above their free part are not read, except the one whose frame is oldest. So one frame always
 * continues, and the frames of well-behaved peers complete one after the other. If the oldest frame is not complete within
 * {@link MemoryLimits.maxWait} although it is read, its peer is to be closed, because all others wait for it.
 *
 * Decisions are data: the caller pauses, resumes and closes. Times `at` are milliseconds of a monotonic clock.
 */

export interface MemoryLimits {
  /** Bytes of all unfinished frames beyond the free parts; the oldest frame may exceed it. */
  readonly total: number;
  /** Bytes that each peer may hold at any time: enough for every message that belongs to a handshake. */
  readonly free: number;
  /** Milliseconds in which the oldest frame must complete while others wait for it. */
  readonly maxWait: number;
}

/** The largest message, 4 MB, in 30 s needs 1.1 Mbit/s. With Core's 125 peers the node holds at most 32 + 8 + 4 MB. */
export const MEMORY_LIMITS: MemoryLimits = { total: 32_000_000, free: 65_536, maxWait: 30_000 };

/** Ids of the peers to pause, resume and close. A peer is listed only when its state changes. */
export interface MemoryDecision {
  readonly pause: readonly number[];
  readonly resume: readonly number[];
  readonly close: readonly number[];
}

/** An unfinished frame of a peer. */
interface Held {
  bytes: number;
  isPaused: boolean;
}

export class MemoryBudget {
  /** Peers above their free part, in the order in which they exceeded it. */
  readonly #held = new Map<number, Held>();
  #total = 0;
  /** Timestamp since which others wait for the oldest frame; -1 when none waits. */
  #waitingSince = -1;

  constructor(private readonly limits: MemoryLimits = MEMORY_LIMITS) {}

  /** Bytes that count against the budget. */
  get total(): number {
    return this.#total;
  }

  /** Number of paused peers. */
  get waiting(): number {
    return [...this.#held.values()].filter(({ isPaused }) => isPaused).length;
  }

  /** A peer now holds `bytes` bytes of an unfinished frame; 0 when the frame is complete or the connection has ended. */
  update(id: number, bytes: number, at: number): MemoryDecision {
    const oldest = this.#oldest;
    this.#set(id, Math.max(0, bytes - this.limits.free));
    if (this.#oldest !== oldest) this.#waitingSince = -1;
    return this.#decide(at);
  }

  /** Checks {@link MemoryLimits.maxWait}; to be called about once a second. */
  tick(at: number): MemoryDecision {
    return this.#decide(at);
  }

  get #oldest(): number | undefined {
    const [id] = this.#held.keys();
    return id;
  }

  #set(id: number, bytes: number): void {
    const held = this.#held.get(id);
    this.#total += bytes - (held?.bytes ?? 0);
    if (held && bytes > 0) held.bytes = bytes;
    else if (bytes > 0) this.#held.set(id, { bytes, isPaused: false });
    else if (held && !held.isPaused) this.#held.delete(id);
    else if (held) held.bytes = 0;
  }

  #decide(at: number): MemoryDecision {
    const isFull = this.#total >= this.limits.total;
    const oldest = this.#oldest;
    const pause: number[] = [];
    const resume: number[] = [];
    for (const [id, held] of this.#held) {
      const mustWait = isFull && id !== oldest && held.bytes > 0;
      if (mustWait !== held.isPaused) (mustWait ? pause : resume).push(id);
      held.isPaused = mustWait;
      if (held.bytes === 0) this.#held.delete(id);
    }
    return { pause, resume, close: this.#isOverdue(isFull, at) && oldest !== undefined ? [oldest] : [] };
  }

  #isOverdue(isFull: boolean, at: number): boolean {
    if (!isFull) this.#waitingSince = -1;
    else if (this.#waitingSince < 0) this.#waitingSince = at;
    return isFull && at - this.#waitingSince >= this.limits.maxWait;
  }
}
