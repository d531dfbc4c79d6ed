/**
 * Servers for people and programs of this machine, and who may come in. They stand on loopback, but a browser on this machine runs pages of strangers: one may name
 * us in a request (the Origin header tells), or let its own name point here (DNS rebinding; the Host header tells).
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIPv4 } from 'node:net';
import { listenCodeOf, VerackError } from '../reasons.js';

/** `host` as it stands in an address. */
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** A server's address, `http://127.0.0.1:PORT/`. */
export const urlOf = (host: string, port: number): string => `http://${bracketed(host)}:${port}/`;

/** Whether only this machine can reach that address. */
export const isLoopback = (host: string): boolean =>
  (isIPv4(host) && host.startsWith('127.')) || host === '::1';

/** A server that listens there, for so many connections at a time. Rejects with `ERR_LOCAL_ADDRESS` or `ERR_LOCAL_LIMIT` when it cannot. */
export function openServer(host: string, port: number, connections: number): Promise<Server> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = connections;
  return new Promise((resolve, reject) => {
    const fail = ({ code = '' }: NodeJS.ErrnoException): void =>
      reject(new VerackError(listenCodeOf(code), { syscode: code, host, port }));
    server.once('error', fail);
    server.listen(port, host, () => {
      // Nothing that fails later (out of descriptors while accepting) may end the node.
      server.off('error', fail).on('error', () => undefined);
      resolve(server);
    });
  });
}

/** Throws `ERR_LOCAL_ARGUMENT` for an address that others could reach. */
export function requireLoopback(host: string): void {
  if (isLoopback(host)) return;
  throw new VerackError('ERR_LOCAL_ARGUMENT', {
    value: host,
    why: 'the inspector listens on loopback only: 127.0.0.1 or ::1',
  });
}

/** Knows the names by which a server may be called. */
export class HttpGuard {
  readonly #hosts: ReadonlySet<string>;

  constructor(host: string, port: number) {
    // `localhost` too: nobody can make that name point elsewhere. URL drops port 80, as browsers do.
    const names = [bracketed(host), 'localhost'];
    this.#hosts = new Set(names.map((name) => new URL(`http://${name}:${port}`).host));
  }

  /** A page is asked for by its own name, and by nobody else's page. */
  admits({ headers }: IncomingMessage): boolean {
    const { host = '', origin } = headers;
    return this.#hosts.has(host) && (origin === undefined || origin === `http://${host}`);
  }

  /** A browser always says where a WebSocket comes from, so one that does not say is refused. */
  admitsSocket(request: IncomingMessage): boolean {
    return request.headers.origin !== undefined && this.admits(request);
  }
}
