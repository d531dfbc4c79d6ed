/** The reference node of a capture comparison: a node of verack that receives what the capturing node received, at the same times. */
import {
  type DialHandler,
  type Endpoint,
  type Link,
  type LinkHandler,
  type Net,
  parseEndpoint,
  VirtualClock,
} from '../net/index.js';
import { type BitcoinNode, createNode, type NodeOptions } from '../index.js';
import { decodeMessage, encodeFrame, hexOf } from '../wire/index.js';
import type { CapturedMessage } from './core-capture.js';

/** What is known at the beginning of a connection. */
export interface Opening {
  readonly inbound: boolean;
  /** The peer, as the name of its directory; an address that verack cannot represent is replaced by 127.0.0.1:8333. */
  readonly peer: string;
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** The payload of the `version` that the capturing node sent, if it sent one. */
  readonly version: Uint8Array | undefined;
}

/** Options that do not change its answers. */
export type ReferenceNodeOptions = Pick<NodeOptions, 'inspect' | 'compiled'>;

/** The longest timeout, milliseconds, for deadlines that must never expire. */
const MAX_DELAY = 2 ** 31 - 1;
const TIMEOUTS = {
  connectTimeout: MAX_DELAY,
  handshakeTimeout: MAX_DELAY,
  pongTimeout: MAX_DELAY,
  idleTimeout: MAX_DELAY,
  stallTimeout: MAX_DELAY,
};
const NO_SOURCE_LIMITS = { maxpending: 0, maxpersource: 0, acceptrate: 0 };
const NO_LIMITS = { maxUseless: 0, maxPings: 0 };
/** Milliseconds that the clock advances at most between two messages, so that a false time does not cause years of pings, which are due every 2 minutes. */
const MAX_WAIT = 600_000;
/** Nothing reads the bytes that it writes, so the chain does not matter. */
const CHAIN = 'main';

/** A node on a virtual clock, with one connection whose messages are given to `receive`. */
export class ReferenceNode {
  readonly clock: VirtualClock;
  readonly node: BitcoinNode;
  readonly #opening: Opening;
  readonly #link: Link;
  #handler: LinkHandler | undefined;
  #dialled: DialHandler | undefined;
  #accept: ((link: Link) => void) | undefined;
  #moment: number;
  /** The payload of its last ping, and of the last ping that the capturing node sent. */
  #ping: Uint8Array | undefined;
  #theirPing = '';

  constructor(opening: Opening, options: ReferenceNodeOptions = {}) {
    this.#opening = opening;
    this.#moment = opening.at;
    this.clock = new VirtualClock(opening.at / 1_000);
    const remote = endpointOf(opening.peer);
    this.#link = this.#linkTo(remote);
    this.node = createNode({
      ...options,
      ...announced(opening.version),
      chain: CHAIN,
      ...NO_SOURCE_LIMITS,
      clock: this.clock,
      random: counting(),
      net: this.#net(),
    });
    this.node.on('message', ({ direction, command, payload }) => {
      if (direction === 'sent' && command === 'ping') this.#ping = payload.slice();
    });
  }

  /** Opens the connection. */
  open(): void {
    const at = endpointOf(this.#opening.peer);
    if (this.#opening.inbound) {
      void this.node.listen({ host: '127.0.0.1', port: at.port });
      this.#accept?.(this.#link);
    } else {
      this.node.dial([at]);
      this.#dialled?.opened(this.#link);
    }
  }

  /** Advances the clock to a time in microseconds since 1970-01-01 UTC. */
  wait(until: number): void {
    const ms = Math.max(0, (until - this.#moment) / 1_000);
    this.#moment = Math.max(this.#moment, until);
    this.clock.advance(Math.min(ms, MAX_WAIT));
  }

  /** Notes a ping of the capturing node: the pong that answers it also answers the ping of this node. */
  notePing(payload: Uint8Array): void {
    this.#theirPing = hexOf(payload);
  }

  /** Delivers a message to the node. */
  receive({ command, payload }: CapturedMessage): void {
    const isAnswer = command === 'pong' && this.#ping !== undefined && hexOf(payload) === this.#theirPing;
    const delivered = isAnswer ? this.#ping! : payload;
    const frame = encodeFrame(this.node.chain.magic, command, delivered);
    this.#handler?.data(frame);
  }

  #net(): Net {
    return {
      dial: (_, handler) => {
        this.#dialled = handler;
        return () => (this.#dialled = undefined);
      },
      listen: (local, accepted) => {
        this.#accept = accepted;
        return Promise.resolve({ local, close: () => Promise.resolve() });
      },
    };
  }

  #linkTo(remote: Endpoint): Link {
    const leave = (): void => (this.#handler = undefined);
    const nothing = (): void => undefined;
    return {
      local: { host: '127.0.0.1', port: 0 },
      remote,
      pending: 0,
      attach: (handler) => void (this.#handler = handler),
      write: nothing,
      pause: nothing,
      resume: nothing,
      rest: nothing,
      end: leave,
      destroy: leave,
    };
  }
}

/** What the capturing node announced in its `version`; the defaults where that is missing or invalid. */
function announced(payload: Uint8Array | undefined): Pick<NodeOptions, 'services' | 'rules'> {
  const rules = { ...TIMEOUTS, ...NO_LIMITS };
  const decoded = payload && decodeMessage('version', payload);
  if (!decoded?.ok || decoded.message.command !== 'version') return { rules };
  const { version, services, relay } = decoded.message;
  const isUsable = version > 0 && version <= MAX_VERSION;
  return { services, rules: { ...rules, relay: relay !== false, ...(isUsable && { version }) } };
}

const MAX_VERSION = 2 ** 31 - 1;

const DEFAULT_ENDPOINT: Endpoint = { host: '127.0.0.1', port: 8333 };

/** The endpoint of a directory name: `[__1]_18444` is `[::1]:18444`. */
function endpointOf(peer: string): Endpoint {
  try {
    const { host, port, kind } = parseEndpoint(peer.replaceAll('_', ':'), DEFAULT_ENDPOINT.port);
    return kind === 'name' ? DEFAULT_ENDPOINT : { host, port };
  } catch {
    return DEFAULT_ENDPOINT;
  }
}

/** A source of fixed bytes, so that the result does not depend on random values. */
function counting(): (count: number) => Uint8Array {
  let last = 0;
  return (count) => Uint8Array.from({ length: count }, () => (last = (last % 255) + 1));
}
