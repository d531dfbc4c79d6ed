/**
 * Frames that wait to be written to the link. All answers to the same received bytes are sent in one write, because the
 * system call costs more than building the frames. A peer that does not receive what we send is not read either.
 */
import type { Link } from '../net/link.js';
import { ReadGate } from './read-gate.js';
import { UnsentBytes } from './unsent-bytes.js';
import type { Traffic } from './traffic.js';

/** Default of `maxsendbuffer`, bytes (Core: `-maxsendbuffer`, 1,000 kB). */
export const MAX_SEND_BUFFER = 1_000_000;

export class OutgoingQueue {
  /** More than `limit` bytes waited, and not all of them are sent yet. */
  isFull = false;
  /** Stops and restarts reading from the peer. */
  readonly gate = new ReadGate();
  /** Created when bytes have to wait for the first time: for most peers the system takes everything at once. */
  #waiting: UnsentBytes | undefined;
  #frames: Uint8Array[] | undefined;
  #isCorked = false;

  /** `limit`: bytes that may wait in the link; above it the peer is not read. `clock.at`: the node's clock, milliseconds. */
  constructor(
    private readonly traffic: Traffic,
    private readonly limit: number,
    private readonly clock: { readonly at: number },
  ) {}

  /** Timestamp since which bytes wait and none was taken, milliseconds; -1 when none wait. */
  get stalledat(): number {
    return this.#waiting?.stalledat ?? -1;
  }

  /** Bytes that waited in the link at the last update. */
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
    this.#waiting ??= new UnsentBytes();
    this.#waiting.update(at, pending, sizeOf(frames));
    if (pending <= this.limit) return;
    this.isFull = true;
    this.gate.stop(link, 'send');
  }

  /** Records whether bytes that wait in the link were taken since the last update. */
  update(at: number, link: Link | undefined): void {
    this.#waiting?.update(at, link?.pending ?? 0);
  }

  /** The link has sent everything. Returns true when more than `limit` bytes had waited. */
  drained(at: number, link: Link | undefined): boolean {
    this.update(at, link);
    this.gate.start(link, 'send');
    const was = this.isFull;
    this.isFull = false;
    return was;
  }

  /** The process was suspended for `ms` milliseconds: that time does not count as stalled. */
  shift(ms: number): void {
    if (this.#waiting && this.#waiting.stalledat >= 0) this.#waiting.stalledat += ms;
  }
}

export const sizeOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);
