/**
 * Contacts that also identify nodes by their behaviour, so that a false user agent shows: after a completed handshake, a share
 * of the nodes gets a second connection, opened when the first one is closed. Its cost is bounded: one connection at a time for each node, at most
 * {@link MOST_AT_ONCE} in all, and a time limit. What is not identified is reported without an identification.
 */
import type { Clock } from '../index.js';
import type { ContactJob, ContactReport, Contacts, IdentifiedNode } from './contact.js';

export interface IdentifyingOptions {
  readonly contacts: Contacts;
  /** Identifies the node of a contact, over the transport of that contact; rejects when there is no connection. */
  readonly identify: (report: ContactReport) => Promise<IdentifiedNode>;
  /** Share of the reachable nodes, from 0 to 1. */
  readonly share: number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly clock: Clock;
}

const MOST_AT_ONCE = 16;
/** Milliseconds for one identification. */
const LONGEST = 30_000;

type Done = Parameters<Contacts['begin']>[1];

export class IdentifyingContacts implements Contacts {
  #active = 0;
  /** Ends the identifications that are under way. */
  readonly #stops = new Set<() => void>();
  #isCancelled = false;

  constructor(private readonly options: IdentifyingOptions) {}

  begin(job: ContactJob, done: Done): void {
    this.options.contacts.begin(job, (report) => {
      if (report && this.#isChosen(report)) void this.#identified(report).then(done);
      else done(report);
    });
  }

  cancel(): void {
    this.#stopAll();
    this.options.contacts.cancel();
  }

  stop(): Promise<void> {
    this.#stopAll();
    return this.options.contacts.stop();
  }

  #stopAll(): void {
    this.#isCancelled = true;
    for (const stop of [...this.#stops]) stop();
  }

  #isChosen({ outcome }: ContactReport): boolean {
    const { share, random } = this.options;
    const isFree = this.#active < MOST_AT_ONCE && !this.#isCancelled;
    return outcome === 'reachable' && isFree && random() < share;
  }

  async #identified(report: ContactReport): Promise<ContactReport> {
    this.#active += 1;
    const found = await this.#limited(this.options.identify(report));
    this.#active -= 1;
    return found ? { ...report, identified: found } : report;
  }

  /** Undefined when the node accepts no second connection, when the time is up, or when the crawl is interrupted. */
  #limited(work: Promise<IdentifiedNode>): Promise<IdentifiedNode | undefined> {
    const { clock } = this.options;
    return new Promise((resolve) => {
      const end = (found?: IdentifiedNode): void => {
        clock.clearTimeout(timer);
        this.#stops.delete(stop);
        resolve(found);
      };
      const stop = (): void => end();
      const timer = clock.setTimeout(stop, LONGEST);
      this.#stops.add(stop);
      work.then(end, stop);
    });
  }
}
