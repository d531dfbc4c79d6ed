/**
 * Links in memory: the link contract without an operating system, for tests, simulations and users of the library.
 *
 * Deliveries, openings and ends never happen during the call that causes them: each is a timer of the given clock. So with a
 * virtual clock the same calls always give the same run.
 *
 * Ends are as over TCP. After `end` the other side receives everything that was written, then `ERR_LINK_EOF`. After `destroy`
 * it receives `ERR_LINK_EOF`, or `ERR_LINK_RESET` if some of its bytes had arrived and were unread. A broken path
 * ({@link MemoryLink.sever}) is `ERR_LINK_RESET` for both sides. A paused side receives an end after it resumes reading.
 */
import type { Facts, LinkCode } from '../reasons.js';
import { VerackError } from '../reasons.js';
import { checkOptionNames } from './option-names.js';
import { systemTimers, type Timers } from './timers.js';
import type { DialHandler, Endpoint, Link, LinkHandler, Listener, Net } from './link.js';

/** The one-way delay in milliseconds. A function is called for every write, and twice for a dial. The order of bytes never changes. */
export type Latency = number | ((from: Endpoint, to: Endpoint) => number);

/** Options of {@link memoryNet}. */
export interface MemoryOptions {
  /** Default: the timers of Node.js. */
  readonly timers?: Timers;
  /** Default 0. */
  readonly latency?: Latency;
}

const OPTION_NAMES: Readonly<Record<keyof MemoryOptions, true>> = { timers: true, latency: true };

/** One end of a link in memory. */
export interface MemoryLink extends Link {
  /** Breaks the path: bytes in transit are lost, and both sides get `ERR_LINK_RESET`. */
  sever(): void;
}

/** A network in memory. */
export interface MemoryNet extends Net {
  /** The same net for the host `host`: its dials have that source address. The net itself dials from 127.0.0.1. */
  at(host: string): Net;
  /** All open ends: those that neither their owner nor the other side has closed. */
  readonly links: ReadonlySet<MemoryLink>;
}

const LINGER_MS = 2_000;

interface Item {
  readonly bytes: Uint8Array;
  /** Set on the last item of a direction. */
  readonly code?: LinkCode;
  due: boolean;
  timer: unknown;
}

/** One direction of a connection. */
class Pipe {
  #queue: Item[] = [];
  #wake: unknown;
  #congested = false;

  constructor(
    readonly writer: End,
    readonly reader: End,
    readonly timers: Timers,
    readonly delay: () => number,
  ) {}

  /** Number of bytes that wait because the other side does not read. */
  get held(): number {
    return this.reader.reading ? 0 : this.#queue.reduce((sum, item) => sum + item.bytes.length, 0);
  }

  /** Whether bytes have arrived that the reader has not taken. */
  get unread(): boolean {
    return this.#queue.some((item) => item.due && item.bytes.length > 0);
  }

  send(bytes: Uint8Array, code?: LinkCode): void {
    const item: Item = { bytes, due: false, timer: undefined, ...(code && { code }) };
    this.#queue.push(item);
    item.timer = this.timers.setTimeout(() => {
      item.due = true;
      this.#pump();
    }, this.delay());
    this.checkCongestion();
  }

  checkCongestion(): void {
    if (this.held > 0) this.#congested = true;
  }

  /** The reader reads again: delivers what waits, after the running call. */
  wake(): void {
    if (this.#queue.length === 0 && !this.#congested) return;
    this.#wake ??= this.timers.setTimeout(() => {
      this.#wake = undefined;
      this.#pump();
    }, 0);
  }

  /** Discards everything in transit. */
  clear(): void {
    for (const item of this.#queue) this.timers.clearTimeout(item.timer);
    this.timers.clearTimeout(this.#wake);
    this.#queue = [];
    this.#wake = undefined;
  }

  #pump(): void {
    while (this.reader.reading && this.#queue[0]?.due) {
      const item = this.#queue.shift();
      if (item?.code) this.#close(item.code);
      else if (item) this.reader.take(item.bytes);
    }
    if (!this.#congested || !this.reader.reading) return;
    this.#congested = false;
    this.writer.drained();
  }

  #close(code: LinkCode): void {
    this.writer.flushed();
    this.reader.finish(code);
  }
}

class End implements MemoryLink {
  /** Set once, when both ends exist. */
  out!: Pipe;
  in!: Pipe;
  #handler: LinkHandler | undefined;
  #paused = false;
  #resting = false;
  /** The handler is not called any more: it was notified of the end, or the owner closed the link. */
  #over = false;
  /** Both directions have ended. */
  #done = false;
  #linger: unknown;

  constructor(
    readonly local: Endpoint,
    readonly remote: Endpoint,
    readonly timers: Timers,
    readonly onEnd: (end: End) => void,
  ) {}

  get reading(): boolean {
    return this.#over || (this.#handler !== undefined && !this.#paused && !this.#resting);
  }

  get pending(): number {
    return this.#over ? 0 : this.out.held;
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
    this.in.wake();
  }

  write(frames: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(frames);
    if (!this.#over && bytes.length > 0) this.out.send(bytes);
  }

  pause(): void {
    this.#paused = true;
    this.in.checkCongestion();
  }

  resume(): void {
    this.#paused = false;
    this.in.wake();
  }

  rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    this.in.checkCongestion();
    this.timers.setTimeout(() => {
      this.#resting = false;
      this.in.wake();
    }, 0);
  }

  end(): void {
    if (this.#over) return;
    this.#leave();
    this.in.wake();
    this.out.send(new Uint8Array(), 'ERR_LINK_EOF');
    this.#linger = this.timers.setTimeout(() => this.#giveUp(), LINGER_MS);
  }

  destroy(): void {
    const code = this.in.unread ? 'ERR_LINK_RESET' : 'ERR_LINK_EOF';
    const lost = this.out.held > 0;
    this.#drop();
    if (this.#done) return;
    this.#done = true;
    if (lost) this.out.clear();
    if (lost || !this.#over) this.out.send(new Uint8Array(), code);
    this.#leave();
  }

  sever(): void {
    const ends = [this, this.out.reader];
    for (const end of ends) end.#drop();
    for (const end of ends) if (!end.#over) end.in.send(new Uint8Array(), 'ERR_LINK_RESET');
  }

  take(bytes: Uint8Array): void {
    if (!this.#over) this.#handler?.data(bytes);
  }

  drained(): void {
    if (!this.#over) this.#handler?.drained?.();
  }

  /** The other side has received our end. */
  flushed(): void {
    this.timers.clearTimeout(this.#linger);
  }

  finish(code: LinkCode): void {
    this.#done = true;
    if (this.#over) return;
    this.#leave();
    // If the other side is over too, nothing that is in transit to it will be read. Otherwise it must still receive a reset.
    if (this.out.reader.#over) this.out.clear();
    this.#handler?.closed(code);
  }

  #leave(): void {
    this.#over = true;
    this.onEnd(this);
  }

  /** Discards everything from the other side: it will not be read. */
  #drop(): void {
    this.timers.clearTimeout(this.#linger);
    this.in.clear();
    this.in.writer.flushed();
  }

  #giveUp(): void {
    this.out.clear();
    this.out.send(new Uint8Array(), 'ERR_LINK_RESET');
  }
}

/** Options of a single pair of links. */
export interface PairOptions extends MemoryOptions {
  /** The endpoints of the first and of the second end; default ports 1 and 2 of 127.0.0.1. */
  readonly endpoints?: readonly [Endpoint, Endpoint];
}

const PAIR: readonly [Endpoint, Endpoint] = [
  { host: '127.0.0.1', port: 1 },
  { host: '127.0.0.1', port: 2 },
];

function delayOf(latency: Latency = 0, from: Endpoint, to: Endpoint): number {
  return typeof latency === 'number' ? latency : latency(from, to);
}

function connected(options: PairOptions, onEnd: (end: End) => void): [End, End] {
  const { timers = systemTimers, latency, endpoints = PAIR } = options;
  const [one, two] = endpoints;
  const a = new End(one, two, timers, onEnd);
  const b = new End(two, one, timers, onEnd);
  a.out = b.in = new Pipe(a, b, timers, () => delayOf(latency, one, two));
  b.out = a.in = new Pipe(b, a, timers, () => delayOf(latency, two, one));
  return [a, b];
}

/**
 * The two ends of one open connection.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export function linkPair(options: PairOptions = {}): [MemoryLink, MemoryLink] {
  checkOptionNames(options, { ...OPTION_NAMES, endpoints: true } satisfies Record<keyof PairOptions, true>);
  return connected(options, () => undefined);
}

const FIRST_EPHEMERAL = 49_152;
const LAST_PORT = 65_535;

class Hub implements MemoryNet {
  readonly links = new Set<End>();
  readonly #timers: Timers;
  readonly #listeners = new Map<string, (link: Link) => void>();
  readonly #taken = new Set<string>();
  #next = FIRST_EPHEMERAL;

  constructor(readonly options: MemoryOptions) {
    this.#timers = options.timers ?? systemTimers;
  }

  at(host: string): Net {
    return {
      dial: (to, handler) => this.#dial(host, to, handler),
      listen: (at, accepted) => this.listen(at, accepted),
    };
  }

  dial(to: Endpoint, handler: DialHandler): () => void {
    return this.#dial('127.0.0.1', to, handler);
  }

  async listen(at: Endpoint, accepted: (link: Link) => void): Promise<Listener> {
    await Promise.resolve();
    const local = { host: at.host, port: at.port === 0 ? this.#freePort(at.host) : at.port };
    const name = key(local);
    if (this.#listeners.has(name)) throw new VerackError('ERR_LOCAL_ADDRESS', facts('EADDRINUSE', at));
    this.#listeners.set(name, accepted);
    this.#taken.add(name);
    return { local, close: () => this.#unlisten(name, accepted) };
  }

  async #unlisten(name: string, accepted: (link: Link) => void): Promise<void> {
    await Promise.resolve();
    if (this.#listeners.get(name) !== accepted) return;
    this.#listeners.delete(name);
    this.#taken.delete(name);
  }

  #freePort(host: string): number {
    for (let tries = FIRST_EPHEMERAL; tries <= LAST_PORT; tries += 1) {
      const port = this.#next;
      this.#next = port === LAST_PORT ? FIRST_EPHEMERAL : port + 1;
      if (!this.#taken.has(key({ host, port }))) return port;
    }
    throw new VerackError('ERR_LOCAL_ADDRESS', facts('EADDRNOTAVAIL', { host, port: 0 }));
  }

  /** A dial takes one round trip, so the latency is requested for both directions. */
  #dial(host: string, to: Endpoint, handler: DialHandler): () => void {
    const source = { host, port: 0 };
    const { latency } = this.options;
    const roundTrip = delayOf(latency, source, to) + delayOf(latency, to, source);
    const timer = this.#timers.setTimeout(() => this.#open(host, to, handler), roundTrip);
    return () => this.#timers.clearTimeout(timer);
  }

  #open(host: string, to: Endpoint, handler: DialHandler): void {
    const accepted =
      this.#listeners.get(key(to)) ?? this.#listeners.get(key({ ...to, host: anyOf(to.host) }));
    if (!accepted) return handler.failed('ERR_DIAL_REFUSED', facts('ECONNREFUSED', to));
    const from = { host, port: this.#freePort(host) };
    const [near, far] = connected({ ...this.options, endpoints: [from, to] }, (end) =>
      this.#ended(end, near),
    );
    this.#taken.add(key(from));
    this.links.add(near).add(far);
    accepted(far);
    handler.opened(near);
  }

  #ended(end: End, near: End): void {
    this.links.delete(end);
    if (end === near) this.#taken.delete(key(near.local));
  }
}

function key(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}

function facts(syscode: string, at: Endpoint): Facts {
  return { syscode, host: at.host, port: at.port };
}

/** The wildcard address of the same family. */
function anyOf(host: string): string {
  return host.includes(':') ? '::' : '0.0.0.0';
}

/**
 * Creates a net in memory. A listener on `0.0.0.0` or `::` accepts links to every address of its family. Dialling an address
 * without a listener fails with `ERR_DIAL_REFUSED`. Names are not looked up: a host is compared as text.
 *
 *   const clock = new VirtualClock();
 *   const net = memoryNet({ timers: clock, latency: 40 });
 *   const node = createNode({ chain: 'regtest', clock, net: net.at('10.0.0.1') });
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export function memoryNet(options: MemoryOptions = {}): MemoryNet {
  checkOptionNames(options, OPTION_NAMES);
  return new Hub(options);
}
