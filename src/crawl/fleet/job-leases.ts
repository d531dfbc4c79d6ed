/**
 * Leases on addresses: a worker contacts an address only while it holds the lease, an entry of a key–value bucket. The server may
 * deliver a job again although its worker is alive, after a restart for instance; the second worker finds the lease
 * and leaves the address alone. Leases of a worker that died expire.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { KV } from '@nats-io/kv';
import { keyOf } from './names.js';

interface LeaseEntry {
  readonly worker: string;
  /** The result has been published. */
  readonly done: boolean;
}

/** `own`: this worker may contact the address; `other`: another one does; `done`: the result is there. */
export type LeaseState = 'own' | 'other' | 'done';

/** Milliseconds between two tries while the server is away. */
const RETRY = 500;

export class JobLeases {
  constructor(
    private readonly bucket: KV,
    private readonly worker: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Takes the lease of a job when it is free. Waits for a server that is away; `other` when the worker stops meanwhile. */
  async acquire(id: string): Promise<LeaseState> {
    while (!this.signal.aborted) {
      const state = (await this.#create(id)) ?? (await this.#read(id));
      if (state) return state;
      await wait(RETRY);
    }
    return 'other';
  }

  /** Prolongs the leases of jobs that are under way. */
  async refresh(ids: Iterable<string>): Promise<void> {
    await Promise.allSettled([...ids].map((id) => this.#put(id, false)));
  }

  /** The result of a job has been published. The entry stays until it expires, for a job that is delivered once more. */
  async finish(id: string): Promise<void> {
    await this.#put(id, true).catch(() => undefined);
  }

  async #create(id: string): Promise<'own' | undefined> {
    return this.bucket.create(keyOf(id), this.#entry(false)).then(
      () => 'own' as const,
      () => undefined,
    );
  }

  /** Undefined when there is no entry, or no server. */
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
