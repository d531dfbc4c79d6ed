/**
 * Contacts that also identify nodes by their behaviour, so that a false user agent can be detected. After a contact with a
 * complete handshake, a random share of the nodes is connected to a second time. The cost is bounded: the second connection is
 * opened after the first one has ended, at most {@link MAX_PARALLEL} are open, and each has a time limit. A node that cannot be
 * identified is reported without an identification.
 */
import type { Clock } from '../index.js';
import type { ContactJob, ContactReport, Contacts, IdentifiedNode } from './contact.js';

export interface IdentifyingOptions {
  readonly contacts: Contacts;
  /** Identifies the node of a contact, over the same transport; rejects when the connection fails. */
  readonly identify: (report: ContactReport) => Promise<IdentifiedNode>;
  /** Share of the reachable nodes that are identified, 0 to 1. */
  readonly share: number;
  /** Returns a random number in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
}

const MAX_PARALLEL = 16;
/** Time limit of one identification, milliseconds. */
const TIME_LIMIT = 30_000;

type Done = Parameters<Contacts['begin']>[1];

export class IdentifyingContacts implements Contacts {
  #active = 0;
  /** Functions that end the running identifications. */
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
    const isFree = this.#active < MAX_PARALLEL && !this.#isCancelled;
    return outcome === 'reachable' && isFree && random() < share;
  }

  async #identified(report: ContactReport): Promise<ContactReport> {
    this.#active += 1;
    const found = await this.#limited(this.options.identify(report));
    this.#active -= 1;
    return found ? { ...report, identified: found } : report;
  }

  /** The result of `work`; undefined when it fails, at the time limit, or when the crawl is interrupted. */
  #limited(work: Promise<IdentifiedNode>): Promise<IdentifiedNode | undefined> {
    const { clock } = this.options;
    return new Promise((resolve) => {
      const end = (found?: IdentifiedNode): void => {
        clock.clearTimeout(timer);
        this.#stops.delete(stop);
        resolve(found);
      };
      const stop = (): void => end();
      const timer = clock.setTimeout(stop, TIME_LIMIT);
      this.#stops.add(stop);
      work.then(end, stop);
    });
  }
}
