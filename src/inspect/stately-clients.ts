/**
 * Those who hand our actors on to the Stately Inspector: WebSocket readers of the whole protocol. Each is first shown
 * everything that lives, at the pace at which it reads, and then told what changes. A reader that falls behind is dropped:
 * the node never waits for a page, nor does it pile up memory for one.
 */
import type { WebSocket } from 'ws';
import { StatelyProtocol } from './stately-protocol.js';
import { type Change, type Entry, FULL_LIMIT } from './actor-registry.js';

/** Characters that may wait for one reader. What the node says within one turn of its loop must fit. */
export const BEHIND_LIMIT = 16 * 1_024 * 1_024;
/** What is said within this many milliseconds leaves together. */
const GATHER = 50;
/** Or when it is this long, in characters. */
const GATHER_SIZE = 65_536;
/** Actors that are shown to a newcomer before its socket is asked whether it has read them. */
const BATCH = 64;
const OPEN = 1;

/** What one reader wants to be told. */
export interface Wish {
  /** Peers that are told in full; others, their state alone. Default the first {@link FULL_LIMIT} actors. */
  readonly sample?: ReadonlySet<string>;
  /** Addresses are blotted out. */
  readonly masked: boolean;
}

export interface StatelyClientsOptions {
  readonly everybody: () => IterableIterator<Entry>;
  /** Default {@link BEHIND_LIMIT}. */
  readonly behind?: number;
}

export class StatelyClients {
  readonly #readers = new Set<Reader>();

  constructor(private readonly options: StatelyClientsOptions) {}

  get size(): number {
    return this.#readers.size;
  }

  join(socket: WebSocket, wish: Wish): void {
    const reader = new Reader(socket, this.options, wish);
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
    for (const reader of this.#readers) reader.tell(change);
  }

  forget(entry: Entry): void {
    for (const reader of this.#readers) reader.forget(entry);
  }

  close(): void {
    for (const reader of this.#readers) reader.drop();
  }
}

const FULL = new StatelyProtocol({ register: ({ definition }) => ({ definition }) });

/** Where everybody is, and no more. */
const LEAN = new StatelyProtocol({
  inspector: {
    filter: (message) => message.type !== '@xstate.event',
    sanitizeContext: () => ({}),
    sanitizeEvent: ({ type }) => ({ type }),
  },
  register: () => ({}),
});

class Reader {
  /** By session, the dialect in which it is told. */
  readonly #shown = new Map<string, StatelyProtocol>();
  readonly #walk: IterableIterator<Entry>;
  #full = 0;
  #waiting: string[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: StatelyClientsOptions,
    private readonly wish: Wish,
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
  tell(change: Change): void {
    const { entry, born } = change;
    const known = this.#shown.get(entry.sessionId);
    if (known ?? born) this.#send((known ?? this.#register(entry)).change(change));
  }

  forget(entry: Entry): void {
    if (this.#shown.get(entry.sessionId) === FULL) this.#full -= 1;
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
    if (!this.#shown.has(entry.sessionId)) this.#send(this.#register(entry).state(entry));
  }

  #register(entry: Entry): StatelyProtocol {
    const dialect = this.#isSampled(entry) ? FULL : LEAN;
    if (dialect === FULL) this.#full += 1;
    this.#shown.set(entry.sessionId, dialect);
    this.#send(dialect.registration(entry));
    return dialect;
  }

  #isSampled({ name }: Entry): boolean {
    if (this.#full >= FULL_LIMIT) return false;
    const id = /^(?:peer|transport)\.(.+)$/.exec(name)?.[1];
    return id === undefined || (this.wish.sample?.has(id) ?? true);
  }

  #send(said: string): void {
    if (said === '' || !this.#isOpen) return;
    const text = this.wish.masked ? masked(said) : said;
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
    if (this.#isOpen) for (const text of texts) this.socket.send(text);
  }
}

/** Whatever looks like an address, wherever it stands: IPv4, IPv6, Tor and I2P names. */
const ADDRESSES =
  /(?<![\w:])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[a-z2-7]{52,56}\.(?:b32\.i2p|onion)\b/gi;

/** The text without addresses; JSON stays JSON, since what is taken out stands within strings. */
export const masked = (text: string): string => text.replace(ADDRESSES, 'masked');
