/**
 * The exporter: an HTTP server that answers `GET /metrics` with the text of a registry and `GET /healthz` with the health
 * of a node. On a loopback address it checks the headers Host and Origin, as the inspector does. On any other address
 * every client that can reach it can read it, unless a token is set.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { HttpGuard } from '../http/http-guard.js';
import { refuse, respond } from '../http/http-response.js';
import { closeServer, openServer, portOf, urlOf } from '../http/http-server.js';
import { checkOptionNames, isLoopback } from '../net/index.js';
import type { Health } from './health.js';

/** Most connections at the same time; a scraper needs one. */
export const MAX_CONNECTIONS = 16;
/** Most requests per second, of all clients together; further ones are answered with status 429. */
export const MAX_REQUESTS = 20;
/** Milliseconds for which the result of a collection is reused. */
const COLLECTION_INTERVAL = 1_000;

/** Where the metrics are served, and who may read them. */
export interface ExporterOptions {
  readonly registry: Registry;
  /** An address of this machine. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Listen on a UNIX socket with this path (mode 0660) instead of `host` and `port`. */
  readonly path?: string;
  /** If given, requests must have the header `Authorization: Bearer TOKEN`. */
  readonly token?: string;
  /** Returns the body of `/healthz`; undefined for "not ready". */
  readonly health?: () => Health | undefined;
  /** A monotonic clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

const OPTION_NAMES: Readonly<Record<keyof ExporterOptions, true>> = {
  registry: true,
  host: true,
  port: true,
  path: true,
  token: true,
  health: true,
  now: true,
};

/** A running HTTP server of metrics. */
export interface Exporter {
  /** The address for Prometheus: `http://127.0.0.1:PORT/metrics`, or `unix:PATH`. */
  readonly url: string;
  /** A sentence for the operator, if other machines can reach the address. */
  readonly warning?: string;
  /** Closes every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts the server. Rejects with `ERR_LOCAL_ADDRESS` or `ERR_LOCAL_LIMIT` (fact `syscode`, and those of the address) when it
 * cannot listen, and with `ERR_LOCAL_ARGUMENT` for an option that does not exist.
 */
export async function startExporter(options: ExporterOptions): Promise<Exporter> {
  checkOptionNames(options, OPTION_NAMES);
  const { host = '127.0.0.1', port = 0, path } = options;
  const server = await openServer(path === undefined ? { host, port } : { path }, MAX_CONNECTIONS);
  const isGuarded = path === undefined && isLoopback(host);
  server.on('request', new MetricsHandler(options, isGuarded ? new HttpGuard() : undefined).listener);
  const close = (): Promise<void> => closeServer(server);
  if (path !== undefined) return { url: `unix:${path}`, close };
  const url = new URL('/metrics', urlOf(host, portOf(server))).href;
  return isGuarded ? { url, close } : { url, warning: warningOf(host, options.token), close };
}

const warningOf = (host: string, token: string | undefined): string =>
  token === undefined
    ? `any machine that can reach ${host} can read the metrics; restrict access with a token or a UNIX socket`
    : `the metrics on ${host} and their token are sent without encryption`;

class MetricsHandler {
  #collection = { at: -Infinity, text: Promise.resolve('') };
  readonly #second = { start: -Infinity, requests: 0 };
  readonly #now: () => number;

  constructor(
    private readonly options: ExporterOptions,
    private readonly guard: HttpGuard | undefined,
  ) {
    this.#now = options.now ?? (() => performance.now());
  }

  readonly listener: RequestListener = (request, response) => {
    if (this.#isRefused(request, response)) return;
    if (pathOf(request) === '/healthz') return this.#health(request, response);
    const { contentType: type } = this.options.registry;
    this.#metrics().then(
      (body) => respond(request, response, { type, body }),
      // A series that other code registered can fail.
      () => refuse(request, response, 500, 'a series cannot be collected'),
    );
  };

  #isRefused(request: IncomingMessage, response: ServerResponse): boolean {
    const [status, reason, headers] = this.#refusalOf(request) ?? [];
    if (status === undefined) return false;
    refuse(request, response, status, reason ?? '', headers);
    return true;
  }

  #refusalOf(request: IncomingMessage): Refusal | undefined {
    const reason = this.guard?.refusalOf(request);
    if (reason !== undefined) return [403, reason];
    if (!this.#isWithinLimit()) return [429, 'too many requests', { 'Retry-After': '1' }];
    if (!isAuthorized(request, this.options.token))
      return [401, 'the bearer token is missing or wrong', { 'WWW-Authenticate': 'Bearer' }];
    if (!['/metrics', '/healthz'].includes(pathOf(request))) return [404, 'only /metrics and /healthz exist'];
    if (request.method === 'GET' || request.method === 'HEAD') return undefined;
    return [405, 'only GET and HEAD are allowed', { Allow: 'GET, HEAD' }];
  }

  #isWithinLimit(): boolean {
    const now = this.#now();
    if (now - this.#second.start >= 1_000) Object.assign(this.#second, { start: now, requests: 0 });
    this.#second.requests += 1;
    return this.#second.requests <= MAX_REQUESTS;
  }

  /** The text of the registry, collected at most once a second. */
  #metrics(): Promise<string> {
    const now = this.#now();
    if (now - this.#collection.at >= COLLECTION_INTERVAL)
      this.#collection = { at: now, text: this.options.registry.metrics() };
    return this.#collection.text;
  }

  #health(request: IncomingMessage, response: ServerResponse): void {
    const health = this.options.health?.() ?? { ready: false };
    const body = `${JSON.stringify(health)}\n`;
    respond(request, response, { status: health.ready ? 200 : 503, type: 'application/json', body });
  }
}

type Refusal = readonly [status: number, reason: string, headers?: Readonly<Record<string, string>>];

const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/\?.*$/s, '');

/** Compares digests, which have the same length, in constant time, so that the time does not depend on the token. */
function isAuthorized({ headers }: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`));
}
