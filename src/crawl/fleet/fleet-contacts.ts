/**
 * Makes contacts with the workers of a fleet. A crawl that uses these is the coordinator of the fleet, and writes the same file
 * as a single process. It reports when results stop arriving.
 */
import { type Clock, systemClock } from '../../index.js';
import type { ContactJob, ContactReport, Contacts } from '../contact.js';
import { type Fleet, persist, publish } from './connection.js';
import { JOBS, messageId, RESULTS, resultSubject } from './names.js';

export interface FleetContactsOptions {
  readonly fleet: Fleet;
  readonly clock?: Clock;
  /** Milliseconds without a result, while results are outstanding, after which the data counts as stale. Default 45,000. */
  readonly staleAfter?: number;
  /** Called with true when results stop arriving, and with false when they arrive again. */
  readonly stale?: (isStale: boolean, seconds: number) => void;
}

const STALE_AFTER = 45_000;
/** Interval of the check for staleness, milliseconds. */
const CHECK_INTERVAL = 1_000;
/** Most results that are stored for jobs that were not requested yet, which happens when a coordinator is resumed. */
const MAX_EARLY = 100_000;

interface Outstanding {
  readonly job: ContactJob;
  readonly done: (report: ContactReport | undefined) => void;
}

export class FleetContacts implements Contacts {
  readonly #outstanding = new Map<string, Outstanding>();
  readonly #early = new Map<string, ContactReport>();
  readonly #over = new AbortController();
  readonly #clock: Clock;
  #crawl = '';
  #following = new AbortController();
  #sequence = 0;
  #lastat: number;
  #isStale = false;
  #timer: unknown;

  constructor(private readonly options: FleetContactsOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#lastat = this.#clock.now();
    this.#checkStaleness();
  }

  /** Seconds since the last result; 0 while none is outstanding. */
  get staleness(): number {
    return this.#outstanding.size === 0 ? 0 : (this.#clock.now() - this.#lastat) / 1_000;
  }

  begin(job: ContactJob, done: Outstanding['done']): void {
    if (job.crawl !== this.#crawl) this.#follow(job.crawl);
    const id = messageId(job);
    if (this.#outstanding.size === 0) this.#lastat = this.#clock.now();
    this.#outstanding.set(id, { job, done });
    const early = this.#early.get(id);
    if (early) queueMicrotask(() => this.#take(early));
    else void publish(this.options.fleet, JOBS.subject, job, id, this.#over.signal);
  }

  cancel(): void {
    for (const { done } of this.#outstanding.values()) queueMicrotask(() => done(undefined));
    this.#outstanding.clear();
  }

  async stop(): Promise<void> {
    this.cancel();
    this.#over.abort();
    this.#following.abort();
    this.#clock.clearTimeout(this.#timer);
    await this.options.fleet.connection.close();
  }

  /** Reads all results of a crawl, so that a resumed coordinator gets those that arrived while none was running. */
  #follow(crawl: string): void {
    this.#following.abort();
    this.#following = new AbortController();
    this.#crawl = crawl;
    this.#sequence = 0;
    this.#early.clear();
    const { signal } = this.#following;
    void persist(signal, () => this.#read(crawl, signal));
  }

  async #read(crawl: string, signal: AbortSignal): Promise<void> {
    const consumer = await this.options.fleet.js.consumers.get(RESULTS.stream, {
      filter_subjects: resultSubject(crawl),
      opt_start_seq: this.#sequence + 1,
    });
    const messages = await consumer.consume({ max_messages: 256, expires: 2_000 });
    signal.addEventListener('abort', () => messages.stop(), { once: true });
    for await (const message of messages) {
      this.#sequence = Math.max(this.#sequence, message.seq);
      const report = message.json<ContactReport>();
      if (crawl === this.#crawl) this.#take(report);
    }
  }

  #take(report: ContactReport): void {
    const id = messageId({ crawl: this.#crawl, ...report });
    const outstanding = this.#outstanding.get(id);
    this.#lastat = this.#clock.now();
    if (!outstanding) {
      if (this.#early.size < MAX_EARLY) this.#early.set(id, report);
      return;
    }
    this.#outstanding.delete(id);
    this.#early.delete(id);
    outstanding.done(report);
  }

  #checkStaleness(): void {
    const { staleAfter = STALE_AFTER, stale } = this.options;
    const isStale = this.staleness * 1_000 > staleAfter;
    if (isStale !== this.#isStale) {
      this.#isStale = isStale;
      stale?.(isStale, Math.round(this.staleness));
    }
    this.#timer = this.#clock.setTimeout(() => this.#checkStaleness(), CHECK_INTERVAL);
  }
}
