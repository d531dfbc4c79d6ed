/** Links that write late or in small pieces, for the faults `slow` and `split`. */
import type { LinkCode } from '../../reasons.js';
import type { Timers } from '../timers.js';
import type { Link } from '../link.js';
import { LinkWrapper } from './link-wrapper.js';

/**
 * A link that writes later than it is told to. It keeps the order, counts delayed bytes as pending, and lets `end` wait for
 * them; when the link ends otherwise, it discards them and clears their timers.
 */
abstract class PacedLink extends LinkWrapper {
  readonly #timers: Timers;
  readonly #armed = new Set<unknown>();
  #waiting: (readonly Uint8Array[])[] = [];
  #ending = false;

  constructor(inner: Link, timers: Timers) {
    super(inner);
    this.#timers = timers;
  }

  override get pending(): number {
    return this.inner.pending + this.#waiting.flat().reduce((sum, frame) => sum + frame.length, 0);
  }

  override write(frames: readonly Uint8Array[]): void {
    if (!this.#ending && frames.length > 0) this.pace(frames);
  }

  override end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#waiting.length === 0) this.inner.end();
  }

  override destroy(): void {
    this.#forget();
    this.inner.destroy();
  }

  override closed(code: LinkCode): void {
    this.#forget();
    // After the owner called end() its handler must not be called, although our end is still delayed.
    if (!this.#ending) super.closed(code);
    this.#ending = true;
  }

  override data(chunk: Uint8Array): void {
    if (!this.#ending) super.data(chunk);
  }

  override drained(): void {
    if (this.#waiting.length === 0 && !this.#ending) super.drained();
  }

  /** Decides when the frames are sent, with the three functions below. */
  protected abstract pace(frames: readonly Uint8Array[]): void;

  protected hold(frames: readonly Uint8Array[]): void {
    this.#waiting.push(frames);
  }

  protected later(ms: number, run: () => void): void {
    const timer = this.#timers.setTimeout(() => {
      this.#armed.delete(timer);
      run();
    }, ms);
    this.#armed.add(timer);
  }

  /** Sends the oldest delayed frames. Returns true when there are more. */
  protected release(): boolean {
    const frames = this.#waiting.shift();
    if (frames) this.inner.write(frames);
    if (this.#waiting.length > 0) return true;
    if (this.#ending) this.inner.end();
    else if (this.inner.pending === 0) super.drained();
    return false;
  }

  #forget(): void {
    for (const timer of this.#armed) this.#timers.clearTimeout(timer);
    this.#armed.clear();
    this.#waiting = [];
  }
}

/** Sends at most `size` bytes per write, each write in a later timer. */
export class SplitLink extends PacedLink {
  #running = false;

  constructor(
    inner: Link,
    readonly size: number,
    timers: Timers,
  ) {
    super(inner, timers);
  }

  protected override pace(frames: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length; at += this.size) this.hold([bytes.subarray(at, at + this.size)]);
    if (!this.#running && bytes.length > 0) this.#next();
  }

  #next(): void {
    this.#running = true;
    this.later(0, () => {
      if (this.release()) this.#next();
      else this.#running = false;
    });
  }
}

/** Delays each write by `ms` milliseconds. */
export class SlowLink extends PacedLink {
  constructor(
    inner: Link,
    readonly ms: number,
    timers: Timers,
  ) {
    super(inner, timers);
  }

  protected override pace(frames: readonly Uint8Array[]): void {
    this.hold(frames);
    this.later(this.ms, () => this.release());
  }
}
