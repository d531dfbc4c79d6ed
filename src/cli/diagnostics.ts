/** Prints the events of a node as diagnostics for people on stderr. */
import { formatEndpoint } from '../net/index.js';
import { type BitcoinNode, type NodeEvents, type PeerInfo, REASONS } from '../index.js';
import type { Output } from './output.js';
import { InboundLog } from './inbound-log.js';
import { duration, failureLine, hintFor, isDeparture, isOrderly, plain, readable } from './peer-lines.js';

type Payload<E extends keyof NodeEvents> = NodeEvents[E][0];

/** Prints from now on until the node ends. */
export function printDiagnostics(node: BitcoinNode, out: Output): void {
  const reported = new Map<string, string>();
  node.on('established', ({ addr }) => void reported.delete(addr));
  const inboundLog = new InboundLog(out);
  node.on('ended', (peer) => reportEnd(out, peer, { reported, inboundLog }));
  node.on('refused', ({ addr, reason }) => {
    if (inboundLog.allows('refused', addr)) out.failure(failureLine(addr, reason, out.paintLog));
  });
  node.on('jump', (jump) => reportJump(out, jump));
  if (out.verbose > 0) printDetails(node, out);
}

/** Consecutive failures of an address with the same code are reported once, except with `-v`. */
function reportEnd(
  out: Output,
  peer: PeerInfo,
  { reported, inboundLog }: { reported: Map<string, string>; inboundLog: InboundLog },
): void {
  const { addr, lastreason } = peer;
  if (!lastreason) return;
  if (isOrderly(lastreason.code)) {
    if (out.verbose > 0) out.info(out.paintLog('dim', `peer=${peer.id} ${plain(addr)} closed`));
    return;
  }
  if (peer.inbound && !inboundLog.allows('ended', addr)) return;
  if (isDeparture(peer)) return out.info(`closed ${plain(addr)} — ${REASONS[lastreason.code].says}`);
  if (reported.get(addr) === lastreason.code && out.verbose === 0) return;
  // Each inbound connection has a new port; only addresses that the node dials occur again.
  if (!peer.inbound) reported.set(addr, lastreason.code);
  out.failure(failureLine(addr, lastreason, out.paintLog, hintFor(peer)));
}

function reportJump(out: Output, { ms, clock }: Payload<'jump'>): void {
  const text =
    clock === 'monotonic'
      ? `this program was suspended for ${duration(ms)}; no connection is closed because of it`
      : `the system clock was set ${ms < 0 ? 'back' : 'forward'} by ${duration(Math.abs(ms))}; deadlines do not depend on it`;
  out.info(text);
}

/** `-v` adds every change of state and every dropped message, `-vv` every message. */
function printDetails(node: BitcoinNode, out: Output): void {
  const dim = (text: string): void => out.info(out.paintLog('dim', text));
  node.on('fallback', (peer) => dim(`${name(peer)} does not support v2; dialled again as v1`));
  node.on('redial', ({ addr, delay }) =>
    out.info(`${plain(addr)} will be dialled again in ${duration(delay)}`),
  );
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
