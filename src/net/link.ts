/**
 * The link contract: an ordered, reliable byte pipe to one peer, and the net that makes links.
 *
 * Everything above this file is the same over TCP, over memory and over a wrapper that misbehaves on purpose.
 * Callbacks, not promises: I/O reaches the machines as events, in the order in which it happened.
 */
import type { DialCode, Facts, LinkCode } from '../reasons.js';

/** One end of a connection. `host` is an IP address in text form (no brackets), `port` 0..65535. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * What a link reports to its owner. Nothing is called after `closed`, nor after the owner called `end` or `destroy`, and nothing
 * from inside a call of the owner's.
 */
export interface LinkHandler {
  /** Bytes as they came; the chunk belongs to the callee only until it returns. */
  data(chunk: Uint8Array): void;
  /**
   * The other side ended it (`ERR_LINK_EOF`) or it broke (`ERR_LINK_RESET`). Called at most once, after all data that came
   * before; a link that does not read learns of it when it reads on. The link closes itself.
   */
  closed(code: LinkCode): void;
  /** What was waiting to be sent has been taken by the system: `pending` was above 0 after a write and is 0 again. */
  drained?(): void;
}

/** A connection that carries bytes in both directions. */
export interface Link {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Bytes handed to `write` that the system has not taken yet. */
  readonly pending: number;
  /** Sets the handler; before that, nothing is read. */
  attach(handler: LinkHandler): void;
  /**
   * Sends the frames in one write. The boundaries are kept as an array for wrappers that work frame by frame. The bytes are
   * handed over: they are not to be changed afterwards. Does nothing once the link has ended, for whatever reason.
   */
  write(frames: readonly Uint8Array[]): void;
  /** Stops (`pause`) and restarts (`resume`) reading, so that a flood waits in the other side's buffers. */
  pause(): void;
  /** Ends a pause. */
  resume(): void;
  /** Stops reading until the others have had a turn of the event loop; a paused link stays paused. */
  rest(): void;
  /** Sends what was written, then closes; after 2 s without progress it destroys the link. Idempotent. */
  end(): void;
  /**
   * Closes at once and forgets what was not sent. Idempotent. The other side sees an end, or a reset when bytes of its were
   * still unread here.
   */
  destroy(): void;
}

/** What a dial answers: one of the two, once. */
export interface DialHandler {
  /** The link is open. */
  opened(link: Link): void;
  /** The link could not be opened. Facts: `syscode`, `host`, `port`. */
  failed(code: DialCode, facts: Facts): void;
}

/** A bound endpoint that accepts links. */
export interface Listener {
  /** The bound endpoint; asking for port 0 gives the port that the system chose. */
  readonly local: Endpoint;
  /** Stops accepting; links already accepted live on. */
  close(): Promise<void>;
}

/** Where links come from: TCP, memory, a proxy. */
export interface Net {
  /**
   * Opens a link. Returns a function that cancels; after it, neither handler is called. Once a handler was called it does
   * nothing: an open link is closed through the link.
   */
  dial(to: Endpoint, handler: DialHandler): () => void;
  /** Milliseconds that a dial of `host` may take where a direct one may take `timeout`; absent: as long. */
  timeoutOf?(host: string, timeout: number): number;
  /**
   * Accepts links at `at`. Rejects with a `VerackError`, `ERR_LOCAL_ADDRESS` (`EADDRINUSE`, `EADDRNOTAVAIL`) or
   * `ERR_LOCAL_LIMIT` (`EACCES`, …), whose facts hold `syscode`, `host` and `port`. `failed`: the system could not accept a connection
   * (`EMFILE`, `ENOBUFS`, …; the same facts); the listener lives on.
   */
  listen(at: Endpoint, accepted: (link: Link) => void, failed?: (facts: Facts) => void): Promise<Listener>;
}
