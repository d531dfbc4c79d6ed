/** What happens at a node, told to people on stderr. */
import { formatEndpoint } from '../net/endpoint.js';
import { REASONS } from '../reasons.js';
import type { NodeEvents } from '../node/events.js';
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';
import type { Output } from './output.js';
import { duration, failureLine, plain, readable } from './peer-lines.js';

type Payload<E extends keyof NodeEvents> = NodeEvents[E][0];

/** Starts to tell; ends with the node. */
export function diagnosticsOf(node: BitcoinNode, out: Output): void {
  const said = new Map<string, string>();
  node.on('established', ({ addr }) => void said.delete(addr));
  node.on('ended', (peer) => tellEnd(out, peer, said));
  node.on('refused', ({ addr, reason }) => out.failure(failureLine(addr, reason, out.paintLog)));
  node.on('jump', (jump) => tellJump(out, jump));
  if (out.verbose > 0) talkClosely(node, out);
}

/** The same failure of the same address is told once until something else happens, except with `-v`. */
function tellEnd(out: Output, peer: PeerInfo, said: Map<string, string>): void {
  const { addr, lastreason } = peer;
  if (!lastreason) return;
  const isOrderly = lastreason.code === 'ERR_LOCAL_CANCELLED' || REASONS[lastreason.code].family === 'end';
  const isNews = !isOrderly && said.get(addr) !== lastreason.code;
  if (isOrderly && out.verbose > 0)
    out.info(out.paintLog('dim', `peer=${peer.id} ${plain(addr)} ended in order`));
  if (isOrderly || (!isNews && out.verbose === 0)) return;
  // Inbound addresses are new each time; only those that we dial come back.
  if (!peer.inbound) said.set(addr, lastreason.code);
  out.failure(failureLine(addr, lastreason, out.paintLog));
}

function tellJump(out: Output, { ms, clock }: Payload<'jump'>): void {
  const text =
    clock === 'monotonic'
      ? `this program did not run for ${duration(ms)}; no peer is ended for that`
      : `the clock was set by ${duration(Math.abs(ms))} ${ms < 0 ? 'back' : 'forward'}; deadlines do not depend on it`;
  out.info(text);
}

/** `-v`: every change of state, every drop; `-vv`: every message. */
function talkClosely(node: BitcoinNode, out: Output): void {
  const dim = (text: string): void => out.info(out.paintLog('dim', text));
  node.on('fallback', (peer) => dim(`${name(peer)} does not know v2; again as v1`));
  node.on('redial', ({ addr, delay }) => out.info(`${plain(addr)} again in ${duration(delay)}`));
  node.on('transition', (move) => dim(`${name(move)} ${move.from} → ${move.to}`));
  node.on('dropped', (drop) =>
    dim(`${name(drop)} dropped ${plain(drop.command)}: ${readable({ code: drop.code })}`),
  );
  node.on('listening', (at) => dim(`listening on ${formatEndpoint(at)}`));
  if (out.verbose < 2) return;
  node.on('message', ({ payload, ...message }) => {
    const arrow = message.direction === 'sent' ? '>' : '<';
    dim(`${name(message)} ${arrow} ${plain(message.command)} (${payload.length} bytes)`);
  });
}

const name = ({ id, addr }: { id: number; addr: string }): string => `peer=${id} ${plain(addr)}`;
