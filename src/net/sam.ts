/**
 * Links over I2P, through the SAM bridge of a router (SAM 3.1), in both directions.
 *
 * As in Core: with a key store one persistent session serves every stream; without, each dial has a transient session of its
 * own, with an address of its own, that ends with its link; of dials that failed the sessions are used again. The port is
 * always 0. A dial has no time limit here: the caller cancels it. A router can take minutes.
 */
import { type DialCode, type Facts, VerackError } from '../reasons.js';
import { systemTimers, type Timers } from './timers.js';
import { formatEndpoint } from './endpoint.js';
import { I2P_PORT } from './host-kind.js';
import type { DialHandler, Endpoint, Link, Listener, Net } from './link.js';
import type { KeyStore } from './i2p-key.js';
import { failLater, type NegotiatedLink } from './negotiation.js';
import { acceptStream, connectStream } from './sam-protocol.js';
import { makeSession, negotiated, SharedSession, type SamSession } from './sam-session.js';

/** The SAM bridge and its session. */
export interface SamOptions {
  /** How the router is dialled. */
  readonly net: Pick<Net, 'dial'>;
  /** Its SAM port, usually 127.0.0.1:7656. */
  readonly proxy: Endpoint;
  /** Keeps our private key, and so our address. Needed to listen. */
  readonly keys?: KeyStore;
  readonly timers?: Timers;
}

/** Sessions that are kept for later dials (Core: `MAX_UNUSED_I2P_SESSIONS_SIZE`). */
const MAX_UNUSED = 10;
/** The pause before another STREAM ACCEPT grows by this much up to that, milliseconds (Core: `ThreadI2PAcceptIncoming`). */
const RETRY_STEP_MS = 1_000;
const RETRY_MAX_MS = 300_000;
/** Anything else could be read as another command. */
const I2P_NAME = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,3}\.i2p$/i;

/** A session that one dial uses, and what becomes of it. */
interface Lease {
  readonly session: SamSession;
  /** The dial failed. */
  readonly failed: () => void;
  /** The link is over. */
  readonly over: () => void;
}

/** Links through I2P (SAM 3.1). */
export class SamNet implements Net {
  readonly #options: SamOptions & { readonly timers: Timers };
  readonly #shared: SharedSession | undefined;
  readonly #unused: SamSession[] = [];
  #isClosed = false;

  constructor(options: SamOptions) {
    const { keys, timers = systemTimers } = options;
    this.#options = { ...options, timers };
    if (keys) this.#shared = new SharedSession({ ...this.#options, keys });
  }

  /**
   * `to.host` is a name that ends in `.i2p`, `to.port` is 0. The link's `remote` is `to`, its `local` our address in the
   * session. The facts of a failure hold `host`, `port`, `proxy` and, where the router answered, `task`, `result`, `message`.
   */
  dial(to: Endpoint, handler: DialHandler): () => void {
    const facts = { host: to.host, port: to.port, proxy: formatEndpoint(this.#options.proxy) };
    if (to.port !== I2P_PORT) return failLater(handler, { code: 'ERR_DIAL_I2P_PORT', facts });
    if (!I2P_NAME.test(to.host)) return failLater(handler, { code: 'ERR_DIAL_I2P_KEY', facts });
    const given = new AbortController();
    let isSettled = false;
    this.#connect(to, given.signal).then(
      (link) => {
        if (given.signal.aborted) return link.destroy();
        isSettled = true;
        handler.opened(link);
      },
      (error: unknown) => {
        if (given.signal.aborted) return;
        isSettled = true;
        const reason = reasonOf(error);
        handler.failed(reason.code, { ...reason.facts, ...facts });
      },
    );
    return () => {
      if (!isSettled) given.abort();
    };
  }

  /**
   * Accepts streams in the persistent session, whatever `at` is; `local` is our I2P address. Rejects with a `VerackError`
   * when no session can be made: `ERR_LOCAL_ARGUMENT` without a key store, else the reason of a failed dial. A session that
   * is lost later is made again, with pauses of 1 s up to 5 min; `failed` is called each time.
   */
  async listen(
    at: Endpoint,
    accepted: (link: Link) => void,
    failed: (facts: Facts) => void = () => undefined,
  ): Promise<Listener> {
    const shared = this.#shared;
    if (!shared) {
      throw new VerackError('ERR_LOCAL_ARGUMENT', {
        value: at.host,
        why: 'listening on I2P needs a key store',
      });
    }
    const closed = new AbortController();
    const release = (): void => shared.release();
    const session = await shared.acquire().catch((error: unknown) => {
      release();
      throw error;
    });
    const accepting = new Acceptor(this.#options, shared, closed.signal);
    void accepting.run(accepted, failed).finally(release);
    return {
      local: { host: session.host, port: I2P_PORT },
      close: () => {
        closed.abort();
        return Promise.resolve();
      },
    };
  }

  /** Ends the sessions that are kept for later dials. Links and listeners live on; so do their sessions. */
  close(): void {
    this.#isClosed = true;
    for (const session of this.#unused.splice(0)) session.end();
  }

  async #connect(to: Endpoint, signal: AbortSignal): Promise<NegotiatedLink> {
    const { session, failed, over } = await this.#lease(signal);
    try {
      const stream = connectStream(session.id, to.host);
      const { link } = await negotiated(this.#options, stream, [signal, session.ended]);
      link.onOver = over;
      return link.between({ remote: to, local: { host: session.host, port: I2P_PORT } });
    } catch (error) {
      if (codeOf(error) === 'ERR_DIAL_I2P_SESSION') session.end();
      failed();
      throw causeOf(error, session);
    }
  }

  #lease(signal: AbortSignal): Promise<Lease> {
    return this.#shared ? leaseOf(this.#shared, signal) : this.#ownLease(signal);
  }

  async #ownLease(signal: AbortSignal): Promise<Lease> {
    const kept = this.#unused.shift();
    const session = kept && !kept.ended.aborted ? kept : await makeSession(this.#options, signal);
    return { session, failed: () => this.#keep(session), over: () => session.end() };
  }

  #keep(session: SamSession): void {
    if (session.ended.aborted) return;
    if (this.#isClosed || this.#unused.length >= MAX_UNUSED) session.end();
    else this.#unused.push(session);
  }
}

/** A share in the persistent session, given back once. */
async function leaseOf(shared: SharedSession, signal: AbortSignal): Promise<Lease> {
  let isReleased = false;
  const release = (): void => {
    signal.removeEventListener('abort', release);
    if (!isReleased) shared.release();
    isReleased = true;
  };
  // A dial that is given up while the session is being made must not keep it.
  signal.addEventListener('abort', release);
  try {
    const session = await shared.acquire();
    signal.removeEventListener('abort', release);
    return { session, failed: release, over: release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Waits for one stream after the other. */
class Acceptor {
  #pause = 0;

  constructor(
    private readonly options: SamOptions & { readonly timers: Timers },
    private readonly shared: SharedSession,
    private readonly closed: AbortSignal,
  ) {}

  async run(accepted: (link: Link) => void, failed: (facts: Facts) => void): Promise<void> {
    while (!this.closed.aborted) {
      try {
        accepted(await this.#next());
        this.#pause = 0;
      } catch (error) {
        if (this.closed.aborted) return;
        const { code, facts } = reasonOf(error);
        failed({ ...facts, code, proxy: formatEndpoint(this.options.proxy) });
        await this.#wait();
      }
    }
  }

  async #next(): Promise<NegotiatedLink> {
    const session = await this.shared.acquire();
    try {
      const { link, value } = await negotiated(this.options, acceptStream(session.id), [
        this.closed,
        session.ended,
      ]);
      link.onOver = () => this.shared.release();
      return link.between({
        remote: { host: value.host, port: I2P_PORT },
        local: { host: session.host, port: I2P_PORT },
      });
    } catch (error) {
      const code = codeOf(error);
      // The router has given up the session, even where the control link still lives.
      if (code === 'ERR_DIAL_I2P_SESSION' || code === 'ERR_DIAL_I2P_ROUTER') session.end();
      this.shared.release();
      throw causeOf(error, session);
    }
  }

  #wait(): Promise<void> {
    this.#pause = Math.min(this.#pause + RETRY_STEP_MS, RETRY_MAX_MS);
    const { timers } = this.options;
    return new Promise((resolve) => {
      const timer = timers.setTimeout(resolve, this.#pause);
      this.closed.addEventListener('abort', () => (timers.clearTimeout(timer), resolve()), { once: true });
    });
  }
}

const codeOf = (error: unknown): string => (error instanceof VerackError ? error.code : '');

/** What was cancelled because the router ended the session has that for its reason. */
const causeOf = (error: unknown, { ended }: SamSession): unknown =>
  ended.aborted && codeOf(error) === 'ERR_LOCAL_CANCELLED'
    ? new VerackError('ERR_DIAL_I2P_SESSION', { why: 'the router ended the session' })
    : error;

/** The reason of a failed dial; our own faults are passed on. */
function reasonOf(error: unknown): { code: DialCode; facts: Facts } {
  if (!(error instanceof VerackError)) throw error;
  const { code, facts } = error;
  return code.startsWith('ERR_DIAL_')
    ? { code: code as DialCode, facts }
    : { code: 'ERR_LOCAL_LIMIT', facts };
}
