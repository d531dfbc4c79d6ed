/**
 * Limits the log lines that remote peers can cause, by kind and source. Lines above the limit of a period are only counted,
 * and a summary at the end of the period reports their number.
 *
 * Bitcoin Core limits the bytes per hour of each log statement in its source. This limits the lines of each kind, so that a
 * flood of one kind does not hide the others. There is a limit per source and one per kind, since an attacker may have many
 * sources. Memory is bounded.
 */

/** The limits; see {@link LOG_LIMITS} for the defaults. */
export interface LogLimits {
  /** Length of a period in milliseconds. It begins with the first line. */
  readonly period: number;
  /** Lines of one kind and source within a period. */
  readonly perSource: number;
  /** Lines of one kind within a period. */
  readonly perKind: number;
  /** Sources of one kind that are counted separately; all others are counted together. */
  readonly sources: number;
  /** How many sources a summary lists, those with most lines first. */
  readonly named: number;
}

export const LOG_LIMITS: LogLimits = { period: 60_000, perSource: 10, perKind: 60, sources: 256, named: 3 };

/** Lines of one kind that were not written. */
export interface Suppressed {
  readonly kind: string;
  readonly count: number;
  /** The sources with most suppressed lines first, each with its number of lines. */
  readonly sources: readonly { readonly source: string; readonly count: number }[];
}

/** The number of lines that were written and that were suppressed. */
interface Counts {
  written: number;
  suppressed: number;
}

/** The counts of one kind. `others` counts the sources that are not counted separately. */
interface KindCounts extends Counts {
  readonly sources: Map<string, Counts>;
  readonly others: Counts;
}

/** Counts lines by kind and source. Callers must use a fixed set of kinds, so that memory stays bounded. */
export class LogRateLimit {
  readonly #kinds = new Map<string, KindCounts>();
  #beganat = -1;

  constructor(private readonly limits: LogLimits = LOG_LIMITS) {}

  /**
   * Counts a line; true when it is to be written.
   *
   * @param source - the source network of the peer, from `sourceOf`
   * @param at - milliseconds of a monotonic clock
   */
  isAllowed(kind: string, source: string, at: number): boolean {
    if (this.#beganat < 0) this.#beganat = at;
    const ofKind = this.#ofKind(kind);
    const ofSource = this.#ofSource(ofKind, source);
    const { perSource, perKind } = this.limits;
    const isAllowed = ofSource.written < perSource && ofKind.written < perKind;
    for (const counts of [ofKind, ofSource]) counts[isAllowed ? 'written' : 'suppressed'] += 1;
    return isAllowed;
  }

  /**
   * One summary for each kind with suppressed lines, once the period has ended; empty before. Call it before each line
   * and at a regular interval.
   *
   * @param at - milliseconds of the same clock as in `isAllowed`
   */
  summaries(at: number): readonly Suppressed[] {
    const isOver = this.#beganat >= 0 && at - this.#beganat >= this.limits.period;
    return isOver ? this.flush() : [];
  }

  /** The summaries without waiting for the end of the period: for the end of the program. */
  flush(): readonly Suppressed[] {
    const all = [...this.#kinds].filter(([, { suppressed }]) => suppressed > 0);
    this.#kinds.clear();
    this.#beganat = -1;
    return all.map(([kind, counts]) => this.#summary(kind, counts));
  }

  #summary(kind: string, { suppressed, sources }: KindCounts): Suppressed {
    const named = [...sources]
      .map(([source, counts]) => ({ source, count: counts.suppressed }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count)
      .slice(0, this.limits.named);
    return { kind, count: suppressed, sources: named };
  }

  #ofKind(kind: string): KindCounts {
    const known = this.#kinds.get(kind);
    if (known) return known;
    const others = { written: 0, suppressed: 0 };
    const counts = { written: 0, suppressed: 0, sources: new Map<string, Counts>(), others };
    this.#kinds.set(kind, counts);
    return counts;
  }

  #ofSource({ sources, others }: KindCounts, source: string): Counts {
    const known = sources.get(source);
    if (known) return known;
    if (sources.size >= this.limits.sources) return others;
    const counts = { written: 0, suppressed: 0 };
    sources.set(source, counts);
    return counts;
  }
}

/** `312 more like this: refused, most from 203.0.113.0/24 (300), 198.51.100.0/24 (12)`. */
export function suppressedSentence({ kind, count, sources }: Suppressed): string {
  const list = sources.map((one) => `${one.source} (${one.count})`).join(', ');
  return `${count} more like this: ${kind}${list === '' ? '' : `, most from ${list}`}`;
}
