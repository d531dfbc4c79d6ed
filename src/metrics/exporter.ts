/**
 * The exporter: a server that answers `GET /metrics` with the text of a registry, and nothing else. On loopback it looks
 * at the names it is called by, as the inspector does; on any other address whoever can reach it may read it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { HttpGuard, isLoopback, openServer, urlOf } from '../http/http-guard.js';

/** Connections at the same time; a scraper needs one. */
const READERS = 16;
const PATH = '/metrics';

export interface ExporterOptions {
  readonly registry: Registry;
  /** An address of this machine. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
}

export interface Exporter {
  /** What to give to Prometheus: `http://127.0.0.1:PORT/metrics`. */
  readonly url: string;
  /** Cuts off who is reading and stops listening. */
  close(): Promise<void>;
}

/** Starts to serve. Rejects with `ERR_LOCAL_ADDRESS` or `ERR_LOCAL_LIMIT` (facts `syscode`, `host`, `port`) when it cannot listen there. */
export async function startExporter({
  registry,
  host = '127.0.0.1',
  port = 0,
}: ExporterOptions): Promise<Exporter> {
  const server = await openServer(host, port, READERS);
  const { port: chosen } = server.address() as AddressInfo;
  server.on('request', answer(registry, isLoopback(host) ? new HttpGuard(host, chosen) : undefined));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: new URL(PATH, urlOf(host, chosen)).href, close };
}

const answer =
  (registry: Registry, door: HttpGuard | undefined): RequestListener =>
  (request, response) => {
    const status = refusalOf(request, door);
    if (status !== 0) return refuse(response, status);
    registry.metrics().then(
      (text) => send(response, registry.contentType, text),
      // A series that somebody else put into the registry can fail.
      () => refuse(response, 500),
    );
  };

function refusalOf(request: IncomingMessage, door: HttpGuard | undefined): number {
  if (door && !door.admits(request)) return 403;
  if (request.url?.replace(/\?.*$/s, '') !== PATH) return 404;
  return request.method === 'GET' ? 0 : 405;
}

function refuse(response: ServerResponse, status: number): void {
  const allow = status === 405 ? { Allow: 'GET' } : {};
  response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close', ...allow }).end();
}

function send(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}
