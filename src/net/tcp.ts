/**
 * Links over TCP (`node:net`).
 *
 * The facts of a failed dial or listen are `syscode` (the system's error code), `host` and `port`. A dial has no time limit
 * here: the peer machine has it, and cancels with the function that `dial` returns. A host that is not an IP address is not
 * looked up: names are resolved by dns.ts, and `.onion` and `.i2p` need a proxy (`ERR_DIAL_NO_LOOKUP`, `ERR_DIAL_NO_PROXY`).
 */
import { connect, createServer, isIP, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

import { type DialCode, type Facts, type LinkCode, listenCodeOf, VerackError } from '../reasons.js';
import { kindOfHost } from './host-kind.js';
import type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './link.js';
import { type Failure, failLater } from './negotiation.js';
import { checkOptionNames } from './option-names.js';

/** Options of {@link tcpNet}. */
export interface TcpOptions {
  /** The source address of outgoing connections to addresses of the same family. */
  readonly localAddress?: string;
}

const OPTION_NAMES: Readonly<Record<keyof TcpOptions, true>> = { localAddress: true };

/** How long an ended link waits for the peer to read the remaining bytes and to close too, milliseconds. */
export const LINGER_MS = 2_000;
/** Most connections that the system queues before they are accepted; the system may lower it (`somaxconn`). */
const BACKLOG = 1_024;

const DIAL_CODES: Readonly<Record<string, DialCode>> = {
  ECONNREFUSED: 'ERR_DIAL_REFUSED',
  // The connection was accepted and reset before the dial was reported: a listener exists and refuses us.
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
 * The reason code of a failed `connect`. All codes that are not listed count as unreachable (`EHOSTUNREACH`, `ENETUNREACH`,
 * `ETIMEDOUT`, …). `EADDRNOTAVAIL` means for IPv6 that this computer has no IPv6, and for IPv4 that its local ports are used up.
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

/** A socket with a reference to its link, for the shared listeners. */
interface LinkedSocket extends Socket {
  [LINK]: TcpLink;
}

class TcpLink implements Link {
  readonly local: Endpoint;
  readonly #socket: Socket;
  #handler: LinkHandler | undefined;
  #paused = false;
  #resting = false;
  /** The handler is not called any more: it was notified of the end, or the owner closed the link. */
  #over = false;
  /** An end that was not reported yet, because there is no handler. */
  #pendingEnd: LinkCode | undefined;
  #congested = false;
  #linger: NodeJS.Timeout | undefined;

  /** The socket must be connected, and nothing read from it yet. `local`: the local endpoint if known, to save a system call. */
  constructor(
    socket: Socket,
    readonly remote: Endpoint,
    local?: Endpoint,
  ) {
    this.#socket = socket;
    // Before the listeners are added: a 'data' listener starts reading from a socket that was not paused explicitly.
    socket.pause();
    this.local = local ?? endpoint(socket.localAddress, socket.localPort);
    (socket as LinkedSocket)[LINK] = this;
    socket.on('data', TcpLink.#data);
    socket.on('end', TcpLink.#ended);
    socket.on('error', TcpLink.#broken);
    socket.on('close', TcpLink.#closed);
  }

  // All sockets share these listeners: four closures for each socket would need a third of a kilobyte.

  static readonly #data = function (this: LinkedSocket, chunk: Uint8Array): void {
    const link = this[LINK];
    // A plain Uint8Array over the same memory, because `slice` of a Buffer does not copy and the callee may rely on that.
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
    const pendingEnd = this.#pendingEnd;
    if (pendingEnd !== undefined) process.nextTick(() => this.#finish(pendingEnd));
    else this.#read();
  }

  write(frames: readonly Uint8Array[]): void {
    if (this.#over || !this.#socket.writable) return;
    const [first] = frames;
    if (first === undefined) return;
    // Copying a few small frames into one buffer costs less than a vectored write.
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
      this.#pendingEnd ??= code;
      return;
    }
    this.#over = true;
    if (code === 'ERR_LINK_EOF') this.#close();
    this.#handler.closed(code);
  }

  /** Closes the socket. It reads and discards the rest: closing with unread bytes would reset the connection, and our last bytes could be lost. */
  #close(): void {
    // Both directions have ended: closing is as orderly as ending, which takes several turns of the event loop more.
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

/** The zones of an interface. libuv accepts names, and on Windows numbers instead (`uv_ip6_addr`). */
function zonesOf([name, addresses = []]: [string, NetworkInterfaceInfo[] | undefined]): string[] {
  if (process.platform !== 'win32') return [name];
  return addresses.flatMap((address) => (address.family === 'IPv6' ? [String(address.scopeid)] : []));
}

/**
 * Whether a link-local address lacks the zone of an interface of this computer (RFC 4007). It is checked here because `connect`
 * of Node.js 20 reports `EINVAL`, and that of Node.js 22 chooses an interface.
 */
function lacksZone(host: string): boolean {
  if (!LINK_LOCAL.test(host)) return false;
  const [, zone = ''] = host.split('%');
  return !Object.entries(networkInterfaces()).flatMap(zonesOf).includes(zone);
}

/** The failure for a host that is not an IP address: `connect` would look it up with the system's resolver. */
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
    handler.opened(new TcpLink(socket, to));
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
    // As in Core, an IPv6 socket accepts IPv6 only, so that 0.0.0.0 and :: can be bound at the same time.
    server.listen({ host: at.host, port: at.port, backlog: BACKLOG, ipv6Only: true }, resolve);
  });
}

/** Whether a listener accepts connections to every address: then the dialled address must be read from each socket. */
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
    const remote = endpoint(socket.remoteAddress, socket.remotePort);
    // The connection has ended already, and its address is unknown.
    if (remote.host === '') socket.destroy();
    else accepted(new TcpLink(socket, remote, local));
  });
  await listening(server, at);
  const bound = boundTo(server);
  if (!isWildcard(bound)) local = bound;
  // With EMFILE, libuv usually closes the connection itself and reports nothing, so this does not see every refused connection.
  server.on('error', (error) => failed(factsOf(error, boundTo(server))));
  return {
    local: bound,
    close: () => {
      // Not awaited, because the callback waits for the accepted links too; the port is free at once.
      server.close();
      return Promise.resolve();
    },
  };
}

/**
 * Creates a {@link Net} over TCP, with TCP_NODELAY. `::` accepts IPv6 only: listen on `0.0.0.0` too for both families.
 *
 * Bytes passed to `write` must not be changed: the system may read them later. `end`, and the end of the peer, close gracefully
 * within 2 s. `destroy` closes as `close(2)` does: the peer sees an end, or a reset if some of its bytes were unread here.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export function tcpNet(options: TcpOptions = {}): Net {
  checkOptionNames(options, OPTION_NAMES);
  return { dial: (to, handler) => dial(to, handler, options), listen };
}
