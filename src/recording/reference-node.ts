/** The reference node of a capture comparison: it receives the messages that the capturing node received, at the same times. */
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

/** The first that is known of a connection. */
export interface Opening {
  readonly inbound: boolean;
  /** The peer as its folder is named; an address that none of ours can have is replaced. */
  readonly peer: string;
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** The payload of the `version` that the other node sent, if it did. */
  readonly version: Uint8Array | undefined;
}

/** What does not change how it answers. */
export type ReferenceNodeOptions = Pick<NodeOptions, 'inspect' | 'compiled'>;

/** The longest that a timer waits, milliseconds: more than any capture lasts between two messages. */
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
/** Only pings fall due by themselves, every 2 minutes; a time that was made up does not keep us busy for years. */
const MAX_WAIT = 600_000;
/** What it writes is not read, so any chain will do. */
const CHAIN = 'main';

export class ReferenceNode {
  readonly clock: VirtualClock;
  readonly node: BitcoinNode;
  readonly #opening: Opening;
  readonly #link: Link;
  #handler: LinkHandler | undefined;
  #dialled: DialHandler | undefined;
  #accept: ((link: Link) => void) | undefined;
  #moment: number;
  /** The pings that wait for an answer: ours, and that of the node whose place it takes. */
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

  /** The connection is there. */
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

  /** It is that late; microseconds since 1970-01-01 UTC. */
  wait(until: number): void {
    const ms = Math.max(0, (until - this.#moment) / 1_000);
    this.#moment = Math.max(this.#moment, until);
    this.clock.advance(Math.min(ms, MAX_WAIT));
  }

  /** The other node pinged: it answers our ping too. */
  notePing(payload: Uint8Array): void {
    this.#theirPing = hexOf(payload);
  }

  /** The message reaches it. */
  receive({ command, payload }: CapturedMessage): void {
    const isAnswer = command === 'pong' && this.#ping !== undefined && hexOf(payload) === this.#theirPing;
    const said = isAnswer ? this.#ping! : payload;
    const frame = encodeFrame(this.node.chain.magic, command, said);
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

/** What the other node announced; our defaults where it announced nothing usable. */
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

/** `[__1]_18444` is `[::1]:18444`. */
function endpointOf(peer: string): Endpoint {
  try {
    const { host, port, kind } = parseEndpoint(peer.replaceAll('_', ':'), DEFAULT_ENDPOINT.port);
    return kind === 'name' ? DEFAULT_ENDPOINT : { host, port };
  } catch {
    return DEFAULT_ENDPOINT;
  }
}

/** Bytes that are the same each time: so that a comparison does not depend on random bytes. */
function counting(): (count: number) => Uint8Array {
  let last = 0;
  return (count) => Uint8Array.from({ length: count }, () => (last = (last % 255) + 1));
}
