/** One connection of the tester, with the received items that no step has read, and the first raw bytes. */
import type { Clock, Link, LinkHandler } from '../net/index.js';
import type { LinkCode } from '../index.js';
import { ELLSWIFT_SIZE, MAX_GARBAGE } from '../wire/index.js';
import { type Reference, shortBytes } from './message-bytes.js';
import type { Sent } from './case.js';
import type { TranscriptRecorder } from './transcript.js';
import type { V2Endpoint } from './v2-endpoint.js';
import { type TransportEvent, type ReceivedItem, type Transport, V1Transport } from './tester-transport.js';

/**
 * The number of first bytes that are kept: to compare them with a prefix, and to read them as v2 when a step begins a key
 * exchange after the node has sent its key and garbage, after which it waits.
 */
const HEAD = ELLSWIFT_SIZE + MAX_GARBAGE;

/** Most bytes of received items that no step has read; further items are discarded. */
export const MAX_UNREAD = 8_000_000;
/** Approximate size of an item without its payload. */
const ITEM_SIZE = 128;

const sizeOf = (item: ReceivedItem): number =>
  ITEM_SIZE + (item.kind === 'message' ? item.payload.length : 0);

/** A queue of received items, and the transport that encodes messages. */
export class TesterConnection implements LinkHandler {
  /** How the node or the network ended it; undefined while it is open. */
  ended: LinkCode | undefined;
  /** The number of bytes that the node has sent. */
  received = 0;
  /** When the tester last sent something, and when it last received something; at first the time of the opening. */
  #sentAt: number;
  #receivedAt: number;
  /** The first of these bytes. */
  head = new Uint8Array(0);
  #queue: ReceivedItem[] = [];
  #unread = 0;
  #isOverflowing = false;
  #transport: Transport;
  /** The key exchange, once a step has begun one. */
  exchange: V2Endpoint | undefined;
  #wake: (() => void) | undefined;
  /** Whether the tester has sent anything. */
  hasSent = false;
  #aside: ReceivedItem | undefined;
  #messages = 0;

  constructor(
    readonly name: string,
    readonly link: Link,
    magic: Uint8Array,
    private readonly clock: Clock,
    private readonly transcript: TranscriptRecorder,
    /** Whether the node is known to send its version before it has received one. */
    private readonly speaksFirst = false,
  ) {
    this.#transport = new V1Transport(magic);
    this.#sentAt = this.#receivedAt = clock.now();
    link.attach(this);
  }

  /** Removes and returns the next received item. */
  take(): ReceivedItem | undefined {
    const item = this.#queue.shift();
    if (!item) return undefined;
    this.#messages++;
    this.#unread -= sizeOf(item);
    this.#isOverflowing = this.#queue.length > 0 && this.#isOverflowing;
    return item;
  }

  /** Milliseconds from what the tester last sent to what the node has sent since; 0 if it has sent nothing since. */
  get answerTime(): number {
    return Math.max(0, this.#receivedAt - this.#sentAt);
  }

  /** Bytes of the received items that no step has read yet; at most {@link MAX_UNREAD}. */
  get unread(): number {
    return this.#unread;
  }

  /** The number of bytes of an incomplete message. */
  get pieces(): number {
    return this.#transport.pieces;
  }

  /** Keeps a version that was sent before it was expected; false if the item is not the first message of such a node. */
  putAside(item: ReceivedItem): boolean {
    if (!this.speaksFirst || this.#messages !== 1) return false;
    this.#aside = item;
    return true;
  }

  /** Makes the item that was put aside the next one. */
  takeBack(): void {
    if (this.#aside) {
      this.#queue.unshift(this.#aside);
      this.#unread += sizeOf(this.#aside);
    }
    this.#aside = undefined;
  }

  write(frames: readonly Uint8Array[], what: string): void {
    this.hasSent = true;
    this.#sentAt = this.clock.now();
    this.transcript.note(this.name, 'tester', what);
    this.link.write(frames);
  }

  /** As `write`, with a separate write for each byte. */
  writeBytewise(bytes: Uint8Array, what: string): void {
    this.write([], `${what}, byte by byte`);
    for (const byte of bytes) this.link.write([Uint8Array.of(byte)]);
  }

  /** Encodes a message. It must be sent before the next one is encoded, since v2 ciphers are stateful. */
  encode(message: string | Sent, reference: Reference): Uint8Array {
    return this.#transport.encode(message, reference);
  }

  /** Makes this a v2 connection; bytes that have been received are read as v2. */
  speakV2(exchange: V2Endpoint): void {
    this.exchange = exchange;
    this.#transport = exchange;
    this.#queue = [];
    this.#unread = 0;
    for (const item of exchange.feed(this.head)) this.#receive(item);
  }

  /** Closes the tester's side. */
  close(): void {
    this.transcript.note(this.name, 'tester', 'closes');
    this.link.end();
  }

  /** Resolves at the next received bytes, at the end of the connection, or at the time `until`. */
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
    this.#receivedAt = this.clock.now();
    if (this.head.length < HEAD) this.head = new Uint8Array(Buffer.concat([this.head, chunk])).slice(0, HEAD);
    for (const item of this.#transport.feed(chunk)) this.#receive(item);
    this.#wake?.();
  }

  closed(code: LinkCode): void {
    this.ended = code;
    this.transcript.note(this.name, 'node', code === 'ERR_LINK_EOF' ? 'closes' : 'resets the connection');
    this.#wake?.();
  }

  /** Queues an item. Above the limit it queues one stray item instead, which makes every step fail. */
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

/** The text of a received message in a transcript. */
function receivedText({ command, payload }: Extract<ReceivedItem, { kind: 'message' }>): string {
  return payload.length === 0 ? command : `${command} ${shortBytes(payload)}`;
}
