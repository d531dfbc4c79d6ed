/**
 * Limits on what one source may take of this node: new connections per second, unfinished handshakes, established peers.
 *
 * A source is the /24 of an IPv4 address or the /64 of an IPv6 one. This is the one owner of every count by source. The
 * counts are bounded by the slots, the accept rates by {@link MAX_RATED_SOURCES}. Bitcoin Core has none of these limits.
 */
import type { SourceLimit } from '../../machines/index.js';
import { isLoopback, sourceOf } from '../net/source-network.js';

/** Each 0 means: no limit. */
export interface SourceLimitOptions {
  /** Unfinished handshakes of one source. */
  readonly handshakes: number;
  /** Established peers of one source. */
  readonly peers: number;
  /** Connections accepted from one source per second, averaged. */
  readonly acceptRate: number;
  /** Connections accepted from one source at once, before the rate applies. At least 1 counts. */
  readonly acceptBurst: number;
  /** Whether 127.0.0.0/8 and ::1 are limited too. */
  readonly countsLoopback: boolean;
}

/**
 * `handshakes` is btcd's number. A /24 has seldom more than a few nodes behind it, and a node that is refused
 * finds other peers, so `peers` leaves room for a hosting company's subnet and still keeps one source to a seventh of Core's 114 slots.
 */
export const SOURCE_LIMITS: SourceLimitOptions = {
  handshakes: 8,
  peers: 16,
  acceptRate: 1,
  acceptBurst: 32,
  countsLoopback: false,
};

/** Sources whose accept rate is remembered. Above it, those that were accepted longest ago are forgotten. */
export const MAX_RATED_SOURCES = 4_096;

/** Why a connection is refused: the limit that it would exceed. */
export interface SourceRefusal {
  readonly kind: SourceLimit;
  readonly source: string;
  readonly limit: number;
}

type Phase = 'handshakes' | 'peers';

/** A connection that is counted. */
interface Counted {
  readonly source: string;
  readonly phase: Phase;
}

/** Ids are those of connections. A connection that was not accepted here, or has ended, changes nothing. */
export class SourceLimits {
  readonly #connections = new Map<number, Counted>();
  readonly #counts = { handshakes: new Map<string, number>(), peers: new Map<string, number>() };
  readonly #rates: AcceptRates;
  #last: { readonly host: string; readonly source: string | undefined } = { host: '', source: undefined };

  constructor(private readonly options: SourceLimitOptions) {
    this.#rates = new AcceptRates(options.acceptRate, options.acceptBurst);
  }

  /**
   * Why a connection from `host` may not be accepted now, or undefined. Changes nothing. A source that has as many peers
   * as it may is refused already when its connection comes in, not after the handshake.
   *
   * @param at - milliseconds of a clock that does not go back
   */
  refusalOf(host: string, at: number): SourceRefusal | undefined {
    const source = this.#sourceOf(host);
    if (source === undefined) return undefined;
    if (this.#isExceeded(source, 'handshakes')) return this.#refusal('handshakes', source);
    if (this.#isExceeded(source, 'peers')) return this.#refusal('peers', source);
    const { acceptRate: limit } = this.options;
    return this.#rates.isExceeded(source, at) ? { kind: 'rate', source, limit } : undefined;
  }

  /** A connection is accepted; its handshake begins. */
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

  /** A connection has ended, at whatever point. */
  ended(id: number): void {
    const known = this.#connections.get(id);
    if (!known) return;
    this.#connections.delete(id);
    const counts = this.#counts[known.phase];
    const left = (counts.get(known.source) ?? 0) - 1;
    if (left > 0) counts.set(known.source, left);
    else counts.delete(known.source);
  }

  /** Sources that are remembered now, by what for. */
  get size(): Readonly<Record<SourceLimit, number>> {
    const { handshakes, peers } = this.#counts;
    return { rate: this.#rates.size, handshakes: handshakes.size, peers: peers.size };
  }

  #count(id: number, counted: Counted): void {
    const counts = this.#counts[counted.phase];
    this.#connections.set(id, counted);
    counts.set(counted.source, (counts.get(counted.source) ?? 0) + 1);
  }

  /** Handshakes under way may all become peers, so they count as peers here. */
  #isExceeded(source: string, phase: Phase): boolean {
    const limit = this.options[phase];
    const handshakes = this.#counts.handshakes.get(source) ?? 0;
    const peers = phase === 'peers' ? (this.#counts.peers.get(source) ?? 0) : 0;
    return limit > 0 && handshakes + peers >= limit;
  }

  #refusal(kind: Phase, source: string): SourceRefusal {
    return { kind, source, limit: this.options[kind] };
  }

  /** Undefined: not limited. The last answer is kept, since the same host is asked about several times in a row. */
  #sourceOf(host: string): string | undefined {
    if (this.#last.host !== host) {
      const isExempt = !this.options.countsLoopback && isLoopback(host);
      this.#last = { host, source: isExempt ? undefined : sourceOf(host) };
    }
    return this.#last.source;
  }
}

/**
 * One token bucket per source, kept as one number: when the bucket will be full again (the generic cell rate algorithm).
 *
 * A bucket that is full needs no memory. Two generations make forgetting cheap: the older one is dropped as a whole, once
 * all its buckets are full again, or once the newer one has as many as it may.
 */
class AcceptRates {
  #newer = new Map<string, number>();
  #older = new Map<string, number>();
  #rotatedAt = 0;
  readonly #interval: number;
  readonly #burst: number;

  /** `rate` per second, 0 for no limit. */
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
