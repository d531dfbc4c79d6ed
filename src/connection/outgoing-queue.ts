/**
 * Frames on their way to the link. What answers the same bytes of the peer leaves in one write, because a write costs more
 * than all that is in it; a peer that does not take what it is sent is not read either.
 */
import type { Link } from '../net/link.js';
import { ReadGate } from './read-gate.js';
import { SendQueue } from './send-queue.js';
import type { Traffic } from './traffic.js';

/** Core: `-maxsendbuffer`. */
export const MAX_SEND_BUFFER = 1_000_000;

export class OutgoingQueue {
  /** More than `limit` bytes waited, and they were not all taken yet. */
  isFull = false;
  /** Whether the peer is read. */
  readonly gate = new ReadGate();
  /** Made when bytes had to wait for the first time: the system takes what most peers are sent at once. */
  #waiting: SendQueue | undefined;
  #frames: Uint8Array[] | undefined;
  #isCorked = false;

  /** `limit`: bytes that may wait in the link before the peer is not read; `clock.at`: milliseconds of the node's clock. */
  constructor(
    private readonly traffic: Traffic,
    private readonly limit: number,
    private readonly clock: { readonly at: number },
  ) {}

  /** Since when bytes wait and none is taken; -1 when none wait. */
  get stalledat(): number {
    return this.#waiting?.stalledat ?? -1;
  }

  /** Bytes that wait in the link, as of the last update. */
  get bytes(): number {
    return this.#waiting?.bytes ?? 0;
  }

  add(frames: readonly Uint8Array[]): void {
    (this.#frames ??= []).push(...frames);
  }

  /** Holds frames back until {@link uncork}. */
  cork(): void {
    this.#isCorked = true;
  }

  uncork(link: Link | undefined): void {
    this.#isCorked = false;
    this.flush(link);
  }

  flush(link: Link | undefined): void {
    const frames = this.#frames;
    if (this.#isCorked || !link || !frames) return;
    this.#frames = undefined;
    link.write(frames);
    const at = (this.traffic.lastsend = this.clock.at);
    const { pending } = link;
    if (pending === 0) return;
    this.#waiting ??= new SendQueue();
    this.#waiting.update(at, pending, sizeOf(frames));
    if (pending <= this.limit) return;
    this.isFull = true;
    this.gate.stop(link, 'send');
  }

  /** Records whether what waits in the link has moved. */
  update(at: number, link: Link | undefined): void {
    this.#waiting?.update(at, link?.pending ?? 0);
  }

  /** The link has taken everything. True when it had been too much. */
  drained(at: number, link: Link | undefined): boolean {
    this.update(at, link);
    this.gate.start(link, 'send');
    const was = this.isFull;
    this.isFull = false;
    return was;
  }

  /** The process was suspended for `ms`: that time does not count as stalled. */
  shift(ms: number): void {
    if (this.#waiting && this.#waiting.stalledat >= 0) this.#waiting.stalledat += ms;
  }
}

export const sizeOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);
