/**
 * A net that notes what each dialled connection shows below the handshake: how long it took to open, its first bytes, and
 * whether the other side closed it before we had sent a byte, as a node does that is full or has banned us.
 *
 * To see that, each link is held back for a moment after it has opened. The moment is no part of any measured time.
 */
import {
  type Clock,
  type DialHandler,
  type Endpoint,
  type Link,
  type LinkHandler,
  LinkWrapper,
  type Net,
} from '../net/index.js';
import type { LinkCode, ReasonCode } from '../node/index.js';

/** Milliseconds that a link is held back: a node that closes at once has done so by then. */
export const SETTLE_MS = 100;
/** First bytes that are kept: the magic and the command of a v1 header, or the beginning of another protocol's answer. */
const KEPT = 16;

/** What one dialled connection has shown so far. */
export interface DialRecord {
  readonly to: Endpoint;
  /** Milliseconds until it was open; absent while it is not. */
  connect?: number;
  /** Why it was not opened. */
  failed?: ReasonCode;
  /** The other side ended it before we had sent a byte. */
  closedFirst: boolean;
  /** How it ended, if the other side ended it. */
  closed?: LinkCode;
  /** The first bytes that came. */
  received: Uint8Array;
}

export interface ObservedNet {
  readonly net: Net;
  /** In the order of the dials. */
  readonly records: readonly DialRecord[];
}

export function observedNet(inner: Net, clock: Clock): ObservedNet {
  const records: DialRecord[] = [];
  const dial = (to: Endpoint, handler: DialHandler): (() => void) => {
    const record: DialRecord = { to, closedFirst: false, received: new Uint8Array() };
    records.push(record);
    return new Dial(inner, record, handler, clock).giveUp;
  };
  const net: Net = {
    dial,
    listen: (...args) => inner.listen(...args),
    ...(inner.timeoutOf && { timeoutOf: (host, timeout) => inner.timeoutOf!(host, timeout) }),
  };
  return { net, records };
}

class Dial {
  readonly giveUp: () => void;
  #isGivenUp = false;

  constructor(net: Net, record: DialRecord, handler: DialHandler, clock: Clock) {
    const start = clock.now();
    let link: ObservedLink | undefined;
    const cancel = net.dial(record.to, {
      opened: (inner) => {
        record.connect = clock.now() - start;
        link = new ObservedLink(inner, record, clock, (settled) => {
          if (!this.#isGivenUp) handler.opened(settled);
        });
      },
      failed: (code, facts) => {
        record.failed = code;
        handler.failed(code, facts);
      },
    });
    this.giveUp = () => {
      // Once the link was handed over, it is closed through the link.
      if (link?.isSettled) return;
      this.#isGivenUp = true;
      if (link) link.destroy();
      else cancel();
    };
  }
}

/** Keeps what comes before it has an owner. */
class ObservedLink extends LinkWrapper {
  isSettled = false;
  readonly #early: Uint8Array[] = [];
  #earlyEnd: LinkCode | undefined;
  #timer: unknown;

  constructor(
    inner: Link,
    private readonly record: DialRecord,
    private readonly clock: Clock,
    private readonly settled: (link: ObservedLink) => void,
  ) {
    super(inner);
    this.#timer = clock.setTimeout(() => this.#settle(), SETTLE_MS);
    inner.attach(this);
  }

  override attach(handler: LinkHandler): void {
    process.nextTick(() => {
      this.handler = handler;
      for (const chunk of this.#early.splice(0)) handler.data(chunk);
      if (this.#earlyEnd !== undefined) handler.closed(this.#earlyEnd);
      else this.inner.resume();
    });
  }

  override data(chunk: Uint8Array): void {
    const { received } = this.record;
    if (received.length < KEPT) this.record.received = Buffer.concat([received, chunk]).subarray(0, KEPT);
    if (this.handler) return this.handler.data(chunk);
    this.#early.push(chunk.slice());
    this.inner.pause();
    this.#settle();
  }

  override closed(code: LinkCode): void {
    this.record.closed = code;
    if (this.handler) return this.handler.closed(code);
    this.record.closedFirst = !this.isSettled && this.record.received.length === 0;
    this.#earlyEnd = code;
    this.#settle();
  }

  override destroy(): void {
    this.clock.clearTimeout(this.#timer);
    super.destroy();
  }

  /** Nothing of the owner is called from inside a call of the net's. */
  #settle(): void {
    this.clock.clearTimeout(this.#timer);
    if (this.isSettled) return;
    this.isSettled = true;
    this.settled(this);
  }
}
