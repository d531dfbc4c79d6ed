/** The listening sockets of a node. */
import { onAbort } from '../net/abort.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Endpoint, Link, Listener, Net } from '../net/link.js';
import { type Facts, VerackError } from '../reasons.js';

export interface ListenersOptions {
  readonly net: Net;
  readonly accepted: (link: Link) => void;
  /** The system could not accept a connection on the listener `at`. */
  readonly failed: (at: Endpoint, facts: Facts) => void;
}

export class Listeners {
  readonly #open = new Set<Listener>();
  #isClosed = false;

  constructor(private readonly options: ListenersOptions) {}

  /** The bound endpoints. */
  get endpoints(): Endpoint[] {
    return [...this.#open].map(({ local }) => local);
  }

  /** Opens a listener. Rejects with `ERR_LOCAL_CANCELLED` after {@link close} or when the signal has aborted, otherwise as `Net.listen`. */
  async open(at: Endpoint, signal: AbortSignal | undefined): Promise<Listener> {
    if (this.#isOver(signal)) throw cancelled(at);
    const { net, accepted, failed } = this.options;
    const listener = await net.listen(at, accepted, (facts) => failed(at, facts));
    if (this.#isOver(signal)) {
      await listener.close();
      throw cancelled(at);
    }
    return this.#add(listener, signal);
  }

  /** Closes all listeners, including those that are still being opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((listener) => listener.close()));
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#isClosed || signal?.aborted === true;
  }

  #add(listener: Listener, signal: AbortSignal | undefined): Listener {
    const close = (): Promise<void> => {
      this.#open.delete(closing);
      forget();
      return listener.close();
    };
    const closing = { local: listener.local, close };
    this.#open.add(closing);
    const forget = onAbort(signal, () => void close());
    return closing;
  }
}

const cancelled = (at: Endpoint): VerackError =>
  new VerackError('ERR_LOCAL_CANCELLED', { addr: formatEndpoint(at) });
