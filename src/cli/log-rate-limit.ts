/**
 * Limits the log lines that remote peers can cause, by kind and source: after so many within a period the rest are counted,
 * and a summary at the end of the period says how many there were.
 *
 * Bitcoin Core limits bytes per hour and place in its source; this limits lines per kind, so that a flood of one kind does
 * not hide the others. A kind has a limit of its own too, since an attacker may have many sources. Memory is bounded.
 */

export interface LogLimits {
  /** Milliseconds of a period; it begins with the first line. */
  readonly period: number;
  /** Lines of one kind and source within a period. */
  readonly perSource: number;
  /** Lines of one kind within a period. */
  readonly perKind: number;
  /** Sources of one kind that are counted separately; what comes from others is counted together. */
  readonly sources: number;
  /** Sources that a summary names, those with most lines first. */
  readonly named: number;
}

export const LOG_LIMITS: LogLimits = { period: 60_000, perSource: 10, perKind: 60, sources: 256, named: 3 };

/** Lines of one kind that were not written. */
export interface Suppressed {
  readonly kind: string;
  readonly count: number;
  /** The sources with most of them, in that order, each with its number. */
  readonly sources: readonly { readonly source: string; readonly count: number }[];
}

/** The lines of one source: written, and not written. */
interface Counts {
  written: number;
  suppressed: number;
}

/** Of one kind; `others` are the sources that are not counted separately. */
interface KindCounts extends Counts {
  readonly sources: Map<string, Counts>;
  readonly others: Counts;
}

/** Kinds are a closed set of this program's own words, so that their number is bounded. */
export class LogRateLimit {
  readonly #kinds = new Map<string, KindCounts>();
  #beganat = -1;

  constructor(private readonly limits: LogLimits = LOG_LIMITS) {}

  /**
   * Counts a line; true when it is to be written.
   *
   * @param source - where its cause came from, as `sourceOf` gives it
   * @param at - milliseconds of a clock that does not go back
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
   * What was suppressed in a period that is over, a summary for each kind; empty as long as it is not over. Call it before each line
   * and about once a second.
   */
  summaries(at: number): readonly Suppressed[] {
    const isOver = this.#beganat >= 0 && at - this.#beganat >= this.limits.period;
    return isOver ? this.flush() : [];
  }

  /** The same at once: for the end of the program. */
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
