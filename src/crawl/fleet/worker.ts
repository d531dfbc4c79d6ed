/**
 * A worker of a fleet: fetches jobs from the queue, acquires their leases, makes the contacts, publishes the results, and then
 * acknowledges the jobs. The jobs of a worker that died are not acknowledged, and another worker processes them when the leases
 * have expired.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import type { ContactJob, ContactReport, Contacts } from '../contact.js';
import { type Fleet, persist, publish } from './connection.js';
import { JobLeases } from './job-leases.js';
import { HEARTBEAT, JOBS, LEASE_RETRY, messageId, resultSubject } from './names.js';

export interface WorkerOptions {
  readonly fleet: Fleet;
  readonly contacts: Contacts;
  /** Name of this worker, unique in the fleet: letters, digits, `-` and `_`. */
  readonly name: string;
  readonly vantage: string;
  /** Most open contacts. */
  readonly parallel: number;
  /** Stops the worker when it aborts. */
  readonly signal: AbortSignal;
}

/** Most finished jobs whose ids are stored. */
const MAX_FINISHED = 10_000;

export class Worker {
  readonly #open = new Map<string, JsMsg>();
  readonly #finished = new Set<string>();
  readonly #leases: JobLeases;
  #done = 0;

  constructor(private readonly options: WorkerOptions) {
    this.#leases = new JobLeases(options.fleet.leases, options.name, options.signal);
  }

  /** Number of running jobs, and of published results. */
  get status(): { readonly active: number; readonly done: number } {
    return { active: this.#open.size, done: this.#done };
  }

  /** Processes jobs until the signal aborts. */
  async run(): Promise<void> {
    const { signal, contacts, fleet } = this.options;
    const heartbeat = this.#heartbeat();
    await Promise.race([persist(signal, () => this.#consume()), aborted(signal)]);
    contacts.cancel();
    await contacts.stop();
    for (const message of this.#open.values()) message.nak();
    await heartbeat;
    await Promise.race([fleet.connection.drain(), wait(1_000)]);
  }

  /** Fetches only as many jobs as can be opened now: a job that waited here would be delivered to another worker meanwhile. */
  async #consume(): Promise<void> {
    const { fleet, parallel, signal } = this.options;
    const consumer = await fleet.js.consumers.get(JOBS.stream, JOBS.consumer);
    while (!signal.aborted) {
      const free = parallel - this.#open.size;
      if (free <= 0) await wait(5);
      else {
        const messages = await consumer.fetch({ max_messages: free, expires: 1_000 });
        for await (const message of messages) void this.#begin(message);
      }
    }
  }

  async #begin(message: JsMsg): Promise<void> {
    const job = message.json<ContactJob>();
    const id = messageId(job);
    if (this.#finished.has(id)) return message.ack();
    // A job that is delivered again although it runs here: the later delivery must be acknowledged.
    const isOpen = this.#open.has(id);
    this.#open.set(id, message);
    if (isOpen) return;
    const lease = await this.#leases.acquire(id);
    if (lease === 'own' && !this.options.signal.aborted)
      return this.options.contacts.begin(job, (report) => void this.#end(job, report));
    const latest = this.#open.get(id);
    this.#open.delete(id);
    if (lease === 'done') latest?.ack();
    else latest?.nak(LEASE_RETRY * 1_000);
  }

  async #end(job: ContactJob, report: ContactReport | undefined): Promise<void> {
    const { fleet, signal } = this.options;
    const id = messageId(job);
    if (report) {
      await publish(fleet, resultSubject(job.crawl), report, id, signal);
      this.#remember(id);
      await this.#leases.finish(id);
      this.#done += 1;
      this.#open.get(id)?.ack();
    } else this.#open.get(id)?.nak();
    this.#open.delete(id);
  }

  /** Stores the id of a finished job, so that it is not contacted again if its acknowledgement is lost. */
  #remember(id: string): void {
    this.#finished.add(id);
    if (this.#finished.size <= MAX_FINISHED) return;
    for (const oldest of this.#finished) {
      this.#finished.delete(oldest);
      return;
    }
  }

  /** Renews the running jobs, their leases, and the entry of this worker. */
  async #heartbeat(): Promise<void> {
    const { signal, fleet, name, vantage } = this.options;
    while (!signal.aborted) {
      for (const message of this.#open.values()) message.working();
      await this.#leases.refresh(this.#open.keys());
      const entry = JSON.stringify({ vantage, ...this.status });
      await fleet.leases.put(name, entry).catch(() => undefined);
      await wait(HEARTBEAT * 1_000, undefined, { signal }).catch(() => undefined);
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
