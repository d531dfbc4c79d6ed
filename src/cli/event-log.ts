/**
 * Writes the events of a node as log entries, for `--log json` and `--log core`. The sentences for `core` follow those of
 * Bitcoin Core with `-debug=net -logips` (net.cpp, net_processing.cpp). Facts that a handshake does not provide are
 * omitted (`us=`); events that Core does not log have sentences of this project.
 */
import { formatEndpoint } from '../net/index.js';
import {
  type BitcoinNode,
  type NodeEvents,
  type PeerInfo,
  type Reason,
  type ReasonCode,
  REASONS,
} from '../index.js';
import type { Entry } from './log-formats.js';
import type { Output } from './output.js';
import { InboundLog } from './inbound-log.js';
import { isDeparture, isOrderly, plain, readable } from './peer-lines.js';

type Payload<E extends keyof NodeEvents> = NodeEvents[E][0];

/** Logs until the node ends. `-v` adds every change of state and every dropped message, `-vv` every message. */
export function logEvents(node: BitcoinNode, out: Output): void {
  const log = (entry: Entry): void => out.entry(entry);
  const inboundLog = new InboundLog(out);
  const logOf = ({ inbound, addr }: { inbound: boolean; addr: string }, entry: Entry): void => {
    if (!inbound || inboundLog.allows(entry.event, addr)) log(entry);
  };
  node.on('listening', (at) => log(listening(formatEndpoint(at))));
  node.on('transition', (move) => logTransition(move, node.peers.get(move.id), out, inboundLog));
  node.on('established', (peer) => logOf(peer, established(peer)));
  node.on('ended', (peer) => logOf(peer, ended(peer)));
  node.on('fallback', (peer) => log(fallback(peer)));
  node.on('refused', ({ addr, reason }) => logOf({ inbound: true, addr }, refused(addr, reason)));
  node.on('redial', (redial) => log({ level: 'info', event: 'redial', facts: redialFacts(redial) }));
  node.on('abandoned', ({ addr, reason }) => log(failed('abandoned', addr, reason)));
  node.on('jump', (jump) => log(jumped(jump)));
  if (out.verbose > 0) node.on('dropped', (drop) => log(dropped(drop)));
  if (out.verbose > 1) node.on('message', (message) => log(transferred(message)));
}

/** A target that failed before there was a connection. */
export const failed = (event: 'failed' | 'abandoned', addr: string, reason: Reason): Entry => ({
  level: 'warn',
  event,
  facts: { addr, ...factsOf(reason) },
  core: `[net] connection to ${plain(addr)} failed: ${sentenceOf(reason)}`,
});

const factsOf = (reason: Reason | undefined) => reason && { reason: reason.code, facts: reason.facts };

/** The sentence of the reason, its code and its facts. */
function sentenceOf({ code, facts }: Reason): string {
  const list = readable(facts);
  return `${REASONS[code].says} (${code}${list === '' ? '' : ` ${list}`})`;
}

const tail = ({ id, addr }: { id: number; addr: string }): string => `peer=${id}, peeraddr=${plain(addr)}`;

const listening = (addr: string): Entry => ({
  level: 'info',
  event: 'listening',
  facts: { addr },
  core: `Bound to ${addr}`,
});

/** Core logs three of the changes of state; `-v` logs all of them, in both forms. */
function logTransition(
  move: Payload<'transition'>,
  peer: PeerInfo | undefined,
  out: Output,
  inboundLog: InboundLog,
): void {
  const { id, addr, inbound, from, to } = move;
  const entry = { event: 'transition', facts: { id, addr, inbound, from, state: to } };
  const change = `[net] ${from} -> ${to}, ${tail(move)}`;
  if (out.verbose > 0) out.entry({ ...entry, level: 'debug', core: change });
  if (!peer || out.log !== 'core' || milestoneOf(peer, to) === undefined) return;
  if (!inbound || inboundLog.allows(to, addr))
    out.entry({ ...entry, level: 'info', core: milestoneOf(peer, to) });
}

function milestoneOf(peer: PeerInfo, to: PeerInfo['state']): string | undefined {
  if (to === 'versionSent') return `[net] Added connection ${tail(peer)}`;
  if (to === 'awaitingVersion') return `[net] connection from ${plain(peer.addr)} accepted, peer=${peer.id}`;
  if (to !== 'versionReceived') return undefined;
  const { subver, version, startingheight, relaytxes } = peer;
  return `[net] receive version message: ${plain(subver)}: version ${version}, blocks=${startingheight}, txrelay=${Number(relaytxes)}, ${tail(peer)}`;
}

/** The facts that every entry about a peer has. */
const peerFacts = ({ id, addr, inbound, connection_type, network, state, ...peer }: PeerInfo) => ({
  id,
  addr,
  inbound,
  connection_type,
  network,
  transport: peer.transport_protocol_type,
  state,
  ...(peer.version > 0 && { version: peer.version, subver: peer.subver, services: peer.services }),
});

function established(peer: PeerInfo): Entry {
  const { connection_type, transport_protocol_type: transport, version, startingheight } = peer;
  const sentence = `New ${connection_type} ${transport} peer connected: version: ${version}, blocks=${startingheight}, ${tail(peer)}`;
  return {
    level: 'info',
    event: 'established',
    facts: { ...peerFacts(peer), startingheight, negotiated: peer.negotiated, phases: peer.phases },
    // Core logs this for outbound connections; for inbound ones only with -debug=net.
    core: peer.inbound ? `[net] ${sentence}` : sentence,
  };
}

/** How Core's sentence about the end of a connection begins, for these codes. */
const PREFIXES: Partial<Record<ReasonCode, string>> = {
  ERR_LINK_EOF: 'socket closed',
  ERR_TIME_HANDSHAKE: 'version handshake timeout',
  ERR_TIME_PONG: 'ping timeout',
  ERR_PROTO_SELF: 'connected to self',
};

function ended(peer: PeerInfo): Entry {
  const { lastreason: reason, bytessent, bytesrecv } = peer;
  const isExpected = reason === undefined || isOrderly(reason.code) || isDeparture(peer);
  const isDial = peer.phases.connect === undefined && reason !== undefined;
  return {
    level: isExpected ? 'info' : 'warn',
    event: 'ended',
    facts: { ...peerFacts(peer), ...factsOf(reason), bytessent, bytesrecv },
    core: isDial ? failed('failed', peer.addr, reason).core : disconnecting(peer, reason),
  };
}

function disconnecting(peer: PeerInfo, reason: Reason | undefined): string {
  const prefix = reason && PREFIXES[reason.code];
  const why = reason ? `: ${sentenceOf(reason)}` : '';
  return `[net] ${prefix === undefined ? '' : `${prefix}, `}disconnecting ${tail(peer)}${why}`;
}

const fallback = (peer: PeerInfo): Entry => ({
  level: 'info',
  event: 'fallback',
  facts: { ...peerFacts(peer), ...factsOf(peer.lastreason) },
  core: `[net] retrying with v1 transport protocol for ${tail(peer)}`,
});

const refused = (addr: string, reason: Reason): Entry => ({
  level: 'warn',
  event: 'refused',
  facts: { addr, ...factsOf(reason) },
  core: `[net] connection from ${plain(addr)} dropped: ${sentenceOf(reason)}`,
});

const redialFacts = ({ addr, delay, failures, reason }: Payload<'redial'>) => ({
  addr,
  delay,
  failures,
  ...factsOf(reason),
});

const dropped = ({ id, addr, code, command }: Payload<'dropped'>): Entry => ({
  level: 'debug',
  event: 'dropped',
  facts: { id, addr, command, reason: code },
  core: `[net] dropped message ${plain(command)}, ${tail({ id, addr })}: ${sentenceOf({ code, facts: {} })}`,
});

function transferred({ id, addr, direction, command, payload: { length } }: Payload<'message'>): Entry {
  const verb = direction === 'sent' ? 'sending' : 'received:';
  return {
    level: 'debug',
    event: 'message',
    facts: { id, addr, direction, command, size: length },
    core: `[net] ${verb} ${plain(command)} (${length} bytes) peer=${id}`,
  };
}

const jumped = ({ ms, clock }: Payload<'jump'>): Entry => ({
  level: 'warn',
  event: 'jump',
  facts: { ms, clock },
  core: `${clock} clock jumped by ${Math.round(ms)} ms; no connection is closed because of it`,
});
