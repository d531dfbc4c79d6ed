/**
 * Holds a new peer back until its first pong, so that the line about it can show the ping: one round trip, since the
 * ping follows verack at once. A peer that does not answer is told after a moment all the same.
 */
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';

/** Milliseconds that the line about a peer waits for its ping at most. */
export const PATIENCE = 1_000;

interface Waiting {
  readonly peer: PeerInfo;
  readonly timer: NodeJS.Timeout;
}

export class FirstPongs {
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly node: BitcoinNode,
    private readonly tell: (peer: PeerInfo) => void,
    private readonly patience = PATIENCE,
  ) {
    node.on('established', (peer) => this.#add(peer));
    node.on('pong', ({ id }) => this.release(id));
  }

  /** Tells about a peer now if it waits here; called when it ends, so that the beginning is told before the end. */
  release(id: number): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    this.tell(this.node.peers.get(id) ?? waiting.peer);
  }

  #add(peer: PeerInfo): void {
    const timer = setTimeout(() => this.release(peer.id), this.patience);
    this.#waiting.set(peer.id, { peer, timer });
  }
}
