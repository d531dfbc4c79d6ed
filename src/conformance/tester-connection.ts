/** One connection of the tester: what the node sent and no step has read yet, raw bytes included. */
import type { Clock, Link, LinkHandler } from '../net/index.js';
import type { LinkCode } from '../index.js';
import { ELLSWIFT_SIZE, MAX_GARBAGE } from '../wire/index.js';
import { type Reference, shortBytes } from './message-bytes.js';
import type { Sent } from './case.js';
import type { TranscriptRecorder } from './transcript.js';
import type { V2Endpoint } from './v2-endpoint.js';
import { type TransportEvent, type ReceivedItem, type Transport, V1Transport } from './tester-transport.js';

/**
 * So much of what came first is kept: for a look at its beginning, and to be read again when a step begins a key exchange
 * with a node that has already sent its key and garbage. It sends no more until then.
 */
const HEAD = ELLSWIFT_SIZE + MAX_GARBAGE;

/** Bytes of received items that wait for a step to read them; what comes beyond that is discarded. */
export const MAX_UNREAD = 8_000_000;
/** What an item takes beside its payload, about. */
const ITEM_SIZE = 128;

const sizeOf = (item: ReceivedItem): number =>
  ITEM_SIZE + (item.kind === 'message' ? item.payload.length : 0);

export class TesterConnection implements LinkHandler {
  /** How it ended, when the node or the network ended it. */
  ended: LinkCode | undefined;
  /** Bytes that the node sent. */
  received = 0;
  /** The first of them. */
  head = new Uint8Array(0);
  #queue: ReceivedItem[] = [];
  #unread = 0;
  #isOverflowing = false;
  #transport: Transport;
  /** The exchange of keys, once a step has begun one. */
  exchange: V2Endpoint | undefined;
  #wake: (() => void) | undefined;
  /** We have sent something. */
  hasSent = false;
  #aside: ReceivedItem | undefined;
  #messages = 0;

  constructor(
    readonly name: string,
    readonly link: Link,
    magic: Uint8Array,
    private readonly clock: Clock,
    private readonly transcript: TranscriptRecorder,
    /** The node under test is known to send its version before it has ours. */
    private readonly speaksFirst = false,
  ) {
    this.#transport = new V1Transport(magic);
    link.attach(this);
  }

  /** The next received item. */
  take(): ReceivedItem | undefined {
    const item = this.#queue.shift();
    if (!item) return undefined;
    this.#messages++;
    this.#unread -= sizeOf(item);
    this.#isOverflowing = this.#queue.length > 0 && this.#isOverflowing;
    return item;
  }

  /** Bytes of the received items that no step has read yet; at most {@link MAX_UNREAD}. */
  get unread(): number {
    return this.#unread;
  }

  /** Bytes of a message that is not complete. */
  get pieces(): number {
    return this.#transport.pieces;
  }

  /** Keeps a version that came before it was asked for; only the very first message can be one. */
  putAside(item: ReceivedItem): boolean {
    if (!this.speaksFirst || this.#messages !== 1) return false;
    this.#aside = item;
    return true;
  }

  /** What was put aside comes next. */
  takeBack(): void {
    if (this.#aside) {
      this.#queue.unshift(this.#aside);
      this.#unread += sizeOf(this.#aside);
    }
    this.#aside = undefined;
  }

  write(frames: readonly Uint8Array[], what: string): void {
    this.hasSent = true;
    this.transcript.note(this.name, 'tester', what);
    this.link.write(frames);
  }

  /** The same, each byte in a write of its own. */
  writeBytewise(bytes: Uint8Array, what: string): void {
    this.write([], `${what}, byte by byte`);
    for (const byte of bytes) this.link.write([Uint8Array.of(byte)]);
  }

  /** A message as bytes, to be sent before the next one is made. */
  encode(message: string | Sent, reference: Reference): Uint8Array {
    return this.#transport.encode(message, reference);
  }

  /** From the first byte on, this is a v2 connection. */
  speakV2(exchange: V2Endpoint): void {
    this.exchange = exchange;
    this.#transport = exchange;
    this.#queue = [];
    this.#unread = 0;
    for (const item of exchange.feed(this.head)) this.#receive(item);
  }

  /** Closes our side. */
  close(): void {
    this.transcript.note(this.name, 'tester', 'closes');
    this.link.end();
  }

  /** Resolves when something happens, and when the clock reads `until`. */
  change(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => this.#wake?.(), Math.max(0, until - this.clock.now()));
      this.#wake = () => {
        this.#wake = undefined;
        this.clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  data(chunk: Uint8Array): void {
    this.received += chunk.length;
    if (this.head.length < HEAD) this.head = new Uint8Array(Buffer.concat([this.head, chunk])).slice(0, HEAD);
    for (const item of this.#transport.feed(chunk)) this.#receive(item);
    this.#wake?.();
  }

  closed(code: LinkCode): void {
    this.ended = code;
    this.transcript.note(this.name, 'node', code === 'ERR_LINK_EOF' ? 'closes' : 'resets the connection');
    this.#wake?.();
  }

  /** A node that floods ends in one stray item, which no step overlooks. */
  #keep(item: ReceivedItem): void {
    if (this.#isOverflowing) return;
    this.#isOverflowing = this.#unread + sizeOf(item) > MAX_UNREAD - ITEM_SIZE;
    const kept: ReceivedItem = this.#isOverflowing
      ? { kind: 'stray', what: `more than ${MAX_UNREAD} unread bytes` }
      : item;
    this.#queue.push(kept);
    this.#unread += sizeOf(kept);
  }

  #receive(item: ReceivedItem | TransportEvent): void {
    if (item.kind !== 'transport') this.#keep(item);
    this.transcript.note(this.name, 'node', item.kind === 'message' ? receivedText(item) : item.what);
  }
}

/** A message of the node's in a transcript. */
function receivedText({ command, payload }: Extract<ReceivedItem, { kind: 'message' }>): string {
  return payload.length === 0 ? command : `${command} ${shortBytes(payload)}`;
}
