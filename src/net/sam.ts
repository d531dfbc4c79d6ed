/**
 * Links over I2P, through the SAM bridge of a router (SAM 3.1), in both directions.
 *
 * As in Core, with a key store one persistent session is used for all streams. Without one, each dial has its own transient
 * session with its own address, which ends with the link; the session of a failed dial is used for a later one. The port is
 * always 0. A dial has no time limit here, because a router may take minutes: the caller cancels it.
 */
import { type DialCode, type Facts, VerackError } from '../reasons.js';
import { systemTimers, type Timers } from './timers.js';
import { formatEndpoint } from './endpoint.js';
import { I2P_PORT } from './host-kind.js';
import type { DialHandler, Endpoint, Link, Listener, Net } from './link.js';
import type { KeyStore } from './i2p-key.js';
import { failLater, type NegotiatedLink } from './negotiation.js';
import { checkOptionNames } from './option-names.js';
import { acceptStream, connectStream } from './sam-protocol.js';
import { makeSession, negotiated, SharedSession, type SamSession } from './sam-session.js';

/** The SAM bridge and its session. */
export interface SamOptions {
  /** The net with which the router is dialled. */
  readonly net: Pick<Net, 'dial'>;
  /** The SAM port of the router, usually 127.0.0.1:7656. */
  readonly proxy: Endpoint;
  /** Stores our private key, so that our address stays the same. Required for listening. */
  readonly keys?: KeyStore;
  /** Default: the timers of Node.js. */
  readonly timers?: Timers;
}

const OPTION_NAMES: Readonly<Record<keyof SamOptions, true>> = {
  net: true,
  proxy: true,
  keys: true,
  timers: true,
};

/** Most sessions that are stored for later dials (Core: `MAX_UNUSED_I2P_SESSIONS_SIZE`). */
const MAX_UNUSED = 10;
/** The delay before another STREAM ACCEPT grows by this step up to the maximum, milliseconds (Core: `ThreadI2PAcceptIncoming`). */
const RETRY_STEP_MS = 1_000;
const RETRY_MAX_MS = 300_000;
/** The names that are sent to the router: other characters could be parsed as another command. */
const I2P_NAME = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,3}\.i2p$/i;

/** The session of one dial, and how it is returned. */
interface Lease {
  readonly session: SamSession;
  /** Call it when the dial failed. */
  readonly failed: () => void;
  /** Call it when the link has ended. */
  readonly over: () => void;
}

/** Links through I2P (SAM 3.1). */
export class SamNet implements Net {
  readonly #options: SamOptions & { readonly timers: Timers };
  readonly #shared: SharedSession | undefined;
  readonly #unused: SamSession[] = [];
  #isClosed = false;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist */
  constructor(options: SamOptions) {
    checkOptionNames(options, OPTION_NAMES);
    const { keys, timers = systemTimers } = options;
    this.#options = { ...options, timers };
    if (keys) this.#shared = new SharedSession({ ...this.#options, keys });
  }

  /**
   * Dials an I2P peer. `to.host` must end in `.i2p`, `to.port` must be 0. The link's `remote` is `to`, its `local` our address
   * in the session. The facts of a failure are `host`, `port`, `proxy` and, if the router answered, `task`, `result`, `message`.
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
   * Accepts streams in the persistent session; `at` is ignored, and `local` is our I2P address. Rejects with a `VerackError`
   * when no session can be created: `ERR_LOCAL_ARGUMENT` without a key store, else the reason as for a dial. A session that ends
   * later is created again after a delay of 1 s to 5 min; `failed` is called each time.
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

  /** Ends the sessions that are stored for later dials. Links, listeners and their sessions stay open. */
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

/** A lease of the persistent session, which is released once. */
async function leaseOf(shared: SharedSession, signal: AbortSignal): Promise<Lease> {
  let isReleased = false;
  const release = (): void => {
    signal.removeEventListener('abort', release);
    if (!isReleased) shared.release();
    isReleased = true;
  };
  // A dial that is cancelled while the session is being created must not keep the session open.
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

/** Accepts one stream after the other. */
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
      // The router has ended the session, even if the control link is still open.
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

/** Replaces the reason of an exchange that was cancelled because the router had ended the session. */
const causeOf = (error: unknown, { ended }: SamSession): unknown =>
  ended.aborted && codeOf(error) === 'ERR_LOCAL_CANCELLED'
    ? new VerackError('ERR_DIAL_I2P_SESSION', { why: 'the router ended the session' })
    : error;

/** The reason of a failed dial. An error that is not a `VerackError` is a bug of ours, and thrown again. */
function reasonOf(error: unknown): { code: DialCode; facts: Facts } {
  if (!(error instanceof VerackError)) throw error;
  const { code, facts } = error;
  return code.startsWith('ERR_DIAL_')
    ? { code: code as DialCode, facts }
    : { code: 'ERR_LOCAL_LIMIT', facts };
}
