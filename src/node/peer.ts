/** The handle that `dial` returns: wait for the connection, read its state, close it. */
import { type Reason, VerackError } from '../reasons.js';
import type { PeerInfo } from './peerinfo.js';
import type { EndedPeer, PeerTracker } from './tracker.js';

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: VerackError) => void;
}

/** The handle of a dialled target, returned by `BitcoinNode.dial`. It stays valid through every redial of a persistent dial. */
export class Peer {
  #id = 0;
  #isEstablished = false;
  /** The connection, once it has ended. */
  #ended: EndedPeer | undefined;
  #last: PeerInfo | undefined;
  #reason: Reason | undefined;
  /** Nothing more will be dialled. */
  #isOver = false;
  #forEstablished: Waiter<PeerInfo>[] = [];
  #forEnd: Waiter<PeerInfo>[] = [];
  #forClosed: ((reason: Reason) => void)[] = [];

  /** @internal Handles come from `BitcoinNode.dial`. */
  constructor(
    readonly addr: string,
    private readonly tracker: PeerTracker,
    private readonly closing: (peer: Peer) => void,
  ) {}

  /** The id of the current connection; it changes after a fallback from BIP324 to v1, and with each redial. 0 before the first. */
  get id(): number {
    return this.#id;
  }

  /** Closes the connection after sending what waits to be sent, and stops redialling. */
  close(): void {
    this.closing(this);
  }

  /** A snapshot of the connection; after its end the last one. Undefined when there was no connection yet. */
  info(): PeerInfo | undefined {
    return this.#last ?? this.#ended?.info ?? this.tracker.get(this.id);
  }

  /**
   * Resolves when a handshake is complete, at once where one is; for a persistent dial that may be the handshake of a later
   * round. Rejects with a {@link VerackError} when nothing more will be dialled: every address has failed (a feeler ends with
   * `END_DONE`), the dial was refused (`ERR_POLICY_DUPLICATE`, `ERR_POLICY_FULL`), or it was closed or the node has stopped
   * (`ERR_LOCAL_CANCELLED`).
   */
  established(): Promise<PeerInfo> {
    const info = this.#isEstablished ? this.info() : undefined;
    if (info) return Promise.resolve(info);
    if (this.#isOver) return Promise.reject(this.#error());
    return new Promise((resolve, reject) => this.#forEstablished.push({ resolve, reject }));
  }

  /**
   * Resolves when the connection has ended, or every address of the target has failed; `lastreason` says why. A persistent
   * dial may connect again afterwards. Rejects with a {@link VerackError} when there was no connection at all: the dial was
   * refused, or the name has no address.
   */
  ended(): Promise<PeerInfo> {
    if (this.#last) return Promise.resolve(this.#last);
    if (this.#isOver) return Promise.reject(this.#error());
    return new Promise((resolve, reject) => this.#forEnd.push({ resolve, reject }));
  }

  /** Resolves with the reason of the last end when nothing more will be dialled. Never rejects. */
  closed(): Promise<Reason> {
    if (this.#isOver) return Promise.resolve(this.#finalReason);
    return new Promise((resolve) => this.#forClosed.push(resolve));
  }

  /** @internal A connection was created. */
  follow(id: number): void {
    this.#id = id;
    this.#isEstablished = false;
    this.#ended = undefined;
    this.#last = undefined;
  }

  /** @internal */
  onEstablished(): void {
    this.#isEstablished = true;
    const peer = this.#forEstablished.length > 0 ? this.info() : undefined;
    if (peer) for (const { resolve } of this.#forEstablished.splice(0)) resolve(peer);
  }

  /** @internal */
  onDisconnected(ended: EndedPeer): void {
    this.#ended = ended;
  }

  /** @internal `last`: the connection that ended; `isOver`: nothing more will be dialled. */
  onEnded(last: PeerInfo | undefined, reason: Reason, isOver: boolean): void {
    this.#last = last;
    this.#reason = last?.lastreason ?? reason;
    this.#isOver = isOver;
    if (last) for (const { resolve } of this.#forEnd.splice(0)) resolve(last);
    if (!isOver) return;
    for (const { reject } of this.#forEstablished.splice(0)) reject(this.#error());
    for (const { reject } of this.#forEnd.splice(0)) reject(this.#error());
    for (const resolve of this.#forClosed.splice(0)) resolve(this.#finalReason);
  }

  get #finalReason(): Reason {
    return this.#reason ?? { code: 'ERR_LOCAL_BUG', facts: {} };
  }

  #error(): VerackError {
    const { code, facts } = this.#finalReason;
    return new VerackError(code, { addr: this.#last?.addr ?? this.addr, ...facts });
  }
}
