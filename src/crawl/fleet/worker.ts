/**
 * A worker of a fleet: takes jobs from the queue, contacts, publishes the result, and only then acknowledges. A worker that
 * dies acknowledges nothing, and its jobs go to another one.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import type { ContactJob, ContactReport, Contacts } from '../contact.js';
import { type Fleet, persist, publish } from './connection.js';
import { JOBS, messageId, resultSubject, SIGN_OF_LIFE } from './names.js';

export interface WorkerOptions {
  readonly fleet: Fleet;
  readonly contacts: Contacts;
  /** Name of this worker, unique in the fleet: letters, digits, `-` and `_`. */
  readonly name: string;
  readonly vantage: string;
  /** Contacts that are open at a time. */
  readonly parallel: number;
  readonly signal: AbortSignal;
}

/** Jobs that are remembered after they are done. */
const MAX_FINISHED = 10_000;

export class Worker {
  readonly #open = new Map<string, JsMsg>();
  readonly #finished = new Set<string>();
  #done = 0;

  constructor(private readonly options: WorkerOptions) {}

  /** Jobs under way, and results published. */
  get status(): { readonly active: number; readonly done: number } {
    return { active: this.#open.size, done: this.#done };
  }

  /** Works until the signal aborts. */
  async run(): Promise<void> {
    const { signal, contacts, fleet } = this.options;
    const life = this.#showLife();
    await Promise.race([persist(signal, () => this.#consume()), aborted(signal)]);
    contacts.cancel();
    await contacts.stop();
    for (const message of this.#open.values()) message.nak();
    await life;
    await Promise.race([fleet.connection.drain(), wait(1_000)]);
  }

  /** Takes as many jobs as may be opened now: one that waits here would be given to somebody else meanwhile. */
  async #consume(): Promise<void> {
    const { fleet, parallel, signal } = this.options;
    const consumer = await fleet.js.consumers.get(JOBS.stream, JOBS.consumer);
    while (!signal.aborted) {
      const free = parallel - this.#open.size;
      if (free <= 0) await wait(5);
      else {
        const messages = await consumer.fetch({ max_messages: free, expires: 1_000 });
        for await (const message of messages) this.#begin(message);
      }
    }
  }

  #begin(message: JsMsg): void {
    const job = message.json<ContactJob>();
    const id = messageId(job);
    if (this.#finished.has(id)) return message.ack();
    // Delivered again although it is under way here: the later delivery is the one to acknowledge.
    const isOpen = this.#open.has(id);
    this.#open.set(id, message);
    if (isOpen) return;
    this.options.contacts.begin(job, (report) => void this.#end(job, report));
  }

  async #end(job: ContactJob, report: ContactReport | undefined): Promise<void> {
    const { fleet, signal } = this.options;
    const id = messageId(job);
    if (report) {
      await publish(fleet, resultSubject(job.crawl), report, id, signal);
      this.#remember(id);
      this.#done += 1;
      this.#open.get(id)?.ack();
    } else this.#open.get(id)?.nak();
    this.#open.delete(id);
  }

  /** An acknowledgement can be lost: what was published is not contacted again. */
  #remember(id: string): void {
    this.#finished.add(id);
    if (this.#finished.size <= MAX_FINISHED) return;
    for (const oldest of this.#finished) {
      this.#finished.delete(oldest);
      return;
    }
  }

  /** Tells the server that jobs are still worked on, and the fleet that this worker is alive. */
  async #showLife(): Promise<void> {
    const { signal, fleet, name, vantage } = this.options;
    while (!signal.aborted) {
      for (const message of this.#open.values()) message.working();
      const lease = JSON.stringify({ vantage, ...this.status });
      await fleet.leases.put(name, lease).catch(() => undefined);
      await wait(SIGN_OF_LIFE * 1_000, undefined, { signal }).catch(() => undefined);
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
