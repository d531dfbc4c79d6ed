/**
 * Clients of the Stately protocol: WebSockets that receive all inspection messages for the Stately Inspector. A new client
 * first receives the state of every actor, as fast as it reads, and then the changes. A client that reads too slowly is
 * disconnected, so the node never waits for it and buffers no more than a limit.
 */
import type { WebSocket } from 'ws';
import { StatelyProtocol } from './stately-protocol.js';
import { type Change, type Entry, FULL_LIMIT } from './actor-registry.js';

/** Most characters that may wait for one client, including the messages of one turn of the event loop. */
export const BEHIND_LIMIT = 16 * 1_024 * 1_024;
/** Messages are collected for this many milliseconds and sent together, */
const BATCH_TIME = 50;
/** or until they have this many characters. */
const BATCH_SIZE = 65_536;
/** Actors that a new client receives at once; the next ones follow when it has read these. */
const ACTORS_AT_ONCE = 64;
const OPEN = 1;

/** What one client receives. */
export interface ClientOptions {
  /** The ids of peers that are sent in full; of the others only the state is sent. Default: the first {@link FULL_LIMIT} actors. */
  readonly sample?: ReadonlySet<string>;
  /** Whether addresses are masked. */
  readonly masked: boolean;
}

export interface StatelyClientsOptions {
  readonly entries: () => IterableIterator<Entry>;
  /** Default {@link BEHIND_LIMIT}. */
  readonly behind?: number;
}

export class StatelyClients {
  readonly #clients = new Set<StatelyClient>();

  constructor(private readonly options: StatelyClientsOptions) {}

  get size(): number {
    return this.#clients.size;
  }

  join(socket: WebSocket, clientOptions: ClientOptions): void {
    const client = new StatelyClient(socket, this.options, clientOptions);
    this.#clients.add(client);
    socket.on('close', () => {
      this.#clients.delete(client);
      client.disconnect();
    });
    // After an error, such as a frame that is too long or a reset, `close` is emitted.
    socket.on('error', () => undefined);
    client.catchUp();
  }

  /** Sends a change to all clients. */
  send(change: Change): void {
    for (const client of this.#clients) client.send(change);
  }

  remove(entry: Entry): void {
    for (const client of this.#clients) client.remove(entry);
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

const FULL = new StatelyProtocol({ register: ({ definition }) => ({ definition }) });

/** Only the state, without contexts and events. */
const LEAN = new StatelyProtocol({
  inspector: {
    filter: (message) => message.type !== '@xstate.event',
    sanitizeContext: () => ({}),
    sanitizeEvent: ({ type }) => ({ type }),
  },
  register: () => ({}),
});

class StatelyClient {
  /** The protocol of each actor that was sent, by session id. */
  readonly #shown = new Map<string, StatelyProtocol>();
  readonly #remaining: IterableIterator<Entry>;
  #full = 0;
  #waiting: string[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: StatelyClientsOptions,
    private readonly clientOptions: ClientOptions,
  ) {
    this.#remaining = options.entries();
  }

  /** Sends some actors, and the next ones when these have been read. */
  catchUp(): void {
    for (let count = 0; count < ACTORS_AT_ONCE; count += 1) {
      const next = this.#remaining.next();
      if (next.done) return;
      this.#show(next.value);
    }
    this.#flush();
    this.socket.ping(undefined, undefined, () => this.#isOpen && this.catchUp());
  }

  /** Sends a change of an actor that was sent before or is new; other actors follow in `catchUp`. */
  send(change: Change): void {
    const { entry, isNew } = change;
    const known = this.#shown.get(entry.sessionId);
    if (known ?? isNew) this.#queue((known ?? this.#register(entry)).change(change));
  }

  remove(entry: Entry): void {
    if (this.#shown.get(entry.sessionId) === FULL) this.#full -= 1;
    this.#shown.delete(entry.sessionId);
  }

  disconnect(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.socket.terminate();
  }

  get #isOpen(): boolean {
    return this.socket.readyState === OPEN;
  }

  /** Sends the state of an actor, unless it started in the meantime and was sent already. */
  #show(entry: Entry): void {
    if (!this.#shown.has(entry.sessionId)) this.#queue(this.#register(entry).state(entry));
  }

  #register(entry: Entry): StatelyProtocol {
    const protocol = this.#isSampled(entry) ? FULL : LEAN;
    if (protocol === FULL) this.#full += 1;
    this.#shown.set(entry.sessionId, protocol);
    this.#queue(protocol.registration(entry));
    return protocol;
  }

  #isSampled({ name }: Entry): boolean {
    if (this.#full >= FULL_LIMIT) return false;
    const id = /^(?:peer|transport)\.(.+)$/.exec(name)?.[1];
    return id === undefined || (this.clientOptions.sample?.has(id) ?? true);
  }

  #queue(text: string): void {
    if (text === '' || !this.#isOpen) return;
    const sent = this.clientOptions.masked ? masked(text) : text;
    this.#size += sent.length;
    if (this.socket.bufferedAmount + this.#size > (this.options.behind ?? BEHIND_LIMIT))
      return this.disconnect();
    this.#waiting.push(sent);
    if (this.#size > BATCH_SIZE) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_TIME);
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

/** Text that looks like an address: IPv4, IPv6, Tor and I2P names. */
const ADDRESSES =
  /(?<![\w:])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[a-z2-7]{52,56}\.(?:b32\.i2p|onion)\b/gi;

/** The text with masked addresses. JSON remains valid, since addresses occur only in strings. */
export const masked = (text: string): string => text.replace(ADDRESSES, 'masked');
