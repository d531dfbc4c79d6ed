/**
 * Limits the log lines that inbound connections cause: a number of lines for each kind and source within a minute, then one
 * line with the number of suppressed ones, also at the end of the program. With `-v` every line is written.
 */
import { parseEndpoint, sourceOf } from '../net/index.js';
import { LogRateLimit, type Suppressed, suppressedSentence } from './log-rate-limit.js';
import type { Output } from './output.js';

/** Milliseconds between two checks whether a period has ended. */
const INTERVAL = 5_000;

export class InboundLog {
  readonly #limit = new LogRateLimit();

  constructor(private readonly out: Output) {
    setInterval(() => this.#summarize(), INTERVAL).unref();
    out.atEnd(() => this.#write(this.#limit.flush()));
  }

  /** Counts a line about the peer at `addr` (`host:port`); true when it is to be written. */
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
