/**
 * The node-wide budget for unfinished frames: bytes that peers make this node hold before a message is complete.
 *
 * Bitcoin Core bounds complete messages that wait (`-maxreceivebuffer`), and has no bound for all peers together. Here every peer
 * may hold {@link MemoryLimits.free} bytes. What it holds beyond that counts against the budget. When the budget is used
 * up, peers above their free part are not read, except the one whose frame is oldest: so one frame always continues, and frames of well-behaved peers complete
 * one after the other. If that one is not complete in time although it is read, it is to be closed, as it
 * would keep all others waiting.
 *
 * Decisions are data: the caller pauses, resumes and closes. Moments are milliseconds of a clock that does not go back.
 */

export interface MemoryLimits {
  /** Bytes of all unfinished frames, without the free parts and without the oldest frame. */
  readonly total: number;
  /** Bytes that each peer may hold at any time: enough for every message that belongs to a handshake. */
  readonly free: number;
  /** Milliseconds that the oldest frame has to complete while others wait for it. */
  readonly maxWait: number;
}

/** 4 MB in 30 s are 1.1 Mbit/s. With Core's 125 peers the bound is 32 + 8 + 4 MB. */
export const MEMORY_LIMITS: MemoryLimits = { total: 32_000_000, free: 65_536, maxWait: 30_000 };

/** What is to be done: ids of peers. A peer is paused or resumed only when that changes something. */
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
  /** Peers above their free part, in the order in which they went above it. */
  readonly #held = new Map<number, Held>();
  #total = 0;
  /** Since when others have waited for the oldest frame. */
  #waitingSince = -1;

  constructor(private readonly limits: MemoryLimits = MEMORY_LIMITS) {}

  /** Bytes that count against the budget. */
  get total(): number {
    return this.#total;
  }

  /** Peers that are paused. */
  get waiting(): number {
    return [...this.#held.values()].filter(({ isPaused }) => isPaused).length;
  }

  /** A peer holds so many bytes of an unfinished frame now; 0 when the frame is complete or the peer has ended. */
  update(id: number, bytes: number, at: number): MemoryDecision {
    const oldest = this.#oldest;
    this.#set(id, Math.max(0, bytes - this.limits.free));
    if (this.#oldest !== oldest) this.#waitingSince = -1;
    return this.#decide(at);
  }

  /** Time has passed: called about once a second. */
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
