/**
 * A session with an I2P router: its control link, its id and our address. It ends with the control link.
 *
 * A shared session is created once for all users who wait for it, and ended when the last one releases it.
 */
import { randomBytes } from 'node:crypto';

import { type Facts, type ReasonCode, VerackError } from '../reasons.js';
import type { Timers } from './timers.js';
import { i2pAddressOf, type KeyStore } from './i2p-key.js';
import {
  type Failure,
  type NegotiatedLink,
  negotiate,
  type Negotiation,
  type ProxyAt,
} from './negotiation.js';
import { createSession, generateKey } from './sam-protocol.js';

/** Time limit for creating a session, milliseconds (Core waits as long for any reply). */
export const SAM_REPLY_MS = 180_000;

export interface Negotiated<T> {
  readonly link: NegotiatedLink;
  readonly value: T;
}

/** As {@link negotiate}, with a promise. Rejects with a `VerackError`; with `ERR_LOCAL_CANCELLED` when one of `signals` aborts. */
export function negotiated<T extends object>(
  at: ProxyAt,
  negotiation: Negotiation<T>,
  signals: readonly AbortSignal[],
): Promise<Negotiated<T>> {
  return new Promise((resolve, reject) => {
    let giveUp = (): void => undefined;
    const settled = (): void => signals.forEach((signal) => signal.removeEventListener('abort', abort));
    const refuse = (code: ReasonCode, facts: Facts = {}): void => {
      settled();
      reject(new VerackError(code, facts));
    };
    const abort = (): void => {
      giveUp();
      refuse('ERR_LOCAL_CANCELLED');
    };
    if (signals.some(({ aborted }) => aborted)) return refuse('ERR_LOCAL_CANCELLED');
    for (const signal of signals) signal.addEventListener('abort', abort);
    giveUp = negotiate(at, negotiation, {
      opened: (link, value) => {
        settled();
        resolve({ link, value });
      },
      failed: ({ code, facts }: Failure) => refuse(code, facts),
    });
  });
}

/** An open session. */
export class SamSession {
  readonly id: string;
  /** Our `.b32.i2p` address in this session. */
  readonly host: string;
  readonly #control: NegotiatedLink;
  readonly #ended = new AbortController();

  constructor(id: string, host: string, control: NegotiatedLink) {
    this.id = id;
    this.host = host;
    this.#control = control;
    control.onOver = () => this.#ended.abort();
    // The router sends nothing more on this link. A handler is attached so that its end is noticed.
    control.attach({ data: () => undefined, closed: () => undefined });
  }

  /** Aborts when the session has ended, for any reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  end(): void {
    this.#control.destroy();
  }
}

export interface SessionOptions extends ProxyAt {
  readonly timers: Timers;
  /** With a key store, sessions are persistent: all of them have the same address. */
  readonly keys?: KeyStore;
}

/** The stored key; if there is none, generates and stores one. */
async function storedKey(at: ProxyAt, keys: KeyStore, signals: readonly AbortSignal[]): Promise<Uint8Array> {
  const stored = await keys.read();
  if (stored) return stored;
  const { link, value } = await negotiated(at, generateKey(), signals);
  link.destroy();
  await keys.write(value.key);
  return value.key;
}

async function make(options: SessionOptions, signals: readonly AbortSignal[]): Promise<SamSession> {
  const key = options.keys && (await storedKey(options, options.keys, signals));
  const id = randomBytes(5).toString('hex');
  const { link, value } = await negotiated(options, createSession(id, key), signals);
  return new SamSession(id, i2pAddressOf(value.key) ?? '', link);
}

/**
 * Creates a session. Rejects with a `VerackError`: the reason of a failed negotiation, `ERR_DIAL_I2P_TIMEOUT` after
 * {@link SAM_REPLY_MS}, `ERR_LOCAL_CANCELLED` when `signal` aborts, or an error of the key store.
 */
export async function makeSession(options: SessionOptions, signal: AbortSignal): Promise<SamSession> {
  const limit = new AbortController();
  const { timers } = options;
  const timer = timers.setTimeout(() => limit.abort(), SAM_REPLY_MS);
  try {
    return await make(options, [signal, limit.signal]);
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) {
      throw new VerackError('ERR_DIAL_I2P_TIMEOUT', { task: 'SESSION CREATE' });
    }
    throw error;
  } finally {
    timers.clearTimeout(timer);
  }
}

/** A session with several users: created for the first, ended after the last. */
export class SharedSession {
  #session: Promise<SamSession> | undefined;
  #creation = new AbortController();
  #users = 0;

  constructor(private readonly options: SessionOptions) {}

  /** The session. Every call must be followed by one call of {@link release}, whether it resolves or rejects. */
  acquire(): Promise<SamSession> {
    this.#users += 1;
    this.#session ??= this.#make();
    return this.#session;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#end();
  }

  #make(): Promise<SamSession> {
    this.#creation = new AbortController();
    const made = makeSession(this.options, this.#creation.signal);
    const forget = (): void => {
      if (this.#session === made) this.#session = undefined;
    };
    made.then((session) => session.ended.addEventListener('abort', forget), forget);
    return made;
  }

  #end(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#creation.abort();
    session?.then(
      (made) => made.end(),
      () => undefined,
    );
  }
}
