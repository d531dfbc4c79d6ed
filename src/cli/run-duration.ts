/** The end of the long-running verbs: when it comes, and what the last table shows. */
import type { BitcoinNode, PeerInfo } from '../index.js';

/** Resolves after so many seconds, or when interrupted; without a limit only then. */
export function passed(limit: number | undefined, interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = limit === undefined ? undefined : setTimeout(resolve, limit * 1_000);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (interrupted.aborted) end();
    interrupted.addEventListener('abort', end, { once: true });
  });
}

/** Live peers, then the last rows of ended ones, one row per address. */
export function tableOf(node: BitcoinNode): PeerInfo[] {
  const live = node.peers.list();
  const liveAddresses = new Set(live.map(({ addr }) => addr));
  const ended = new Map(node.peers.recent().map((peer) => [peer.addr, peer]));
  return [...live, ...[...ended.values()].filter(({ addr }) => !liveAddresses.has(addr))];
}
