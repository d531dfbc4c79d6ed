/** A handle on a dialled connection: wait for it, read it, close it. */
import { VerackError } from '../reasons.js';
import type { PeerInfo } from './peerinfo.js';
import type { PeerTracker } from './tracker.js';

interface Waiter {
  readonly resolve: (peer: PeerInfo) => void;
  readonly reject: (error: VerackError) => void;
}

/** Made by `BitcoinNode.dial`; it goes on with each redial of a persistent dial. */
export class Peer {
  #id = 0;
  #established: PeerInfo | undefined;
  #last: PeerInfo | undefined;
  #forEstablished: Waiter[] = [];
  #forEnd: Waiter[] = [];

  /** @internal Handles come from `BitcoinNode.dial`. */
  constructor(
    readonly addr: string,
    private readonly tracker: PeerTracker,
    private readonly closing: () => void,
  ) {}

  /** The id of its connection; a new one after a fallback from BIP324 to v1, and after each redial. */
  get id(): number {
    return this.#id;
  }

  /** Ends the connection in order, and its redials. */
  close(): void {
    this.closing();
  }

  /** @internal */
  follow(id: number): void {
    this.#id = id;
    this.#established = undefined;
    this.#last = undefined;
  }

  /** What is known now; after the end, what was known last. */
  info(): PeerInfo | undefined {
    return this.#last ?? this.tracker.get(this.id);
  }

  /**
   * Resolves when the handshake is complete. Rejects with a {@link VerackError} that carries the reason when the
   * connection ends before (a feeler always does, with `END_DONE`).
   */
  established(): Promise<PeerInfo> {
    if (this.#established) return Promise.resolve(this.#established);
    if (this.#last) return Promise.reject(errorOf(this.#last));
    return new Promise((resolve, reject) => this.#forEstablished.push({ resolve, reject }));
  }

  /** Resolves when the connection is over; `lastreason` says why. Never rejects. */
  ended(): Promise<PeerInfo> {
    if (this.#last) return Promise.resolve(this.#last);
    return new Promise((resolve, reject) => this.#forEnd.push({ resolve, reject }));
  }

  /** @internal */
  tellEstablished(peer: PeerInfo): void {
    this.#established = peer;
    for (const { resolve } of this.#forEstablished.splice(0)) resolve(peer);
  }

  /** @internal */
  tellEnded(peer: PeerInfo): void {
    this.#last = peer;
    for (const { reject } of this.#forEstablished.splice(0)) reject(errorOf(peer));
    for (const { resolve } of this.#forEnd.splice(0)) resolve(peer);
  }
}

const errorOf = ({ addr, lastreason }: PeerInfo): VerackError =>
  new VerackError(lastreason?.code ?? 'ERR_LOCAL_BUG', { addr, ...lastreason?.facts });
