/** Prints the events of a node in order: results on stdout, diagnostics or a log on stderr. */
import type { BitcoinNode, PeerInfo, Reason } from '../index.js';
import { hexOf } from '../wire/index.js';
import { failed, logEvents } from './event-log.js';
import { FirstPongs } from './first-pong.js';
import type { Output } from './output.js';
import { establishedLine, failureLine } from './peer-lines.js';
import { printDiagnostics } from './diagnostics.js';

/** Largest payload, in bytes, that `-vv --json` includes as hex. */
const SHOWN = 1_024;

/** Prints until the node ends. `reported` is called after the line about a completed handshake has been written. */
export function printNode(
  node: BitcoinNode,
  out: Output,
  reported: (peer: PeerInfo) => void = () => undefined,
): void {
  const firstPongs = new FirstPongs(node, (peer) => {
    out.answer(establishedLine(peer, out.paint));
    out.event('established', peer);
    reported(peer);
  });
  // The start of a peer is reported before its end.
  node.on('ended', (peer) => firstPongs.release(peer.id));
  if (out.log === 'pretty') printDiagnostics(node, out);
  else logEvents(node, out);
  if (out.json) printEvents(node, out);
}

/** Prints the failure of a target that never connected. */
export function reportFailure(out: Output, addr: string, reason: Reason): void {
  if (out.log === 'pretty') out.failure(failureLine(addr, reason, out.paintLog));
  else out.entry(failed('failed', addr, reason));
  out.event('ended', { addr, lastreason: reason });
}

/** Prints events as NDJSON on stdout; `-v` adds every change of state and every dropped message, `-vv` every message. */
function printEvents(node: BitcoinNode, out: Output): void {
  node.on('ended', (peer) => out.event('ended', peer));
  node.on('fallback', (peer) => out.event('fallback', peer));
  node.on('refused', (refusal) => out.event('refused', refusal));
  node.on('redial', (redial) => out.event('redial', redial));
  node.on('abandoned', (abandoned) => out.event('abandoned', abandoned));
  node.on('jump', (jump) => out.event('jump', jump));
  if (out.verbose === 0) return;
  node.on('transition', (move) => out.event('transition', move));
  node.on('dropped', (drop) => out.event('dropped', drop));
  if (out.verbose < 2) return;
  node.on('message', ({ payload, ...message }) => {
    const size = payload.length;
    out.event('message', { ...message, size, ...(size <= SHOWN && { payload: hexOf(payload) }) });
  });
}
