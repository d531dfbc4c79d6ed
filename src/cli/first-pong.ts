/**
 * Delays the line about a new peer until its first pong, so that the line can show the ping time. The ping follows verack
 * immediately, so this takes one round trip. A peer that does not answer is reported after {@link MAX_WAIT}.
 */
import type { BitcoinNode, PeerInfo } from '../index.js';

/** Most milliseconds that the line about a peer is delayed. */
export const MAX_WAIT = 1_000;

interface Waiting {
  readonly peer: PeerInfo;
  readonly timer: NodeJS.Timeout;
}

export class FirstPongs {
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly node: BitcoinNode,
    private readonly report: (peer: PeerInfo) => void,
    private readonly maxWait = MAX_WAIT,
  ) {
    node.on('established', (peer) => this.#add(peer));
    node.on('pong', ({ id }) => this.release(id));
  }

  /** Reports a waiting peer now. Called when its connection ends, so that the start is reported before the end. */
  release(id: number): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    this.report(this.node.peers.get(id) ?? waiting.peer);
  }

  #add(peer: PeerInfo): void {
    const timer = setTimeout(() => this.release(peer.id), this.maxWait);
    this.#waiting.set(peer.id, { peer, timer });
  }
}
