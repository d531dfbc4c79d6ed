/**
 * Links over TCP (`node:net`).
 *
 * Facts of a failed dial or listen: `syscode` (the system's error code), `host`, `port`. There is no connect timeout here:
 * the dialling code has the clock, and cancels with the function that `dial` returns. A host that is no IP address is never looked
 * up: names are for dns.ts, and `.onion` and `.i2p` for the proxies (`ERR_DIAL_NO_LOOKUP`, `ERR_DIAL_NO_PROXY`).
 */
import { connect, createServer, isIP, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

import { type DialCode, type Facts, type LinkCode, listenCodeOf, VerackError } from '../reasons.js';
import { kindOfHost } from './host-kind.js';
import type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './link.js';
import { type Failure, failLater } from './negotiation.js';

/** Options of {@link tcpNet}. */
export interface TcpOptions {
  /** Address that outgoing connections are bound to, when it is of the same family as the address dialled. */
  readonly localAddress?: string;
}

/** How long an ended link waits for the other side to read what is left and to close too, milliseconds. */
export const LINGER_MS = 2_000;
/** Connections that the system holds for us before `accept`; the system may lower it (`somaxconn`). */
const BACKLOG = 1_024;

const DIAL_CODES: Readonly<Record<string, DialCode>> = {
  ECONNREFUSED: 'ERR_DIAL_REFUSED',
  // Accepted and closed before the dial was reported: a listener is there and refuses us.
  ECONNRESET: 'ERR_DIAL_REFUSED',
  EMFILE: 'ERR_LOCAL_LIMIT',
  ENFILE: 'ERR_LOCAL_LIMIT',
  ENOBUFS: 'ERR_LOCAL_LIMIT',
  ENOMEM: 'ERR_LOCAL_LIMIT',
  EACCES: 'ERR_LOCAL_LIMIT',
  EPERM: 'ERR_LOCAL_LIMIT',
  EADDRINUSE: 'ERR_LOCAL_LIMIT',
};
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/**
 * What a failed `connect` means. Unknown codes count as no route (`EHOSTUNREACH`, `ENETUNREACH`, `ETIMEDOUT` …).
 * `EADDRNOTAVAIL` is an IPv6 address on a machine without IPv6, but for IPv4 it says that the local ports are used up.
 */
export function dialCodeOf(syscode: string, host: string): DialCode {
  if (syscode === 'EADDRNOTAVAIL') return isIP(host) === 6 ? 'ERR_DIAL_UNREACHABLE' : 'ERR_LOCAL_LIMIT';
  return DIAL_CODES[syscode] ?? 'ERR_DIAL_UNREACHABLE';
}

const syscodeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.name;

function factsOf(error: Error, at: Endpoint): Facts {
  return { syscode: syscodeOf(error), host: at.host, port: at.port };
}

function endpoint(host: string | undefined, port: number | undefined): Endpoint {
  return { host: host ?? '', port: port ?? 0 };
}

const LINK = Symbol('link');

/** A socket that has a link. */
interface LinkedSocket extends Socket {
  [LINK]: TcpLink;
}

class TcpLink implements Link {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #handler: LinkHandler | undefined;
  #paused = false;
  #resting = false;
  /** The handler is not called any more: it was notified of the end, or it asked for it. */
  #over = false;
  /** An end that came before there was a handler. */
  #untold: LinkCode | undefined;
  #congested = false;
  #linger: NodeJS.Timeout | undefined;

  /** The socket must be connected and not read from yet. `local` is asked of the system where it is not given. */
  constructor(socket: Socket, local?: Endpoint) {
    this.#socket = socket;
    // First of all, because a 'data' listener starts the flow of a socket that was not paused by name.
    socket.pause();
    this.local = local ?? endpoint(socket.localAddress, socket.localPort);
    this.remote = endpoint(socket.remoteAddress, socket.remotePort);
    (socket as LinkedSocket)[LINK] = this;
    socket.on('data', TcpLink.#data);
    socket.on('end', TcpLink.#ended);
    socket.on('error', TcpLink.#broken);
    socket.on('close', TcpLink.#closed);
  }

  // One set of listeners for all sockets: four functions for each would be a third of a kilobyte.

  static readonly #data = function (this: LinkedSocket, chunk: Uint8Array): void {
    const link = this[LINK];
    // A plain array over the same memory, because `slice` of a Buffer does not copy.
    if (!link.#over) link.#handler?.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  };

  static readonly #ended = function (this: LinkedSocket): void {
    this[LINK].#finish('ERR_LINK_EOF');
  };

  static readonly #broken = function (this: LinkedSocket): void {
    this[LINK].#finish('ERR_LINK_RESET');
  };

  static readonly #closed = function (this: LinkedSocket): void {
    const link = this[LINK];
    clearTimeout(link.#linger);
    link.#finish('ERR_LINK_RESET');
  };

  get pending(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
    const untold = this.#untold;
    if (untold !== undefined) process.nextTick(() => this.#finish(untold));
    else this.#read();
  }

  write(frames: readonly Uint8Array[]): void {
    if (this.#over || !this.#socket.writable) return;
    const [first] = frames;
    if (first === undefined) return;
    // Copying a handful of small frames into one costs less than a gathering write.
    this.#socket.write(frames.length === 1 ? first : Buffer.concat(frames), (error) => this.#written(error));
    if (this.#socket.writableLength > 0) this.#congested = true;
  }

  #written(error?: Error | null): void {
    if (error || !this.#congested || this.#socket.writableLength > 0) return;
    this.#congested = false;
    if (!this.#over) this.#handler?.drained?.();
  }

  pause(): void {
    this.#paused = true;
    if (!this.#over) this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#read();
  }

  rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    if (!this.#over) this.#socket.pause();
    setImmediate(() => {
      this.#resting = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.#handler && !this.#over && !this.#paused && !this.#resting) this.#socket.resume();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #finish(code: LinkCode): void {
    if (this.#over) return;
    if (!this.#handler) {
      this.#untold ??= code;
      return;
    }
    this.#over = true;
    if (code === 'ERR_LINK_EOF') this.#close();
    this.#handler.closed(code);
  }

  /** Reads on, into nothing: closing with bytes unread would reset the connection and lose what we sent last. */
  #close(): void {
    // Nothing is left in either direction, so closing is as orderly as ending, which costs several turns of the loop more.
    if (this.#socket.readableEnded && this.#socket.writableLength === 0) return void this.#socket.destroy();
    this.#socket.resume();
    this.#socket.end();
    this.#linger ??= setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }
}

function dialOptions(to: Endpoint, { localAddress }: TcpOptions): TcpNetConnectOpts {
  const isBound = localAddress !== undefined && isIP(localAddress) === isIP(to.host);
  return { host: to.host, port: to.port, noDelay: true, ...(isBound && { localAddress }) };
}

/**
 * Whether a link-local address lacks the zone of an interface of this machine (RFC 4007). Not left to `connect`: Node.js 20
 * reports `EINVAL`, and Node.js 22 chooses an interface.
 */
function lacksZone(host: string): boolean {
  if (!LINK_LOCAL.test(host)) return false;
  const [, zone = ''] = host.split('%');
  const isZone = ([name, addresses = []]: [string, NetworkInterfaceInfo[] | undefined]): boolean =>
    zone === name ||
    addresses.some((address) => address.family === 'IPv6' && zone === String(address.scopeid));
  return !Object.entries(networkInterfaces()).some(isZone);
}

/** Why TCP cannot dial a host that is no IP address. `connect` would ask the system's resolver for it. */
function notAnAddress({ host, port }: Endpoint): Failure {
  const network = kindOfHost(host);
  if (network === 'name') return { code: 'ERR_DIAL_NO_LOOKUP', facts: { host, port } };
  if (network === 'internal') return { code: 'ERR_DIAL_DNS', facts: { syscode: 'ENOTDNS', host, port } };
  return { code: 'ERR_DIAL_NO_PROXY', facts: { host, port, network } };
}

function dial(to: Endpoint, handler: DialHandler, options: TcpOptions): () => void {
  if (!isIP(to.host)) return failLater(handler, notAnAddress(to));
  if (lacksZone(to.host))
    return failLater(handler, { code: 'ERR_DIAL_ZONE', facts: { host: to.host, port: to.port } });
  const socket = connect(dialOptions(to, options));
  let settled = false;
  socket.on('error', (error) => {
    if (settled) return;
    settled = true;
    handler.failed(dialCodeOf(syscodeOf(error), to.host), factsOf(error, to));
  });
  socket.on('connect', () => {
    settled = true;
    handler.opened(new TcpLink(socket));
  });
  return () => {
    if (settled) return;
    settled = true;
    socket.destroy();
  };
}

function listening(server: Server, at: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new VerackError(listenCodeOf(syscodeOf(error)), factsOf(error, at))),
    );
    // As Core does: an IPv6 socket takes IPv6 only, so that 0.0.0.0 and :: can be bound side by side.
    server.listen({ host: at.host, port: at.port, backlog: BACKLOG, ipv6Only: true }, resolve);
  });
}

/** A listener takes every address of this machine; only the socket has the one that was dialled. */
const isWildcard = ({ host }: Endpoint): boolean => host === '0.0.0.0' || host === '::';

function boundTo(server: Server): Endpoint {
  const bound = server.address();
  return typeof bound === 'object' && bound
    ? endpoint(bound.address, bound.port)
    : endpoint(undefined, undefined);
}

async function listen(
  at: Endpoint,
  accepted: (link: Link) => void,
  failed: (facts: Facts) => void = () => undefined,
): Promise<Listener> {
  if (!isIP(at.host))
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: at.host, why: 'not an IP address' });
  const server = createServer({ noDelay: true, pauseOnConnect: true });
  let local: Endpoint | undefined;
  server.on('connection', (socket) => {
    // It ended before it was read: its address is not known.
    if (socket.remoteAddress === undefined) socket.destroy();
    else accepted(new TcpLink(socket, local));
  });
  await listening(server, at);
  const bound = boundTo(server);
  if (!isWildcard(bound)) local = bound;
  // Closes one inbound connection. Out of files (EMFILE), libuv mostly closes callers by itself and reports nothing.
  server.on('error', (error) => failed(factsOf(error, boundTo(server))));
  return {
    local: bound,
    close: () => {
      // Its callback would wait for the accepted links; the port is free at once.
      server.close();
      return Promise.resolve();
    },
  };
}

/**
 * A {@link Net} over TCP, without Nagle's delay. `::` accepts IPv6 only: listen on `0.0.0.0` as well for both.
 *
 * What `write` is given belongs to the link: the system may read it later. `end` and the other side's end close
 * gracefully and take at most 2 s; `destroy` closes as `close(2)` does: the other side sees an end, or a
 * reset when bytes of its were still unread here.
 */
export function tcpNet(options: TcpOptions = {}): Net {
  return { dial: (to, handler) => dial(to, handler, options), listen };
}
