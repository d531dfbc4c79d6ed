/**
 * The inspector: an HTTP server on loopback that shows the running machines, on its own page at `/` and, on request, on
 * the hosted Stately Inspector at `/stately`.
 *
 *   const relay = await startRelay();
 *   const node = createNode({ inspect: relay.inspect });
 *   relay.observe(node);
 *   console.log(relay.url);
 *
 * It receives one stream of inspection events and serves two WebSockets: `/feed` sends to our page what it shows
 * (page-feed.ts), `/inspect` has the protocol of `@statelyai/inspect`, message by message (stately-clients.ts). The server
 * of that package is not used: it listens on every interface, checks no Origin, keeps only the last 200 messages and
 * ends the process when its port is in use.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { InspectionEvent } from 'xstate';
import { StatelyClients, BEHIND_LIMIT, type ClientOptions } from './stately-clients.js';
import { HttpGuard } from '../http/http-guard.js';
import { closeServer, openServer, portOf, requireLoopback, urlOf } from '../http/http-server.js';
import { PageFeed } from './page-feed.js';
import type { InspectedNode, ObserveOptions } from './inspected-node.js';
import { Lab } from './lab.js';
import { FULL_LIMIT, ActorRegistry, type Limits } from './actor-registry.js';
import type { CrawlReport, Transcript } from './page/feed-messages.js';
import { type Display, serveStaticFiles } from './static-files.js';

/** Most bytes of one request of a page. */
const MAX_REQUEST = 4_096;
/** Most pages that can be open at the same time. */
export const MAX_PAGES = 8;
/** Most connections, HTTP and WebSockets together. */
const MAX_CONNECTIONS = 32;

/** Options of the inspector. */
export interface RelayOptions extends Display {
  /** A loopback address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Most bytes that may wait for a page; above this it is disconnected. Default 16 MiB. */
  readonly behind?: number;
  /** Whether the page can start, control and end peers of the lab, in memory. Default false. */
  readonly lab?: boolean;
  /** Recorded connections by name; the page shows them like live ones (`#/session/NAME`). */
  readonly sessions?: ReadonlyMap<string, Transcript>;
  /** How many actors are kept. Default: 10,000 live ones, and the latest 100 ended ones of each kind. */
  readonly limits?: Limits;
}

/** A running inspector. */
export interface Relay {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  /** The number of live actors and kept ended ones. */
  readonly size: number;
  /** For `createNode({ inspect })`, or any `createActor`. Bound; never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Shows the peers of a node on the page. Call it before the node dials or listens. */
  observe(node: InspectedNode, options?: ObserveOptions): void;
  /** Shows a crawl on the page; `read` is called about twice a second while a page is open. */
  observeCrawl(read: () => CrawlReport): void;
  /** Disconnects every page and stops listening. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the inspector. Rejects with a `VerackError`: `ERR_LOCAL_ADDRESS` or `ERR_LOCAL_LIMIT` with facts `syscode`, `host`,
 * `port` when it cannot listen, `ERR_LOCAL_ARGUMENT` for a host that is not loopback.
 */
export async function startRelay(options: RelayOptions = {}): Promise<Relay> {
  const { host = '127.0.0.1', port = 0 } = options;
  requireLoopback(host);
  return new LoopbackRelay(await openServer({ host, port }, MAX_CONNECTIONS), host, options);
}

class LoopbackRelay implements Relay {
  readonly url: string;
  readonly #registry: ActorRegistry;
  readonly #guard = new HttpGuard();
  readonly #feed: PageFeed;
  readonly #statelyClients: StatelyClients;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST,
    perMessageDeflate: false,
  });
  #closed: Promise<void> | undefined;

  constructor(
    private readonly server: Server,
    host: string,
    options: RelayOptions,
  ) {
    const { behind = BEHIND_LIMIT, sessions = new Map(), limits } = options;
    this.url = urlOf(host, portOf(server));
    this.#registry = new ActorRegistry((entry) => this.#statelyClients.remove(entry), limits);
    this.#statelyClients = new StatelyClients({ entries: () => this.#registry.entries(), behind });
    const lab = options.lab ? new Lab(this) : undefined;
    this.#feed = new PageFeed(sessions, behind, lab);
    server.on('request', serveStaticFiles(this.#guard, { ...options, sessions }));
    server.on('upgrade', (request, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
  }

  get size(): number {
    return this.#registry.size;
  }

  readonly inspect = (event: InspectionEvent): void => {
    if (this.#closed) return;
    if (event.type === '@xstate.microstep') return this.#recordTransition(event);
    if (event.type === '@xstate.action') return;
    for (const change of this.#registry.record(event)) {
      this.#feed.record(change);
      this.#statelyClients.send(change);
    }
  };

  observe(node: InspectedNode, options?: ObserveOptions): void {
    this.#feed.observe(node, options);
  }

  observeCrawl(read: () => CrawlReport): void {
    this.#feed.observeCrawl(read);
  }

  close(): Promise<void> {
    if (this.#closed) return this.#closed;
    this.#feed.close();
    this.#statelyClients.close();
    this.#registry.clear();
    return (this.#closed = closeServer(this.server));
  }

  #recordTransition(event: InspectionEvent & { type: '@xstate.microstep' }): void {
    const entry = this.#registry.get(event.actorRef.sessionId);
    if (entry) this.#feed.recordTransition(entry, event);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const [status, reason = ''] = this.#refusalOf(request, path) ?? [];
    if (status !== undefined) return refuse(socket, status, reason);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      if (path === '/feed') this.#feed.join(accepted);
      else this.#statelyClients.join(accepted, clientOptionsOf(new URLSearchParams(query)));
    });
  }

  #refusalOf(request: IncomingMessage, path: string): readonly [status: string, reason: string] | undefined {
    const reason = this.#guard.socketRefusalOf(request);
    if (reason !== undefined) return ['403 Forbidden', reason];
    if (path !== '/feed' && path !== '/inspect')
      return ['404 Not Found', 'the WebSockets are /feed and /inspect'];
    if (this.#feed.size + this.#statelyClients.size < MAX_PAGES) return undefined;
    return ['503 Service Unavailable', `${MAX_PAGES} pages are open`];
  }
}

/** Sends the refusal and destroys the socket without waiting for the other side, which could otherwise delay `close`. */
const refuse = (socket: Duplex, status: string, reason: string): void =>
  void socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${reason}\n`,
    () => socket.destroy(),
  );

/** `?peers=1,7` selects the sample; addresses are masked unless `addresses=shown` is given. */
function clientOptionsOf(query: URLSearchParams): ClientOptions {
  const peers =
    query
      .get('peers')
      ?.split(',', FULL_LIMIT)
      .filter((id) => id !== '') ?? [];
  const options = { masked: query.get('addresses') !== 'shown' };
  return peers.length > 0 ? { ...options, sample: new Set(peers) } : options;
}
