/** One connection of the tester: what the node said and was not yet looked at, raw bytes included. */
import type { Link, LinkHandler } from '../../io/link.js';
import type { LinkCode } from '../../reasons.js';
import type { Clock } from '../../run/env.js';
import { createV1Framer, type FrameEvent, sanitize, type V1Framer } from '../../wire/index.js';
import { shortBytes } from './bytes.js';
import type { Minutes } from './dialogue.js';

/** Something that the node said: a message, or bytes that are none. */
export type Heard =
  | { readonly kind: 'message'; readonly command: string; readonly payload: Uint8Array }
  | { readonly kind: 'stray'; readonly what: string };

/** So much of what came first is kept for a look at its beginning. */
const HEAD = 64;

export class Line implements LinkHandler {
  /** How it ended, when the node or the network ended it. */
  ended: LinkCode | undefined;
  /** Bytes that the node sent. */
  received = 0;
  /** The first of them. */
  head = new Uint8Array(0);
  readonly #heard: Heard[] = [];
  readonly #framer: V1Framer;
  #wake: (() => void) | undefined;
  /** We have sent something. */
  hasSpoken = false;
  #aside: Heard | undefined;
  #messages = 0;

  constructor(
    readonly name: string,
    readonly link: Link,
    magic: Uint8Array,
    private readonly clock: Clock,
    private readonly minutes: Minutes,
    /** The node under test is known to send its version before it has ours. */
    private readonly speaksFirst = false,
  ) {
    this.#framer = createV1Framer(magic);
    link.attach(this);
  }

  /** The next thing that the node said. */
  take(): Heard | undefined {
    const heard = this.#heard.shift();
    if (heard) this.#messages++;
    return heard;
  }

  /** Bytes of a message that is not complete. */
  get pieces(): number {
    return this.#framer.buffered;
  }

  /** Keeps a version that came before it was asked for; only the very first message can be one. */
  putAside(heard: Heard): boolean {
    if (!this.speaksFirst || this.#messages !== 1) return false;
    this.#aside = heard;
    return true;
  }

  /** What was put aside comes next. */
  takeBack(): void {
    if (this.#aside) this.#heard.unshift(this.#aside);
    this.#aside = undefined;
  }

  write(frames: readonly Uint8Array[], what: string): void {
    this.hasSpoken = true;
    this.minutes.note(this.name, 'tester', what);
    this.link.write(frames);
  }

  /** Closes our side. */
  close(): void {
    this.minutes.note(this.name, 'tester', 'closes');
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
    for (const event of this.#framer.feed(chunk)) this.#hear(event);
    this.#wake?.();
  }

  closed(code: LinkCode): void {
    this.ended = code;
    this.minutes.note(this.name, 'node', code === 'ERR_LINK_EOF' ? 'closes' : 'resets the connection');
    this.#wake?.();
  }

  #hear(event: FrameEvent): void {
    const heard = heardOf(event);
    this.#heard.push(heard);
    this.minutes.note(this.name, 'node', heard.kind === 'message' ? spoken(heard) : heard.what);
  }
}

function heardOf(event: FrameEvent): Heard {
  if (event.kind === 'frame') {
    return { kind: 'message', command: sanitize(event.command, 12), payload: event.payload.slice() };
  }
  const what =
    event.kind === 'dropped'
      ? `${event.command} (${event.code === 'ERR_FRAME_CHECKSUM' ? 'wrong checksum' : 'invalid command'})`
      : 'bytes that are no message';
  return { kind: 'stray', what };
}

/** A message of the node's in a dialogue. */
function spoken({ command, payload }: Extract<Heard, { kind: 'message' }>): string {
  return payload.length === 0 ? command : `${command} ${shortBytes(payload)}`;
}
