/** Opens HTTP servers on a TCP address or a UNIX socket, with time limits and a limit on connections. */
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { isLoopback } from '../net/index.js';
import { listenCodeOf, VerackError } from '../index.js';

/** Where a server listens: a host and port (0: the system chooses), or the path of a UNIX socket. */
export type ServerAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Milliseconds for the headers and for the whole request. */
const REQUEST_TIMEOUT = 5_000;
/** Milliseconds without progress after which a connection is closed. */
const INACTIVITY_TIMEOUT = 10_000;
/** Milliseconds between two checks of these timeouts. With Node's default of 30 s they would be exceeded by far. */
const CHECK_INTERVAL = 1_000;
/** Read and write for the owner and the group. */
const SOCKET_MODE = 0o660;

/** The URL of a server: `http://127.0.0.1:PORT/`, with brackets around an IPv6 address. */
export const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;

/**
 * Starts a server with at most `connections` connections. A further connection closes the one that has been open for
 * longest without a request in progress, so idle connections never block others. Rejects with `ERR_LOCAL_ADDRESS`
 * or `ERR_LOCAL_LIMIT` (fact `syscode`, and those of the address) when it cannot listen.
 */
export async function openServer(at: ServerAddress, connections: number): Promise<Server> {
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: CHECK_INTERVAL,
    maxHeaderSize: 8_192,
  });
  server.timeout = INACTIVITY_TIMEOUT;
  limitConnections(server, connections);
  await listening(server, at);
  if ('path' in at) await chmod(at.path, SOCKET_MODE);
  return server;
}

/** The port on which a server listens. */
export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function listening(server: Server, at: ServerAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = ({ code = '' }: NodeJS.ErrnoException): void =>
      reject(new VerackError(listenCodeOf(code), { syscode: code, ...at }));
    server.once('error', fail);
    server.listen(at, () => {
      // A later error (no file descriptor left for accept) must not end the process.
      server.off('error', fail).on('error', () => undefined);
      resolve();
    });
  });
}

function limitConnections(server: Server, limit: number): void {
  const idle = new Set<Socket>();
  const inUse = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      inUse.delete(socket);
    });
    if (idle.size + inUse.size > limit) idle.values().next().value?.destroy();
  });
  const use = ({ socket }: IncomingMessage): void => {
    if (idle.delete(socket)) inUse.add(socket);
  };
  const release = ({ socket }: IncomingMessage): void => {
    if (inUse.delete(socket) && !socket.destroyed) idle.add(socket);
  };
  server.on('upgrade', use);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    use(request);
    response.once('close', () => release(request));
  });
}

/** Stops listening and closes every connection. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** Throws `ERR_LOCAL_ARGUMENT` for an address that other machines could reach. */
export function requireLoopback(host: string): void {
  if (isLoopback(host)) return;
  throw new VerackError('ERR_LOCAL_ARGUMENT', {
    value: host,
    why: 'the inspector listens on loopback addresses only: 127.0.0.1 or ::1',
  });
}
