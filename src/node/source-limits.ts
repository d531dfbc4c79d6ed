/**
 * Limits for each source of inbound connections: new connections per second, unfinished handshakes, established peers.
 *
 * A source is the /24 of an IPv4 address or the /64 of an IPv6 address. All counts per source are kept here. The number of
 * counts is bounded by the slots, the number of accept rates by {@link MAX_RATED_SOURCES}. Bitcoin Core has no such limits.
 */
import type { SourceLimit } from '../../machines/index.js';
import { isLoopback, sourceOf } from '../net/source-network.js';

/** The limits of one source; 0 means no limit. */
export interface SourceLimitOptions {
  /** Unfinished handshakes of one source. */
  readonly handshakes: number;
  /** Established peers of one source. */
  readonly peers: number;
  /** Connections accepted from one source per second, on average. */
  readonly acceptRate: number;
  /** Connections accepted from one source at once, before the rate applies. Values below 1 count as 1. */
  readonly acceptBurst: number;
  /** Whether the limits apply to 127.0.0.0/8 and ::1 too. */
  readonly countsLoopback: boolean;
}

/**
 * The default limits. `handshakes` is btcd's number. A /24 seldom contains more than a few nodes, and a refused node finds
 * other peers: so 16 `peers` allow a hosting company's subnet, and limit one source to a seventh of Core's 114 slots.
 */
export const SOURCE_LIMITS: SourceLimitOptions = {
  handshakes: 8,
  peers: 16,
  acceptRate: 1,
  acceptBurst: 32,
  countsLoopback: false,
};

/** Most sources whose accept rate is stored. Above it, those that were accepted longest ago are dropped. */
export const MAX_RATED_SOURCES = 4_096;

/** The limit that a refused connection would have exceeded. */
export interface SourceRefusal {
  readonly kind: SourceLimit;
  readonly source: string;
  readonly limit: number;
}

type Phase = 'handshakes' | 'peers';

/** A counted connection. */
interface Counted {
  readonly source: string;
  readonly phase: Phase;
}

/** The counts. Ids are those of connections; calls for an id that is not counted have no effect. */
export class SourceLimits {
  readonly #connections = new Map<number, Counted>();
  readonly #counts = { handshakes: new Map<string, number>(), peers: new Map<string, number>() };
  readonly #rates: AcceptRates;
  #last: { readonly host: string; readonly source: string | undefined } = { host: '', source: undefined };

  constructor(private readonly options: SourceLimitOptions) {
    this.#rates = new AcceptRates(options.acceptRate, options.acceptBurst);
  }

  /**
   * Why a connection from `host` must be refused now; undefined when it may be accepted. Changes no count. A source at its limit of
   * peers is refused when it connects, not after its handshake.
   *
   * @param at - milliseconds of a monotonic clock
   */
  refusalOf(host: string, at: number): SourceRefusal | undefined {
    const source = this.#sourceOf(host);
    if (source === undefined) return undefined;
    if (this.#isExceeded(source, 'handshakes')) return this.#refusal('handshakes', source);
    if (this.#isExceeded(source, 'peers')) return this.#refusal('peers', source);
    const { acceptRate: limit } = this.options;
    return this.#rates.isExceeded(source, at) ? { kind: 'rate', source, limit } : undefined;
  }

  /** A connection was accepted and its handshake begins. */
  accepted(id: number, host: string, at: number): void {
    const source = this.#sourceOf(host);
    if (source === undefined || this.#connections.has(id)) return;
    this.#rates.add(source, at);
    this.#count(id, { source, phase: 'handshakes' });
  }

  /** The handshake of a connection is complete. */
  established(id: number): void {
    const known = this.#connections.get(id);
    if (known?.phase !== 'handshakes') return;
    this.ended(id);
    this.#count(id, { source: known.source, phase: 'peers' });
  }

  /** A connection has ended, in any state. */
  ended(id: number): void {
    const known = this.#connections.get(id);
    if (!known) return;
    this.#connections.delete(id);
    const counts = this.#counts[known.phase];
    const left = (counts.get(known.source) ?? 0) - 1;
    if (left > 0) counts.set(known.source, left);
    else counts.delete(known.source);
  }

  /** The number of sources stored for each limit. */
  get size(): Readonly<Record<SourceLimit, number>> {
    const { handshakes, peers } = this.#counts;
    return { rate: this.#rates.size, handshakes: handshakes.size, peers: peers.size };
  }

  #count(id: number, counted: Counted): void {
    const counts = this.#counts[counted.phase];
    this.#connections.set(id, counted);
    counts.set(counted.source, (counts.get(counted.source) ?? 0) + 1);
  }

  /** Unfinished handshakes count as peers too, because all of them may become peers. */
  #isExceeded(source: string, phase: Phase): boolean {
    const limit = this.options[phase];
    const handshakes = this.#counts.handshakes.get(source) ?? 0;
    const peers = phase === 'peers' ? (this.#counts.peers.get(source) ?? 0) : 0;
    return limit > 0 && handshakes + peers >= limit;
  }

  #refusal(kind: Phase, source: string): SourceRefusal {
    return { kind, source, limit: this.options[kind] };
  }

  /** The source of a host; undefined when it is exempt. The last result is cached: the same host is looked up several times in a row. */
  #sourceOf(host: string): string | undefined {
    if (this.#last.host !== host) {
      const isExempt = !this.options.countsLoopback && isLoopback(host);
      this.#last = { host, source: isExempt ? undefined : sourceOf(host) };
    }
    return this.#last.source;
  }
}

/**
 * One token bucket per source, stored as one number: the time at which the bucket is full again (the generic cell rate
 * algorithm).
 *
 * A full bucket need not be stored. Two generations make deletion cheap: the older one is dropped as a whole when all its
 * buckets are full again, or when the newer one has reached half of {@link MAX_RATED_SOURCES}.
 */
class AcceptRates {
  #newer = new Map<string, number>();
  #older = new Map<string, number>();
  #rotatedAt = 0;
  readonly #interval: number;
  readonly #burst: number;

  /** `rate`: connections per second, 0 for no limit; `burst`: connections at once. */
  constructor(rate: number, burst: number) {
    this.#interval = rate > 0 ? 1_000 / rate : 0;
    this.#burst = this.#interval * Math.max(1, burst);
  }

  isExceeded(source: string, at: number): boolean {
    return this.#fullAt(source, at) - at + this.#interval > this.#burst;
  }

  add(source: string, at: number): void {
    if (this.#interval === 0) return;
    const fullAt = this.#fullAt(source, at) + this.#interval;
    this.#older.delete(source);
    if (this.#newer.size >= MAX_RATED_SOURCES / 2 || at - this.#rotatedAt >= this.#burst) this.#rotate(at);
    this.#newer.set(source, fullAt);
  }

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  #fullAt(source: string, at: number): number {
    return Math.max(at, this.#newer.get(source) ?? this.#older.get(source) ?? at);
  }

  #rotate(at: number): void {
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#rotatedAt = at;
  }
}
