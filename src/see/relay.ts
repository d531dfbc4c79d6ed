/**
 * The inspector relay: a small server on loopback that shows the running actors, to a page of its own at `/` and, for
 * those who ask for it there, to the hosted Stately Inspector at `/stately`.
 *
 *   const relay = await startRelay();
 *   const node = createNode({ inspect: relay.inspect });
 *   relay.follow(node);
 *   console.log(relay.url);
 *
 * Two streams, both of `@statelyai/inspect` messages. `/stream` is lean (every actor, no machine definitions, no
 * events of their own, no rules; JSON arrays of messages) and feeds our page. `/inspect` is the whole protocol, one
 * message per frame, for at most {@link FULL_LIMIT} actors at a time. The package's own server is not used: it binds
 * every interface, asks nobody where they come from, forgets, and falls over a used port.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { InspectionEvent } from 'xstate';
import type { PeerTracker } from '../run/tracker.js';
import { Audience } from './audience.js';
import { Dialect } from './dialect.js';
import { Door, openServer, requireLoopback, urlOf } from './door.js';
import { type Entry, FULL_LIMIT, Ledger, type Limits } from './ledger.js';
import { type Display, servePages } from './pages.js';

/** Pages that may look at the same time. */
export const READER_LIMIT = 8;

export interface RelayOptions extends Display {
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Bytes that may wait for a reader before it is dropped. Default 8 MiB. */
  readonly behind?: number;
  /** Actors kept: 10,000 live ones, the latest 100 that ended and as many key exchanges. */
  readonly limits?: Limits;
}

/** What the relay reads of a node: whose peers they are, and their addresses, which the machines do not know. */
export interface Followed {
  readonly supervisor: { readonly sessionId: string };
  readonly peers: Pick<PeerTracker, 'get'>;
}

export interface Relay {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  /** Actors known: live ones and the latest that ended. */
  readonly size: number;
  /** Hand this to `createNode({ inspect })`, or to any `createActor`. Bound; never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Adds the peers' addresses to the page. Optional; call it before the node dials or listens. */
  follow(node: Followed): void;
  /** Drops every reader and stops listening. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the relay. Rejects with a `VerackError`: `ERR_LOCAL_LIMIT` with facts `syscode`, `host`, `port` when it
 * cannot listen there, `ERR_LOCAL_ARGUMENT` for a host that is not loopback.
 */
export async function startRelay(options: RelayOptions = {}): Promise<Relay> {
  const { host = '127.0.0.1', port = 0 } = options;
  requireLoopback(host);
  return new LoopbackRelay(await openServer(host, port, 4 * READER_LIMIT), host, options);
}

class LoopbackRelay implements Relay {
  readonly url: string;
  readonly #ledger: Ledger;
  readonly #streams: ReadonlyMap<string, Audience>;
  readonly #door: Door;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024, perMessageDeflate: false });
  readonly #followed = new Map<string, Pick<PeerTracker, 'get'>>();
  readonly #addresses = new WeakMap<Entry, string>();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly server: Server,
    host: string,
    options: RelayOptions,
  ) {
    const { port } = server.address() as AddressInfo;
    this.url = urlOf(host, port);
    this.#door = new Door(host, port);
    this.#ledger = new Ledger((entry) => this.#forget(entry), options.limits);
    this.#streams = this.#open(options);
    server.on('request', servePages(this.#door, options));
    server.on('upgrade', (request, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
  }

  get size(): number {
    return this.#ledger.size;
  }

  readonly inspect = (event: InspectionEvent): void => {
    if (this.#closed) return;
    for (const change of this.#ledger.take(event)) {
      this.#addressOf(change.entry);
      for (const audience of this.#streams.values()) audience.tell(change);
    }
  };

  follow({ supervisor, peers }: Followed): void {
    this.#followed.set(supervisor.sessionId, peers);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const audience of this.#streams.values()) audience.close();
      this.server.closeAllConnections();
      this.#ledger.clear();
    });
    return this.#closed;
  }

  #open({ behind }: RelayOptions): ReadonlyMap<string, Audience> {
    const everybody = () => this.#ledger.entries();
    const shared = { everybody, ...(behind !== undefined && { behind }) };
    const lean = leanDialect((entry) => this.#addressOf(entry));
    const full = new Dialect({ register: ({ definition }) => ({ definition }) });
    return new Map([
      ['/stream', new Audience({ ...shared, dialect: lean, actors: Infinity, arrays: true })],
      ['/inspect', new Audience({ ...shared, dialect: full, actors: FULL_LIMIT, arrays: false })],
    ]);
  }

  #forget(entry: Entry): void {
    for (const audience of this.#streams.values()) audience.forget(entry);
  }

  /** Asked once per peer and remembered, since the tracker's row goes when the peer ends. */
  #addressOf(entry: Entry): string | undefined {
    const known = this.#addresses.get(entry);
    if (known !== undefined || this.#followed.size === 0) return known;
    const id = /^(?:peer|transport)\.(\d+)$/.exec(entry.name)?.[1];
    const addr = id === undefined ? '' : this.#followed.get(entry.rootId)?.get(Number(id))?.addr;
    if (addr !== undefined) this.#addresses.set(entry, addr);
    return addr;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const audience = this.#streams.get(request.url ?? '');
    const status = this.#statusOf(request, audience);
    if (status || !audience) return void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    // What a reader says is not listened to.
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => audience.join(accepted));
  }

  /** Empty: welcome. */
  #statusOf(request: IncomingMessage, audience: Audience | undefined): string {
    const readers = [...this.#streams.values()].reduce((sum, { size }) => sum + size, 0);
    if (!this.#door.admitsSocket(request)) return '403 Forbidden';
    if (!audience) return '404 Not Found';
    return readers >= READER_LIMIT ? '503 Service Unavailable' : '';
  }
}

/** For thousands of actors: what a table shows, and no more. The rules are the same object in every peer. */
const leanDialect = (addressOf: (entry: Entry) => string | undefined): Dialect =>
  new Dialect({
    inspector: {
      filter: (message) => message.type !== '@xstate.event',
      sanitizeContext: (context) => ({ ...context, rules: undefined }),
    },
    register: (entry) => ({ addr: addressOf(entry) ?? '' }),
  });
