/**
 * The link contract: a link is an ordered, reliable byte stream to one peer; a net creates links.
 *
 * Code that uses this contract works in the same way over TCP, in memory, and through wrappers that inject faults. It uses
 * callbacks, not promises, so that I/O reaches the machines as events in the order in which it happened.
 */
import type { DialCode, Facts, LinkCode } from '../reasons.js';

/** One end of a connection. `host`: an IP address as text without brackets, or a name for a proxy. `port`: 0 to 65,535. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Receives what happens on a link. No function is called after `closed`, after the owner called `end` or `destroy`, or during
 * a call by the owner.
 */
export interface LinkHandler {
  /** Received bytes. The chunk may be used only until the function returns; copy it to keep it. */
  data(chunk: Uint8Array): void;
  /**
   * The peer closed the link (`ERR_LINK_EOF`), or it broke (`ERR_LINK_RESET`). Called at most once, after all received data; on
   * a paused link, after reading was resumed. The link closes itself.
   */
  closed(code: LinkCode): void;
  /** Everything has been passed to the system: `pending` was above 0 after a write and is 0 again. */
  drained?(): void;
}

/** A connection that transports bytes in both directions. */
export interface Link {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Bytes handed to `write` that the system has not taken yet. */
  readonly pending: number;
  /** Sets the handler; nothing is read before. */
  attach(handler: LinkHandler): void;
  /**
   * Sends the frames in one write. They are an array for wrappers that work on single frames. The caller must not change the
   * bytes afterwards. Has no effect once the link has ended.
   */
  write(frames: readonly Uint8Array[]): void;
  /** Stops reading until {@link resume}: unread bytes then wait in the buffers of the system and of the peer. */
  pause(): void;
  /** Restarts reading after {@link pause}. */
  resume(): void;
  /** Stops reading for one iteration of the event loop, so that other links are read; a paused link stays paused. */
  rest(): void;
  /** Sends what was written, then closes. After 2 s the link is destroyed if the peer has not closed too. Idempotent. */
  end(): void;
  /**
   * Closes at once and discards what was not sent. Idempotent. The peer sees an end, or a reset if some of its bytes were
   * unread here.
   */
  destroy(): void;
}

/** Receives the result of a dial. One of the functions is called, once. */
export interface DialHandler {
  /** The link is open. */
  opened(link: Link): void;
  /** The link could not be opened. Facts: `syscode`, `host`, `port`. */
  failed(code: DialCode, facts: Facts): void;
}

/** A bound endpoint that accepts links. */
export interface Listener {
  /** The bound endpoint; for port 0 with the port that the system chose. */
  readonly local: Endpoint;
  /** Stops accepting; links that were accepted stay open. */
  close(): Promise<void>;
}

/** Creates links: over TCP, in memory, through a proxy. */
export interface Net {
  /**
   * Opens a link. Returns a function that cancels the dial; after that no handler is called. Once a handler was called, the
   * function has no effect: an open link is closed with its own functions.
   */
  dial(to: Endpoint, handler: DialHandler): () => void;
  /** Milliseconds that a dial of `host` may take when a direct dial may take `timeout`. Absent: `timeout`. */
  timeoutOf?(host: string, timeout: number): number;
  /**
   * Accepts links on `at`. Rejects with a `VerackError`, `ERR_LOCAL_ADDRESS` (`EADDRINUSE`, `EADDRNOTAVAIL`) or `ERR_LOCAL_LIMIT`
   * (`EACCES`, …), with the facts `syscode`, `host` and `port`. `failed` is called with the same facts when the system could not
   * accept a connection (`EMFILE`, `ENOBUFS`, …); the listener stays open.
   */
  listen(at: Endpoint, accepted: (link: Link) => void, failed?: (facts: Facts) => void): Promise<Listener>;
}
