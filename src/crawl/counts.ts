/**
 * Counts of a running crawl, event by event: what a page, a metric or a status line shows. Memory: at most
 * {@link MAX_VERSIONS} user agents and {@link MAX_POINTS} points.
 */
import type { AttemptEvent } from './events.js';

export type Counts = Readonly<Record<string, number>>;

/** User agents that are counted by name; the others count as `other`. */
export const MAX_VERSIONS = 500;
/** Points of the curve; when there are more, every second one is left out. */
export const MAX_POINTS = 256;

/** What the contacts that ended in one way have cost. */
export interface Cost {
  readonly contacts: number;
  /** Time from the dial to the end, of all contacts and of the longest one. */
  readonly seconds: number;
  readonly longest_seconds: number;
  /** Received payloads. */
  readonly bytes: number;
}

const NO_COST: Cost = { contacts: 0, seconds: 0, longest_seconds: 0, bytes: 0 };

/** The key of {@link CrawlCounts.costs} for contacts that were closed because they brought too much. */
const EXCESS = 'excess';

/** UNIX time in milliseconds, and how many reachable addresses were known then. */
export type CurvePoint = readonly [t: number, reachable: number];

export class CrawlCounts {
  /** Contacts by outcome. */
  readonly outcomes: Record<string, number> = {};
  /** What contacts have cost, by the reason of their end; `excess` for those that brought too much. */
  readonly costs: Record<string, Cost> = {};
  /** Reachable addresses by network, transport and user agent, each by its first answer. */
  readonly networks: Record<string, number> = {};
  readonly transports: Record<string, number> = {};
  readonly versions: Record<string, number> = Object.create(null) as Record<string, number>;
  /** Reachable addresses over time. */
  readonly curve: CurvePoint[] = [];
  #versions = 0;
  /** Reachable addresses between two points. */
  #spacing = 1;

  /** Counts a contact; `reachable`: addresses that have answered, this one included, when it answered for the first time. */
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

/** The most frequent entries, the most frequent first. */
export const mostFrequent = (counts: Counts, limit: number): [name: string, count: number][] =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, limit);
