/**
 * Limits the log lines that peers cause by connecting to this node: so many of a kind and source within a minute, then one
 * line that says how many there were; at the end of the program at once. With `-v` every line is written, as requested.
 */
import { parseEndpoint, sourceOf } from '../net/index.js';
import { LogRateLimit, type Suppressed, suppressedSentence } from './log-rate-limit.js';
import type { Output } from './output.js';

/** Milliseconds between two checks for a period that is over. */
const INTERVAL = 5_000;

export class InboundLog {
  readonly #limit = new LogRateLimit();

  constructor(private readonly out: Output) {
    setInterval(() => this.#summarize(), INTERVAL).unref();
    out.atEnd(() => this.#write(this.#limit.flush()));
  }

  /** Whether a line about a peer at `addr`, `host:port`, is to be written. */
  allows(kind: string, addr: string): boolean {
    if (this.out.verbose > 0) return true;
    this.#summarize();
    return this.#limit.isAllowed(kind, sourceOf(hostOf(addr)), performance.now());
  }

  #summarize(): void {
    this.#write(this.#limit.summaries(performance.now()));
  }

  #write(summaries: readonly Suppressed[]): void {
    for (const suppressed of summaries) this.out.info(`${suppressedSentence(suppressed)}; -v shows each`);
  }
}

const hostOf = (addr: string): string => parseEndpoint(addr, 0, { allowZero: true }).host;
