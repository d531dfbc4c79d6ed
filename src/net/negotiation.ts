/**
 * Runs the exchange with a proxy on a link, after which the link connects to the peer.
 *
 * A negotiation is a generator: it yields the bytes to send and the size of the expected answer, receives exactly that answer,
 * and returns its value or a {@link Failure}. It does no I/O itself. Bytes after the last answer come from the peer and are
 * delivered to the owner of the link.
 */
import type { DialCode, Facts, LinkCode } from '../reasons.js';
import type { DialHandler, Endpoint, Link, LinkHandler, Net } from './link.js';
import { LinkWrapper } from './faults/link-wrapper.js';

/** Why a negotiation failed. */
export interface Failure {
  readonly code: DialCode;
  readonly facts: Facts;
}

/**
 * One step. `send`: the bytes to send. `bytes`: the answer has exactly this length. `line`: the answer is a line of at most this
 * many bytes; the line feed is removed.
 */
export type Exchange = { readonly send?: Uint8Array } & (
  { readonly bytes: number } | { readonly line: number }
);

/** Returns a value or a {@link Failure}; the value must not have a property `code`, by which a failure is recognised. */
export type Negotiation<T extends object> = Generator<Exchange, T | Failure, Uint8Array>;

export interface NegotiationHandler<T> {
  opened(link: NegotiatedLink, value: T): void;
  failed(failure: Failure): void;
}

export const isFailure = (outcome: object): outcome is Failure => 'code' in outcome;

const LF = 0x0a;
const EMPTY = new Uint8Array();

/** The answer to `exchange` at the start of `buffer`; undefined while bytes are missing; a failure when the line is too long. */
function answerIn(
  buffer: Uint8Array,
  exchange: Exchange,
): { answer: Uint8Array; used: number } | Failure | undefined {
  if ('bytes' in exchange) {
    const used = exchange.bytes;
    return buffer.length < used ? undefined : { answer: buffer.subarray(0, used), used };
  }
  const end = buffer.subarray(0, exchange.line).indexOf(LF);
  if (end >= 0) return { answer: buffer.subarray(0, end), used: end + 1 };
  const why = `no line within ${exchange.line} bytes`;
  return buffer.length < exchange.line ? undefined : { code: 'ERR_DIAL_PROXY_PROTOCOL', facts: { why } };
}

/** A link to a proxy. After a successful negotiation it is the link to the peer. */
export class NegotiatedLink extends LinkWrapper {
  #buffer: Uint8Array = EMPTY;
  #exchange: Exchange | undefined;
  /** An end that was not reported yet, because there is no handler or unread bytes come first. */
  #pendingEnd: LinkCode | undefined;
  #isPaused = false;
  #isOver = false;
  #isOpen = false;
  /** Called once, when the link has ended for any reason. */
  onOver: (() => void) | undefined;
  #ends: { local: Endpoint; remote: Endpoint };

  private constructor(
    inner: Link,
    private readonly settle: (outcome: object) => void,
    private readonly negotiation: Negotiation<object>,
  ) {
    super(inner);
    this.#ends = { local: inner.local, remote: inner.remote };
  }

  /** Runs `negotiation` on `link`. Exactly one of the handler's functions is called, unless the link is destroyed before. */
  static start<T extends object>(
    link: Link,
    negotiation: Negotiation<T>,
    handler: NegotiationHandler<T>,
  ): NegotiatedLink {
    const settle = (outcome: object): void =>
      isFailure(outcome) ? handler.failed(outcome) : handler.opened(negotiated, outcome as T);
    const negotiated = new NegotiatedLink(link, settle, negotiation);
    link.attach(negotiated);
    negotiated.#step(negotiation.next());
    return negotiated;
  }

  override get local(): Endpoint {
    return this.#ends.local;
  }

  override get remote(): Endpoint {
    return this.#ends.remote;
  }

  /** Sets the endpoints: after the negotiation the remote one is the peer, not the proxy. */
  between(ends: { readonly local?: Endpoint; readonly remote: Endpoint }): this {
    this.#ends = { ...this.#ends, ...ends };
    return this;
  }

  override data(chunk: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isOpen && this.handler && this.#buffer.length === 0) return this.handler.data(chunk);
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    this.#advance();
  }

  override closed(code: LinkCode): void {
    if (this.#isOver) return;
    this.#pendingEnd = code;
    if (!this.#isOpen) this.#fail({ code: 'ERR_DIAL_PROXY_CLOSED', facts: { end: code } });
    else if (this.handler && this.#buffer.length === 0) this.#reportEnd();
  }

  override attach(handler: LinkHandler): void {
    this.handler = handler;
    this.#flow();
  }

  override pause(): void {
    this.#isPaused = true;
    this.inner.pause();
  }

  override resume(): void {
    this.#isPaused = false;
    this.#flow();
  }

  override end(): void {
    this.#finish();
    this.inner.end();
  }

  override destroy(): void {
    this.#finish();
    this.inner.destroy();
  }

  #step(result: IteratorResult<Exchange, object>): void {
    if (result.done) return this.#conclude(result.value);
    this.#exchange = result.value;
    const { send } = result.value;
    if (send) this.inner.write([send]);
    this.#advance();
  }

  /** Continues as far as the received bytes allow. */
  #advance(): void {
    if (!this.#exchange) return;
    const found = answerIn(this.#buffer, this.#exchange);
    if (found === undefined) return;
    if (isFailure(found)) return this.#fail(found);
    this.#buffer = this.#buffer.subarray(found.used);
    this.#exchange = undefined;
    this.#step(this.negotiation.next(found.answer));
  }

  #conclude(outcome: object): void {
    if (isFailure(outcome)) return this.#fail(outcome);
    this.#isOpen = true;
    this.inner.pause();
    this.settle(outcome);
  }

  #fail(failure: Failure): void {
    this.destroy();
    this.settle(failure);
  }

  /** Resumes reading if the owner reads. Bytes that came with the last answer are delivered first, after the running call. */
  #flow(): void {
    if (!this.handler || this.#isPaused || this.#isOver) return;
    if (this.#buffer.length === 0 && this.#pendingEnd === undefined) this.inner.resume();
    else process.nextTick(() => this.#deliver());
  }

  #deliver(): void {
    if (!this.handler || this.#isPaused || this.#isOver) return;
    const early = this.#buffer;
    this.#buffer = EMPTY;
    if (early.length > 0) this.handler.data(early);
    if (this.#pendingEnd !== undefined && !this.#isPaused) this.#reportEnd();
    else this.#flow();
  }

  #reportEnd(): void {
    const code = this.#pendingEnd;
    if (this.#isOver || code === undefined) return;
    this.#finish();
    this.handler?.closed(code);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#buffer = EMPTY;
    this.onOver?.();
  }
}

/** The proxy to negotiate with, and the net to dial it. */
export interface ProxyAt {
  readonly net: Pick<Net, 'dial'>;
  readonly proxy: Endpoint;
}

/** The failure when the proxy itself cannot be reached. A limit of this system keeps its code. */
const unreached = (code: DialCode, facts: Facts): Failure => ({
  code: code === 'ERR_LOCAL_LIMIT' ? code : 'ERR_DIAL_PROXY_DOWN',
  facts,
});

/** Dials the proxy and negotiates. Returns a function that cancels, as {@link Net.dial} does. */
export function negotiate<T extends object>(
  { net, proxy }: ProxyAt,
  negotiation: Negotiation<T>,
  handler: NegotiationHandler<T>,
): () => void {
  let isSettled = false;
  const once =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      isSettled = true;
      call(...args);
    };
  const outcome = {
    opened: once((link: NegotiatedLink, value: T) => handler.opened(link, value)),
    failed: once((failure: Failure) => handler.failed(failure)),
  };
  let giveUp = net.dial(proxy, {
    opened: (link) => {
      const negotiated = NegotiatedLink.start(link, negotiation, outcome);
      giveUp = () => negotiated.destroy();
    },
    failed: (code, facts) => outcome.failed(unreached(code, facts)),
  });
  return () => {
    if (isSettled) return;
    isSettled = true;
    giveUp();
  };
}

/** Reports the failure of a dial that cannot be started: after the running call, as the contract demands. Returns a cancel function. */
export function failLater(handler: DialHandler, { code, facts }: Failure): () => void {
  let isGivenUp = false;
  process.nextTick(() => {
    if (!isGivenUp) handler.failed(code, facts);
  });
  return () => void (isGivenUp = true);
}
