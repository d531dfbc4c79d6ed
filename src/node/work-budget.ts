/**
 * How much work one peer, and all of them together, may cause: turns that end by number, bytes or time, and node-wide
 * budgets of messages and key exchanges.
 *
 * A peer that is over its share is paced, not closed: its bytes wait in the kernel, and TCP slows it down. Plain data and
 * functions; moments are handed in, milliseconds of a clock that does not go back.
 */

/** When a turn ends, by whichever limit is reached first. */
export interface TurnLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly ms: number;
}

/**
 * 64 KiB is what one read of a socket can give. They can hold 3,276 empty v2 packets, so there is a limit on messages
 * too: more than 64 KiB of small `inv` have. Since messages differ in cost, there is one on time.
 */
export const TURN_LIMITS: TurnLimits = { messages: 2_048, bytes: 65_536, ms: 5 };

/** Reading the clock for each of several thousand messages would cost more than some of them do. */
const CLOCK_EVERY = 8;

/** The turn of one peer: counts what it has used. */
export class Turn {
  #messages = 0;
  #useless = 0;
  #bytes = 0;
  #isLate = false;
  readonly #beganat: number;

  constructor(
    private readonly now: () => number,
    private readonly limits: TurnLimits = TURN_LIMITS,
  ) {
    this.#beganat = now();
  }

  /** Messages taken, whether they were useful or not. */
  get messages(): number {
    return this.#messages;
  }

  /** Those that were of no use. */
  get useless(): number {
    return this.#useless;
  }

  /** Counts a message, or a packet that carries none, of so many bytes. */
  add(bytes: number, isUseless = false): void {
    this.#messages += 1;
    if (isUseless) this.#useless += 1;
    this.#bytes += bytes;
    if (this.#messages % CLOCK_EVERY === 0) this.#isLate = this.now() - this.#beganat >= this.limits.ms;
  }

  /** Whether others have their turn now. The time is looked at after every eighth message. */
  get isOver(): boolean {
    return this.#messages >= this.limits.messages || this.#bytes >= this.limits.bytes || this.#isLate;
  }
}

export interface WorkLimits {
  /** Milliseconds after which the counts of messages begin anew. */
  readonly period: number;
  /** Messages of all peers within a period. */
  readonly messages: number;
  /** Messages that any peer may send in a period, even when those of all are used up: enough for a handshake. */
  readonly reserve: number;
}

export const WORK_LIMITS: WorkLimits = {
  period: 1_000,
  messages: 40_000,
  reserve: 32,
};

/**
 * The node-wide budget. In each period the first half of the messages goes to whoever comes first; after that a peer that
 * has had its equal share waits for the next period. When all are used up, only peers below the reserve continue.
 *
 * So in a period at most `messages`, `reserve` for each peer and one turn for each peer are taken. Memory: one number for
 * each peer that sent something in this period.
 */
export class WorkBudget {
  readonly #spent = new Map<number, number>();
  #total = 0;
  #beganat = 0;

  constructor(private readonly limits: WorkLimits = WORK_LIMITS) {}

  /** Milliseconds that a peer has to wait before its next turn; 0 for none. */
  delayOf(id: number, at: number): number {
    this.#renew(at);
    const spent = this.#spent.get(id) ?? 0;
    return spent < this.#allowance(id) ? 0 : this.#beganat + this.limits.period - at;
  }

  /** A peer has had a turn of so many messages. */
  spend(id: number, messages: number, at: number): void {
    this.#renew(at);
    this.#total += messages;
    this.#spent.set(id, (this.#spent.get(id) ?? 0) + messages);
  }

  /** Peers that sent something in this period. */
  get size(): number {
    return this.#spent.size;
  }

  /** Messages that a peer may have sent in this period before it waits. */
  #allowance(id: number): number {
    const { messages, reserve } = this.limits;
    if (this.#total < messages / 2) return Infinity;
    if (this.#total >= messages) return reserve;
    const peers = this.#spent.size + (this.#spent.has(id) ? 0 : 1);
    return Math.max(reserve, messages / 2 / peers);
  }

  #renew(at: number): void {
    if (at - this.#beganat < this.limits.period) return;
    this.#beganat = at;
    this.#total = 0;
    this.#spent.clear();
  }
}
