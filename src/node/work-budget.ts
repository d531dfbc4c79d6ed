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

/** Bytes that are parsed at once. They can hold some 400 messages. */
const PIECE = 8_192;
/** No message is smaller: the size of an empty v2 packet. */
const SMALLEST_MESSAGE = 20;

/** Reading the clock for each of several thousand messages would cost more than some of them do. */
const CLOCK_EVERY = 8;

/** The turn of one peer: counts what it has used. */
export class Turn {
  #messages = 0;
  #useless = 0;
  #bytes = 0;
  #isLate = false;
  readonly #beganat: number;

  /** `allowance`: messages of no use after which the turn ends too. */
  constructor(
    private readonly now: () => number,
    private readonly limits: TurnLimits = TURN_LIMITS,
    private readonly allowance = Infinity,
  ) {
    this.#beganat = now();
  }

  /** Bytes that may be parsed at once: they hold no more messages than are left of the allowance. */
  get piece(): number {
    return Math.min(PIECE, Math.max(1, this.allowance - this.#useless) * SMALLEST_MESSAGE);
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

  /** Whether the turn is over. The clock is read after every eighth message. */
  get isOver(): boolean {
    const { messages, bytes } = this.limits;
    return (
      this.#messages >= messages || this.#bytes >= bytes || this.#useless >= this.allowance || this.#isLate
    );
  }
}

export interface WorkLimits {
  /** Milliseconds after which the counts of messages begin anew. */
  readonly period: number;
  /** Messages of all peers within a period. */
  readonly messages: number;
  /** Messages that any peer may send in a period, even when those of all are used up: enough for a handshake. */
  readonly reserve: number;
  /** Key exchanges (BIP324) per second that accepted connections may cause, averaged. Each costs about 0.3 ms of CPU. */
  readonly keyExchanges: number;
  /** Key exchanges at once, before the average applies. */
  readonly keyBurst: number;
  /** Candidates for eviction that are compared in a period. Each costs about 1.2 µs of CPU. */
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
 * The node-wide budget, the one owner of what all peers together may cause. Messages count when they are of no use. In each period the first half of the messages goes to whoever comes first; after that a peer that
 * has had its equal share waits for the next period. When all are used up, only peers below the reserve continue.
 *
 * So in a period at most `messages` and `reserve` for each peer are taken, and the share of a peer beyond that. Memory: one number for
 * each peer that sent something in this period.
 */
export class WorkBudget {
  readonly #spent = new Map<number, number>();
  #total = 0;
  #beganat = 0;
  /** Candidates for eviction that were compared in this period. */
  #compared = 0;
  /** When the key exchanges that were granted are done, at the average rate. */
  #keysDoneAt = 0;

  constructor(private readonly limits: WorkLimits = WORK_LIMITS) {}

  /** Milliseconds that a peer has to wait before its next turn; 0 for none. */
  delayOf(id: number, at: number): number {
    return this.allowanceOf(id, at) > 0 ? 0 : this.#beganat + this.limits.period - at;
  }

  /** Messages that a peer may still send in this period. */
  allowanceOf(id: number, at: number): number {
    this.#renew(at);
    return Math.max(0, this.#share(id) - (this.#spent.get(id) ?? 0));
  }

  /** A peer has had a turn of so many messages. */
  spend(id: number, messages: number, at: number): void {
    this.#renew(at);
    this.#total += messages;
    this.#spent.set(id, (this.#spent.get(id) ?? 0) + messages);
  }

  /**
   * Grants a key exchange, and says after how many milliseconds it may be computed; 0 for at once. Exchanges are granted in the
   * order of the calls. The delay is bounded by the number of handshakes under way, which the slots limit.
   */
  grantKeyExchange(at: number): number {
    const { keyExchanges, keyBurst } = this.limits;
    const interval = 1_000 / keyExchanges;
    this.#keysDoneAt = Math.max(this.#keysDoneAt, at) + interval;
    return Math.max(0, this.#keysDoneAt - at - interval * keyBurst);
  }

  /** Whether a peer to be evicted may be chosen among so many candidates; the first choice of a period always. */
  allowsEviction(candidates: number, at: number): boolean {
    this.#renew(at);
    if (this.#compared >= this.limits.candidates) return false;
    this.#compared += candidates;
    return true;
  }

  /** Peers that sent something in this period. */
  get size(): number {
    return this.#spent.size;
  }

  /** Messages that a peer may have sent in this period before it waits. */
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
