/**
 * Limits on the work that one peer, and all peers together, can cause: turns that end after a number of messages, bytes or
 * milliseconds, and node-wide budgets for messages and key exchanges.
 *
 * A peer above its share is delayed, not closed: its bytes wait in the kernel, and TCP flow control slows it down. The caller
 * passes the time: milliseconds of a monotonic clock.
 */

/** A turn ends when the first of these limits is reached. */
export interface TurnLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly ms: number;
}

/**
 * One read of a socket returns at most 64 KiB. These can contain 3,276 empty v2 packets, so messages are limited too, to a
 * number that 64 KiB of small `inv` do not reach. Since messages differ in cost, time is limited as well.
 */
export const TURN_LIMITS: TurnLimits = { messages: 2_048, bytes: 65_536, ms: 5 };

/** Bytes that are parsed before the limits are checked again. They can contain about 400 messages. */
const PIECE = 8_192;
/** The size of an empty v2 packet, bytes: no message is smaller. */
const SMALLEST_MESSAGE = 20;

/** Messages after which the clock is read: reading it for each message would cost more than some messages do. */
const CLOCK_EVERY = 8;

/** The turn of one peer: counts the messages, bytes and time that it has used. */
export class Turn {
  #messages = 0;
  #useless = 0;
  #bytes = 0;
  #isLate = false;
  readonly #beganat: number;

  /** `allowance`: number of useless messages after which the turn ends too. */
  constructor(
    private readonly now: () => number,
    private readonly limits: TurnLimits = TURN_LIMITS,
    private readonly allowance = Infinity,
  ) {
    this.#beganat = now();
  }

  /** Bytes that may be parsed now: they cannot contain more messages than are left of the allowance. */
  get piece(): number {
    return Math.min(PIECE, Math.max(1, this.allowance - this.#useless) * SMALLEST_MESSAGE);
  }

  /** Number of processed messages, useful or not. */
  get messages(): number {
    return this.#messages;
  }

  /** Number of useless messages. */
  get useless(): number {
    return this.#useless;
  }

  /** Counts a message, or a packet without one, of `bytes` bytes. */
  add(bytes: number, isUseless = false): void {
    this.#messages += 1;
    if (isUseless) this.#useless += 1;
    this.#bytes += bytes;
    if (this.#messages % CLOCK_EVERY === 0) this.#isLate = this.now() - this.#beganat >= this.limits.ms;
  }

  /** Whether the turn is over. The clock is read after every eighth message. */
  get isOver(): boolean {
    const { messages, bytes } = this.limits;
    return (
      this.#messages >= messages || this.#bytes >= bytes || this.#useless >= this.allowance || this.#isLate
    );
  }
}

export interface WorkLimits {
  /** Length of a period, milliseconds; the counts restart with each. */
  readonly period: number;
  /** Useless messages of all peers in a period. */
  readonly messages: number;
  /** Useless messages that every peer may send in a period even when {@link messages} is used up: enough for a handshake. */
  readonly reserve: number;
  /** BIP324 key exchanges per second that inbound connections may cause, on average. Each takes about 0.3 ms of CPU time. */
  readonly keyExchanges: number;
  /** Key exchanges at once, before the average applies. */
  readonly keyBurst: number;
  /** Candidates for eviction that are compared in a period. Each takes about 1.2 µs of CPU time. */
  readonly candidates: number;
}

export const WORK_LIMITS: WorkLimits = {
  period: 1_000,
  messages: 20_000,
  reserve: 16,
  keyExchanges: 1_000,
  keyBurst: 128,
  candidates: 100_000,
};

/**
 * The node-wide budget. Only useless messages count. In each period, the first half of the budget is given in the order of
 * arrival; after that a peer that has used its equal share of the other half waits for the next period. When the budget is
 * used up, only peers below the reserve continue.
 *
 * So in a period at most `messages` messages are processed, plus `reserve` for each peer, plus one peer's share. Memory: one
 * number for each peer that sent a useless message in this period.
 */
export class WorkBudget {
  readonly #spent = new Map<number, number>();
  #total = 0;
  #beganat = 0;
  /** Number of candidates for eviction that were compared in this period. */
  #compared = 0;
  /** When the granted key exchanges are done at the average rate. */
  #keysDoneAt = 0;

  constructor(private readonly limits: WorkLimits = WORK_LIMITS) {}

  /** Milliseconds until a peer may have its next turn; 0 for now. */
  delayOf(id: number, at: number): number {
    return this.allowanceOf(id, at) > 0 ? 0 : this.#beganat + this.limits.period - at;
  }

  /** Number of useless messages that a peer may still send in this period. */
  allowanceOf(id: number, at: number): number {
    this.#renew(at);
    return Math.max(0, this.#share(id) - (this.#spent.get(id) ?? 0));
  }

  /** Counts `messages` useless messages of a peer. */
  spend(id: number, messages: number, at: number): void {
    this.#renew(at);
    this.#total += messages;
    this.#spent.set(id, (this.#spent.get(id) ?? 0) + messages);
  }

  /**
   * Grants a key exchange, and returns the milliseconds after which it may be computed; 0 for now. Exchanges are granted in the
   * order of the calls. The delay is bounded by the number of unfinished handshakes, which the slots limit.
   */
  grantKeyExchange(at: number): number {
    const { keyExchanges, keyBurst } = this.limits;
    const interval = 1_000 / keyExchanges;
    this.#keysDoneAt = Math.max(this.#keysDoneAt, at) + interval;
    return Math.max(0, this.#keysDoneAt - at - interval * keyBurst);
  }

  /** Whether a peer to evict may be selected among `candidates` connections; the first selection of a period is always allowed. */
  allowsEviction(candidates: number, at: number): boolean {
    this.#renew(at);
    if (this.#compared >= this.limits.candidates) return false;
    this.#compared += candidates;
    return true;
  }

  /** Number of peers that sent a useless message in this period. */
  get size(): number {
    return this.#spent.size;
  }

  /** Number of useless messages that a peer may send in this period before it must wait. */
  #share(id: number): number {
    const { messages, reserve } = this.limits;
    const half = messages / 2;
    if (this.#total < half) return (this.#spent.get(id) ?? 0) + half - this.#total;
    if (this.#total >= messages) return reserve;
    const peers = this.#spent.size + (this.#spent.has(id) ? 0 : 1);
    return Math.max(reserve, Math.ceil(half / peers));
  }

  #renew(at: number): void {
    if (at - this.#beganat < this.limits.period) return;
    this.#beganat = at;
    this.#total = 0;
    this.#compared = 0;
    this.#spent.clear();
  }
}
