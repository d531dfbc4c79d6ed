/** When a long-running verb ends, and the peers that `--table` then shows. */
import type { BitcoinNode, PeerInfo } from '../index.js';

/** Resolves after `limit` seconds or when interrupted; without a limit, only when interrupted. */
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

/** The connected peers, then the last state of peers that have ended, at most one for each address. */
export function tableOf(node: BitcoinNode): PeerInfo[] {
  const live = node.peers.list();
  const liveAddresses = new Set(live.map(({ addr }) => addr));
  const ended = new Map(node.peers.recent().map((peer) => [peer.addr, peer]));
  return [...live, ...[...ended.values()].filter(({ addr }) => !liveAddresses.has(addr))];
}
