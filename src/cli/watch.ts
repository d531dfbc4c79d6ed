/** Tells what happens at a node, as lines or as NDJSON, in the order in which it happens. */
import { formatEndpoint } from '../io/endpoint.js';
import { REASONS } from '../reasons.js';
import type { NodeEvents } from '../run/events.js';
import type { BitcoinNode } from '../run/node.js';
import type { PeerInfo } from '../run/tracker.js';
import { hexOf } from '../wire/index.js';
import { Newcomers } from './newcomers.js';
import type { Output } from './output.js';
import { duration, establishedLine, failureLine, plain, readable } from './render.js';

/** Who wants to know, after it was told. */
export interface Watcher {
  established?(peer: PeerInfo): void;
  ended?(peer: PeerInfo): void;
}

type Payload<E extends keyof NodeEvents> = NodeEvents[E][0];

/** Payloads up to this size are shown whole in `-vv --json`. */
const SHOWN = 1_024;

/** Starts to tell; ends with the node. */
export function watch(node: BitcoinNode, out: Output, watcher: Watcher = {}): void {
  const said = new Map<string, string>();
  const newcomers = new Newcomers(node, (peer) => {
    said.delete(peer.addr);
    out.answer(establishedLine(peer, out.paint));
    out.event('established', peer);
    watcher.established?.(peer);
  });
  node.on('ended', (peer) => {
    newcomers.release(peer.id);
    tellEnd(out, peer, said);
    watcher.ended?.(peer);
  });
  node.on('fallback', (peer) => {
    out.event('fallback', peer);
    if (out.verbose > 0) out.talk(out.paintTalk('dim', `${name(peer)} does not know v2; again as v1`));
  });
  node.on('refused', ({ addr, reason }) => {
    out.failure(failureLine(addr, reason, out.paintTalk));
    out.event('refused', { addr, reason });
  });
  node.on('redial', (redial) => tellRedial(out, redial));
  node.on('abandoned', (abandoned) => out.event('abandoned', abandoned));
  node.on('jump', (jump) => tellJump(out, jump));
  if (out.verbose > 0) watchClosely(node, out);
}

/** The same failure of the same address is told once until something else happens, except with `-v`. */
function tellEnd(out: Output, peer: PeerInfo, said: Map<string, string>): void {
  out.event('ended', peer);
  const { addr, lastreason } = peer;
  if (!lastreason) return;
  const isOrderly = lastreason.code === 'ERR_LOCAL_CANCELLED' || REASONS[lastreason.code].family === 'end';
  const isNews = !isOrderly && said.get(addr) !== lastreason.code;
  if (isOrderly && out.verbose > 0)
    out.talk(out.paintTalk('dim', `peer=${peer.id} ${plain(addr)} ended in order`));
  if (isOrderly || (!isNews && out.verbose === 0)) return;
  // Inbound addresses are new each time; only those that we dial come back.
  if (!peer.inbound) said.set(addr, lastreason.code);
  out.failure(failureLine(addr, lastreason, out.paintTalk));
}

function tellRedial(out: Output, { addr, delay, failures, reason }: Payload<'redial'>): void {
  out.event('redial', { addr, delay, failures, reason });
  if (out.verbose > 0) out.talk(`${plain(addr)} again in ${duration(delay)}`);
}

function tellJump(out: Output, { ms, clock }: Payload<'jump'>): void {
  out.event('jump', { ms, clock });
  const text =
    clock === 'monotonic'
      ? `this program did not run for ${duration(ms)}; no peer is ended for that`
      : `the clock was set by ${duration(Math.abs(ms))} ${ms < 0 ? 'back' : 'forward'}; deadlines do not depend on it`;
  out.talk(text);
}

/** `-v`: every change of state, every drop; `-vv`: every message. */
function watchClosely(node: BitcoinNode, out: Output): void {
  const dim = (text: string): void => out.talk(out.paintTalk('dim', text));
  node.on('transition', (move) => {
    out.event('transition', move);
    dim(`${name(move)} ${move.from} → ${move.to}`);
  });
  node.on('dropped', (drop) => {
    out.event('dropped', drop);
    dim(`${name(drop)} dropped ${plain(drop.command)}: ${readable({ code: drop.code })}`);
  });
  node.on('listening', (at) => dim(`listening on ${formatEndpoint(at)}`));
  if (out.verbose < 2) return;
  node.on('message', ({ payload, ...message }) => {
    const size = payload.length;
    out.event('message', { ...message, size, ...(size <= SHOWN && { payload: hexOf(payload) }) });
    const arrow = message.direction === 'sent' ? '>' : '<';
    dim(`${name(message)} ${arrow} ${plain(message.command)} (${size} bytes)`);
  });
}

const name = ({ id, addr }: { id: number; addr: string }): string => `peer=${id} ${plain(addr)}`;
