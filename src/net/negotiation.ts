/**
 * The exchange with a proxy on a link, before that link is the peer's.
 *
 * A negotiation is a generator: it yields what to send and how much of the answer it needs, gets exactly that, and returns
 * its value or a {@link Failure}. It does no I/O itself. Bytes behind the last answer belong to the peer and are kept.
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
 * One step. `bytes`: the answer has exactly this length. `line`: it ends with a line feed, which is not handed over, within
 * so many bytes.
 */
export type Exchange = { readonly send?: Uint8Array } & (
  { readonly bytes: number } | { readonly line: number }
);

/** The value must not have a property `code`: that marks a {@link Failure}. */
export type Negotiation<T extends object> = Generator<Exchange, T | Failure, Uint8Array>;

export interface NegotiationHandler<T> {
  opened(link: NegotiatedLink, value: T): void;
  failed(failure: Failure): void;
}

export const isFailure = (outcome: object): outcome is Failure => 'code' in outcome;

const LF = 0x0a;
const NOTHING = new Uint8Array();

/** The answer to `exchange` at the start of `buffer`; undefined while bytes are missing, a failure when there can be none. */
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

/** A link to a proxy. Once the negotiation has succeeded it is the link to the peer. */
export class NegotiatedLink extends LinkWrapper {
  #buffer: Uint8Array = NOTHING;
  #exchange: Exchange | undefined;
  /** An end that came before there was a handler. */
  #pendingEnd: LinkCode | undefined;
  #isPaused = false;
  #isOver = false;
  #isOpen = false;
  /** Called once, when the link has ended, for whatever reason. */
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

  /** Says whom the link connects, now that the proxy is out of sight. */
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

  /** Continues as far as the bytes that came allow. */
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

  /** Reads on, if the owner does; the peer's bytes that came with the last answer first, never inside the owner's call. */
  #flow(): void {
    if (!this.handler || this.#isPaused || this.#isOver) return;
    if (this.#buffer.length === 0 && this.#pendingEnd === undefined) this.inner.resume();
    else process.nextTick(() => this.#deliver());
  }

  #deliver(): void {
    if (!this.handler || this.#isPaused || this.#isOver) return;
    const early = this.#buffer;
    this.#buffer = NOTHING;
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
    this.#buffer = NOTHING;
    this.onOver?.();
  }
}

/** Where a negotiation takes place. */
export interface ProxyAt {
  readonly net: Pick<Net, 'dial'>;
  readonly proxy: Endpoint;
}

/** The proxy itself was not reached. What this machine refused stays what it is. */
const unreached = (code: DialCode, facts: Facts): Failure => ({
  code: code === 'ERR_LOCAL_LIMIT' ? code : 'ERR_DIAL_PROXY_DOWN',
  facts,
});

/** Dials the proxy and negotiates. Returns a function that cancels, as that of {@link Net.dial}. */
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

/** Fails a dial that cannot even begin; as any failure, after the call that caused it. */
export function failLater(handler: DialHandler, { code, facts }: Failure): () => void {
  let isGivenUp = false;
  process.nextTick(() => {
    if (!isGivenUp) handler.failed(code, facts);
  });
  return () => void (isGivenUp = true);
}
