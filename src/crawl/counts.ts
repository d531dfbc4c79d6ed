/**
 * The counts of a running crawl for pages, metrics and status lines, updated with each event. They contain at most
 * {@link MAX_VERSIONS} user agents and {@link MAX_POINTS} points.
 */
import type { AttemptEvent } from './events.js';

export type Counts = Readonly<Record<string, number>>;

/** Most user agents that are counted by name; the others count as `other`. */
export const MAX_VERSIONS = 500;
/** Most points of the curve; when this number is reached, every second point is removed. */
export const MAX_POINTS = 256;

/** The costs of all contacts that ended for the same reason. */
export interface Cost {
  readonly contacts: number;
  /** Total time from dial to end. */
  readonly seconds: number;
  /** Time of the longest contact. */
  readonly longest_seconds: number;
  /** Bytes of all received payloads. */
  readonly bytes: number;
}

const NO_COST: Cost = { contacts: 0, seconds: 0, longest_seconds: 0, bytes: 0 };

/** The key of {@link CrawlCounts.costs} for contacts that were closed because the node sent too much. */
const EXCESS = 'excess';

/** UNIX time in milliseconds, and the number of reachable addresses found until then. */
export type CurvePoint = readonly [t: number, reachable: number];

export class CrawlCounts {
  /** Contacts by outcome. */
  readonly outcomes: Record<string, number> = {};
  /** Costs by the reason for which contacts ended; `excess` for nodes that sent too much. */
  readonly costs: Record<string, Cost> = {};
  /** Reachable addresses by network, transport and user agent, as of the first answer of each. */
  readonly networks: Record<string, number> = {};
  readonly transports: Record<string, number> = {};
  readonly versions: Record<string, number> = Object.create(null) as Record<string, number>;
  /** Reachable addresses over time. */
  readonly curve: CurvePoint[] = [];
  #versions = 0;
  /** Number of reachable addresses from one point to the next. */
  #spacing = 1;

  /** Counts a contact. `reachable`: the number of addresses that have answered, if this one answered for the first time. */
  add(event: AttemptEvent, reachable: number | undefined): void {
    increment(this.outcomes, event.outcome);
    this.#addCost(event);
    if (reachable === undefined) return;
    increment(this.networks, event.network);
    increment(this.transports, event.transport ?? 'v1');
    this.#addVersion(event.peer?.subver ?? '');
    if (reachable % this.#spacing === 0) this.#addPoint([event.t + event.duration_ms, reachable]);
  }

  #addCost({ reason, duration_ms, bytes, replies_dropped }: AttemptEvent): void {
    const key = replies_dropped > 0 ? EXCESS : reason.code;
    const before = this.costs[key] ?? NO_COST;
    const seconds = duration_ms / 1_000;
    this.costs[key] = {
      contacts: before.contacts + 1,
      seconds: before.seconds + seconds,
      longest_seconds: Math.max(before.longest_seconds, seconds),
      bytes: before.bytes + bytes,
    };
  }

  #addVersion(subver: string): void {
    const isNew = this.versions[subver] === undefined;
    if (isNew && this.#versions >= MAX_VERSIONS) return increment(this.versions, 'other');
    if (isNew) this.#versions += 1;
    increment(this.versions, subver);
  }

  #addPoint(point: CurvePoint): void {
    this.curve.push(point);
    if (this.curve.length < MAX_POINTS) return;
    const kept = this.curve.filter((_, place) => place % 2 === 1);
    this.curve.splice(0, this.curve.length, ...kept);
    this.#spacing *= 2;
  }
}

const increment = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

/** The `limit` most frequent entries, the most frequent first. */
export const mostFrequent = (counts: Counts, limit: number): [name: string, count: number][] =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, limit);
