/**
 * Those who look: WebSocket readers of one stream. Each is first shown everything that lives, at the pace at which it
 * reads, and then told what changes. A reader that falls behind is dropped: the node never waits for a page, nor does
 * it pile up memory for one.
 */
import type { WebSocket } from 'ws';
import type { Dialect } from './dialect.js';
import type { Change, Entry } from './ledger.js';

/** Characters that may wait for one reader. What the node says within one turn of its loop must fit. */
export const BEHIND_LIMIT = 8 * 1_024 * 1_024;
/** What is said within this many milliseconds leaves together. */
const GATHER = 50;
/** Or when it is this long, in characters. */
const GATHER_SIZE = 65_536;
/** Actors that are shown to a newcomer before its socket is asked whether it has read them. */
const BATCH = 64;
const OPEN = 1;

export interface AudienceOptions {
  readonly dialect: Dialect;
  readonly everybody: () => IterableIterator<Entry>;
  /** Actors that a reader is shown at the same time. */
  readonly actors: number;
  /** Several messages at once, as a JSON array: a frame costs either side more than what it holds. */
  readonly arrays: boolean;
  /** Default {@link BEHIND_LIMIT}. */
  readonly behind?: number;
}

export class Audience {
  readonly #readers = new Set<Reader>();

  constructor(private readonly options: AudienceOptions) {}

  get size(): number {
    return this.#readers.size;
  }

  join(socket: WebSocket): void {
    const reader = new Reader(socket, this.options);
    this.#readers.add(reader);
    socket.on('close', () => {
      this.#readers.delete(reader);
      reader.drop();
    });
    // A frame that is too long, a reset: the close that follows says enough.
    socket.on('error', () => undefined);
    reader.catchUp();
  }

  /** Costs nothing while nobody looks. */
  tell(change: Change): void {
    if (this.#readers.size === 0) return;
    const text = this.options.dialect.change(change);
    for (const reader of this.#readers) reader.tell(change, text);
  }

  forget(entry: Entry): void {
    for (const reader of this.#readers) reader.forget(entry);
  }

  close(): void {
    for (const reader of this.#readers) reader.drop();
  }
}

class Reader {
  readonly #shown = new Set<string>();
  readonly #walk: IterableIterator<Entry>;
  #waiting: string[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: AudienceOptions,
  ) {
    this.#walk = options.everybody();
  }

  /** Shows a batch, and the next one when this one has left. */
  catchUp(): void {
    for (let count = 0; count < BATCH; count += 1) {
      const next = this.#walk.next();
      if (next.done) return;
      this.#show(next.value);
    }
    this.#flush();
    this.socket.ping(undefined, undefined, () => this.#isOpen && this.catchUp());
  }

  /** An actor comes into sight when it is born or when the walk reaches it: not in the middle of its life. */
  tell({ entry, born }: Change, text: string): void {
    if (this.#shown.has(entry.sessionId) || (born && this.#register(entry))) this.#send(text);
  }

  forget(entry: Entry): void {
    this.#shown.delete(entry.sessionId);
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.socket.terminate();
  }

  get #isOpen(): boolean {
    return this.socket.readyState === OPEN;
  }

  /** One that was born since the walk began has been shown already. */
  #show(entry: Entry): void {
    if (!this.#shown.has(entry.sessionId) && this.#register(entry)) {
      this.#send(this.options.dialect.state(entry));
    }
  }

  #register(entry: Entry): boolean {
    if (this.#shown.size >= this.options.actors) return false;
    this.#shown.add(entry.sessionId);
    this.#send(this.options.dialect.registration(entry));
    return true;
  }

  #send(text: string): void {
    if (text === '' || !this.#isOpen) return;
    this.#size += text.length;
    if (this.socket.bufferedAmount + this.#size > (this.options.behind ?? BEHIND_LIMIT)) return this.drop();
    this.#waiting.push(text);
    if (this.#size > GATHER_SIZE) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const texts = this.#waiting;
    this.#waiting = [];
    this.#size = 0;
    if (!this.#isOpen || texts.length === 0) return;
    if (this.options.arrays) this.socket.send(`[${texts.join(',')}]`);
    else for (const text of texts) this.socket.send(text);
  }
}
