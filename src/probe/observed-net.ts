/**
 * A net that records what each dialled connection shows below the handshake: how long it took to open, its first bytes, and
 * whether the other side closed it before a byte was sent to it, as a node does that is full or has banned this address.
 *
 * To see such an early close, each link is handed over only {@link SETTLE_MS} after it has opened. No measured time
 * includes this delay.
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

/** Milliseconds before a link is handed over: time enough to see the close of a node that closes at once. */
export const SETTLE_MS = 100;
/** How many of the first bytes are recorded: a v1 header with its checksum, part of a v2 key, or enough to recognise another protocol. */
const KEPT = 24;

const NOTHING = new Uint8Array();

const firstOf = (...pieces: readonly Uint8Array[]): Uint8Array => Buffer.concat(pieces).subarray(0, KEPT);

/** What one dialled connection has shown so far. */
export interface DialRecord {
  readonly to: Endpoint;
  /** Milliseconds until it was open; absent before. */
  connect?: number;
  /** Why it was not opened. */
  failed?: ReasonCode;
  /** Whether the other side closed it before a byte was sent to it. */
  closedFirst: boolean;
  /** How it ended, if the other side closed it or it broke. */
  closed?: LinkCode;
  /** The first bytes that were received, at most 24. */
  received: Uint8Array;
  /** The first bytes that were sent, at most 24. */
  sent: Uint8Array;
}

/** Whether an echo server answers: its first 24 bytes are ours. The nonce of our version, or our v2 key, is in them. */
export const isEcho = ({ sent, received }: DialRecord): boolean =>
  received.length === KEPT && Buffer.compare(sent, received) === 0;

/** A net and the records of its dials. */
export interface ObservedNet {
  readonly net: Net;
  /** In the order of the dials. */
  readonly records: readonly DialRecord[];
}

/** Wraps `inner`, and records each of its dials; listeners are not recorded. */
export function observedNet(inner: Net, clock: Clock): ObservedNet {
  const records: DialRecord[] = [];
  const dial = (to: Endpoint, handler: DialHandler): (() => void) => {
    const record: DialRecord = { to, closedFirst: false, received: NOTHING, sent: NOTHING };
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
      // A link that was handed over is closed by its owner.
      if (link?.isSettled) return;
      this.#isGivenUp = true;
      if (link) link.destroy();
      else cancel();
    };
  }
}

/** Buffers what is received before the link is handed over. */
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
    if (received.length < KEPT) this.record.received = firstOf(received, chunk);
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

  override write(frames: readonly Uint8Array[]): void {
    const { sent } = this.record;
    if (sent.length < KEPT) this.record.sent = firstOf(sent, ...frames);
    this.inner.write(frames);
  }

  override destroy(): void {
    this.clock.clearTimeout(this.#timer);
    super.destroy();
  }

  /** Hands the link over. Its handler gets the buffered bytes in a later turn of the event loop, never inside a call of the net. */
  #settle(): void {
    this.clock.clearTimeout(this.#timer);
    if (this.isSettled) return;
    this.isSettled = true;
    this.settled(this);
  }
}
