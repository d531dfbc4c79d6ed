/**
 * Leases on addresses: a worker contacts an address only while it has the lease, an entry in a key–value bucket. The server may
 * deliver a job again although its worker is running, for example after a restart; the second worker then finds the lease and
 * does not contact the address. The leases of a worker that died expire.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { KV } from '@nats-io/kv';
import { keyOf } from './names.js';

interface LeaseEntry {
  readonly worker: string;
  /** The result has been published. */
  readonly done: boolean;
}

/** `own`: this worker may contact the address; `other`: another worker has the lease; `done`: the result was published. */
export type LeaseState = 'own' | 'other' | 'done';

/** Delay between two attempts while the server is not reachable, milliseconds. */
const RETRY = 500;

export class JobLeases {
  constructor(
    private readonly bucket: KV,
    private readonly worker: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Acquires the lease of a job if it is free. Waits while the server is not reachable; `other` if the worker stops meanwhile. */
  async acquire(id: string): Promise<LeaseState> {
    while (!this.signal.aborted) {
      const state = (await this.#create(id)) ?? (await this.#read(id));
      if (state) return state;
      await wait(RETRY);
    }
    return 'other';
  }

  /** Renews the leases of running jobs. */
  async refresh(ids: Iterable<string>): Promise<void> {
    await Promise.allSettled([...ids].map((id) => this.#put(id, false)));
  }

  /** The result of a job was published. The entry stays until it expires, in case the job is delivered again. */
  async finish(id: string): Promise<void> {
    await this.#put(id, true).catch(() => undefined);
  }

  async #create(id: string): Promise<'own' | undefined> {
    return this.bucket.create(keyOf(id), this.#entry(false)).then(
      () => 'own' as const,
      () => undefined,
    );
  }

  /** The state of a lease; undefined when there is no entry, or the server is not reachable. */
  async #read(id: string): Promise<LeaseState | undefined> {
    const entry = await this.bucket.get(keyOf(id)).catch(() => null);
    if (entry?.operation !== 'PUT') return undefined;
    const { worker, done } = entry.json<LeaseEntry>();
    if (done) return 'done';
    return worker === this.worker ? 'own' : 'other';
  }

  #put = (id: string, done: boolean): Promise<unknown> => this.bucket.put(keyOf(id), this.#entry(done));

  #entry = (done: boolean): string => JSON.stringify({ worker: this.worker, done } satisfies LeaseEntry);
}
