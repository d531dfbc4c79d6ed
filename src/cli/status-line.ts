/** The status line on a terminal: the number of peers in each group of states. */
import type { BitcoinNode, PeerState } from '../index.js';
import type { Output } from './output.js';

/** Milliseconds between two redraws. */
const REDRAW_INTERVAL = 100;

const HANDSHAKING: readonly PeerState[] = ['awaitingVersion', 'versionSent', 'versionReceived'];

/** Updates the status line until the returned function is called. Does nothing without a terminal. */
export function showStatus(node: BitcoinNode, out: Output): () => void {
  if (!out.isLive) return () => undefined;
  let ended = 0;
  node.on('ended', () => void ended++);
  const draw = (): void => out.status(statusLine(node, ended));
  draw();
  const timer = setInterval(draw, REDRAW_INTERVAL);
  return () => {
    clearInterval(timer);
    out.status('');
  };
}

function statusLine(node: BitcoinNode, ended: number): string {
  const states = node.peers.list().map((peer) => peer.state);
  const count = (wanted: readonly PeerState[]): number =>
    states.filter((state) => wanted.includes(state)).length;
  return [
    `${count(['connecting'])} connecting`,
    `${count(HANDSHAKING)} handshaking`,
    `${count(['established'])} established`,
    `${ended} ended`,
    ...(node.redialling > 0 ? [`${node.redialling} to be dialled again`] : []),
  ].join(' · ');
}
