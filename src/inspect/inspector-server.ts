/**
 * The inspector relay: a small server on loopback that shows the running machines, to a page of its own at `/` and, for
 * those who ask for it there, to the hosted Stately Inspector at `/stately`.
 *
 *   const relay = await startRelay();
 *   const node = createNode({ inspect: relay.inspect });
 *   relay.follow(node);
 *   console.log(relay.url);
 *
 * One stream of inspection events goes in. Two come out: `/feed` tells our page what it shows, coalesced (feed.ts);
 * `/inspect` is the protocol of `@statelyai/inspect`, message by message (audience.ts). The package's own server is not
 * used: it binds every interface, asks nobody where they come from, forgets, and falls over a used port.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { InspectionEvent } from 'xstate';
import { StatelyClients, BEHIND_LIMIT, type Wish } from './stately-clients.js';
import { HttpGuard, openServer, requireLoopback, urlOf } from '../http/http-guard.js';
import { PageFeed } from './page-feed.js';
import type { ObservedNode, ObserveOptions } from './observed-node.js';
import { Lab } from './lab.js';
import { FULL_LIMIT, ActorRegistry, type Limits } from './actor-registry.js';
import type { Transcript } from './page/feed-messages.js';
import { type Display, serveStaticFiles } from './static-files.js';

/** Bytes of one thing that a page says. */
const SAID_LIMIT = 4_096;
/** Pages that may look at the same time. */
export const READER_LIMIT = 8;

export interface RelayOptions extends Display {
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Bytes that may wait for a reader before it is dropped. Default 16 MiB. */
  readonly behind?: number;
  /** Let the page start, feed and end peers of a laboratory in memory. Default false. */
  readonly lab?: boolean;
  /** Recorded connections by name; the page opens them like live ones (`#/session/NAME`). */
  readonly sessions?: ReadonlyMap<string, Transcript>;
  /** Actors kept: 10,000 live ones, the latest 100 that ended and as many key exchanges. */
  readonly limits?: Limits;
}

export interface Relay {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  /** Actors known: live ones and the latest that ended. */
  readonly size: number;
  /** Hand this to `createNode({ inspect })`, or to any `createActor`. Bound; never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Shows the peers of a node on the page; call it before the node dials or listens. */
  follow(node: ObservedNode, options?: ObserveOptions): void;
  /** Drops every reader and stops listening. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the relay. Rejects with a `VerackError`: `ERR_LOCAL_ADDRESS` or `ERR_LOCAL_LIMIT` with facts `syscode`, `host`, `port` when it
 * cannot listen there, `ERR_LOCAL_ARGUMENT` for a host that is not loopback.
 */
export async function startRelay(options: RelayOptions = {}): Promise<Relay> {
  const { host = '127.0.0.1', port = 0 } = options;
  requireLoopback(host);
  return new LoopbackRelay(await openServer(host, port, 4 * READER_LIMIT), host, options);
}

class LoopbackRelay implements Relay {
  readonly url: string;
  readonly #ledger: ActorRegistry;
  readonly #door: HttpGuard;
  readonly #feed: PageFeed;
  readonly #audience: StatelyClients;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: SAID_LIMIT,
    perMessageDeflate: false,
  });
  #closed: Promise<void> | undefined;

  constructor(
    private readonly server: Server,
    host: string,
    options: RelayOptions,
  ) {
    const { port } = server.address() as AddressInfo;
    const { behind = BEHIND_LIMIT, sessions = new Map(), limits } = options;
    this.url = urlOf(host, port);
    this.#door = new HttpGuard(host, port);
    this.#ledger = new ActorRegistry((entry) => this.#audience.forget(entry), limits);
    this.#audience = new StatelyClients({ everybody: () => this.#ledger.entries(), behind });
    const lab = options.lab ? new Lab(this) : undefined;
    this.#feed = new PageFeed(sessions, behind, lab);
    server.on('request', serveStaticFiles(this.#door, { ...options, sessions }));
    server.on('upgrade', (request, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
  }

  get size(): number {
    return this.#ledger.size;
  }

  readonly inspect = (event: InspectionEvent): void => {
    if (this.#closed) return;
    if (event.type === '@xstate.microstep') return this.#decided(event);
    if (event.type === '@xstate.action') return;
    for (const change of this.#ledger.take(event)) {
      this.#feed.take(change);
      this.#audience.tell(change);
    }
  };

  follow(node: ObservedNode, options?: ObserveOptions): void {
    this.#feed.follow(node, options);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.server.close(() => resolve());
      this.#feed.close();
      this.#audience.close();
      this.server.closeAllConnections();
      this.#ledger.clear();
    });
    return this.#closed;
  }

  #decided(event: InspectionEvent & { type: '@xstate.microstep' }): void {
    const entry = this.#ledger.get(event.actorRef.sessionId);
    if (entry) this.#feed.decided(entry, event);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const status = this.#statusOf(request, path);
    if (status) return refuse(socket, status);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      if (path === '/feed') this.#feed.join(accepted);
      else this.#audience.join(accepted, wishOf(new URLSearchParams(query)));
    });
  }

  /** Empty: welcome. */
  #statusOf(request: IncomingMessage, path: string): string {
    if (!this.#door.admitsSocket(request)) return '403 Forbidden';
    if (path !== '/feed' && path !== '/inspect') return '404 Not Found';
    return this.#feed.size + this.#audience.size >= READER_LIMIT ? '503 Service Unavailable' : '';
  }
}

/** Does not wait for the other side to close: who never does would hold its place, and `close`. */
const refuse = (socket: Duplex, status: string): void =>
  void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());

/** `?peers=1,7` chooses the sample; addresses are masked unless `addresses=shown`. */
function wishOf(query: URLSearchParams): Wish {
  const peers =
    query
      .get('peers')
      ?.split(',', FULL_LIMIT)
      .filter((id) => id !== '') ?? [];
  const wishes = { masked: query.get('addresses') !== 'shown' };
  return peers.length > 0 ? { ...wishes, sample: new Set(peers) } : wishes;
}
