/**
 * The invariants of one node, checked at every step. The monitor counts dials, accepted links and ends at the net itself, and
 * compares these counts with tracker and supervisor. It does not subscribe to the tracker, which would cost more than the run.
 */
import type { BitcoinNode, NodeEvents, Peer, PeerInfo } from '../../src/index.js';
import { REASONS, type VerackError } from '../../src/reasons.js';
import { V2_FAULTS } from '../../src/connection/v2-faults.js';
import type { NodePlan } from './plan.js';

/** One live connection, as observed. */
export interface Row {
  readonly inbound: boolean;
  /** `local>remote`, empty until it is established; the other end has it the other way round. */
  path: string;
  twin: string;
  state: string;
  /** The last handshake message received: none, their version, their verack after it. */
  received: 'nothing' | 'version' | 'verack';
  readonly sent: Set<string>;
}

type Log = (line: string) => void;

/** Where a monitor reports. */
export interface MonitorOutput {
  readonly log: Log;
  readonly fail: Log;
  /** A connection is established, or over. */
  readonly reported: (info: PeerInfo) => void;
  /** A command that no node may send before verack. */
  readonly forbiddenCommand?: string | undefined;
  /** The only transport that is allowed. */
  readonly onlyTransport?: string | undefined;
  /** No node may fall back to v1. */
  readonly forbidsFallback?: boolean | undefined;
}

/** machines/message-sequences.ts: the messages before their verack. */
const BEFORE_VERACK = new Set(['version', 'wtxidrelay', 'sendaddrv2', 'verack', 'getaddr', 'alert']);
const AFTER_VERACK = new Set(['sendcmpct', 'ping', 'pong', 'feefilter']);
const ONCE = new Set(['version', 'verack', 'wtxidrelay', 'sendaddrv2', 'getaddr', 'alert', 'sendcmpct']);

/** The allowed transitions of a peer. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  connecting: ['awaitingVersion', 'versionSent', 'failed', 'closed'],
  awaitingVersion: ['versionReceived', 'failed', 'closed'],
  versionSent: ['versionReceived', 'failed', 'closed'],
  versionReceived: ['established', 'failed', 'closed'],
  established: ['failed', 'closed'],
};

/** A deadline can be past when it becomes the next one (a very late pong), but a tick must come before this, in seconds. */
const LATE = 2.5;

export class NodeMonitor {
  /** Connections that have moved on from `connecting`. */
  readonly rows = new Map<number, Row>();
  readonly reasons = new Map<string, number>();
  established = 0;
  /** Of these, over v2. */
  encrypted = 0;
  fallbacks = 0;
  #inbound = 0;
  #outbound = 0;
  readonly #endedIds = new Set<number>();
  /** Second connections: v1, after a failed v2 attempt. */
  readonly #second = new Set<number>();
  /** Fallbacks whose v1 connection was not checked yet. */
  readonly #pendingFallbacks: [id: number, addr: string][] = [];
  /** Handles of `dial` that have not ended, by the id of their connection. */
  readonly #handles = new Map<number, Peer>();
  /** Deadlines that were past at the last check. */
  #overdue = new Set<string>();

  constructor(
    readonly node: BitcoinNode,
    readonly nodePlan: NodePlan,
    readonly output: MonitorOutput,
  ) {
    node.on('transition', (change) => this.#follow(change));
    node.on('established', (peer) => this.#located(peer));
    node.on('ended', (peer) => this.#ended(peer));
    node.on('fallback', (peer) => this.#fellBack(peer));
    node.on('message', (message) => this.#checkMessage(message));
    node.on('refused', ({ addr, reason }) => this.#refused(reason.code, addr));
  }

  log(line: string): void {
    this.output.log(line);
  }

  fail(what: string): void {
    this.output.fail(what);
  }

  /** The node asked its net for a link: each dial does so once. */
  dialled(): void {
    this.#outbound += 1;
  }

  /** The node accepted a link: it refuses it in the same call, or a peer ends later. */
  accepted(): void {
    this.#inbound += 1;
  }

  /** A handle ends once, whatever number of connections it stood for. */
  holds(peer: Peer): void {
    const refused = ({ code }: VerackError): void => this.log(`${this.nodePlan.host} ${code}`);
    // No connection yet: the slot was refused, and a persistent dial waits for its next round.
    if (peer.id === 0) return void peer.ended().catch(refused);
    this.#handles.set(peer.id, peer);
    peer.ended().then(({ id }) => {
      if (!this.#handles.delete(id)) this.fail(`end: the handle of peer ${id} stands for ${peer.id}`);
    }, refused);
  }

  /** After every timer that reached this node. */
  check(): void {
    for (const [id, addr] of this.#pendingFallbacks.splice(0))
      this.#follows(
        id,
        addr,
        this.node.peers.list().find((peer) => peer.id > id && peer.addr === addr),
      );
    const { maxinbound, maxoutbound } = this.nodePlan;
    const { status, context } = this.node.supervisor.getSnapshot();
    const [inbound, outbound] = [this.#inbound, this.#outbound];
    if (inbound > maxinbound || outbound > maxoutbound)
      this.fail(`slots: ${inbound}/${maxinbound} in, ${outbound}/${maxoutbound} out`);
    if (this.node.peers.size !== inbound + outbound)
      this.fail(`tracker: ${this.node.peers.size} rows, live ${inbound} + ${outbound}`);
    if (status === 'active' && (context.inbound !== inbound || context.outbound !== outbound))
      this.fail(`supervisor: ${context.inbound} + ${context.outbound}, live ${inbound} + ${outbound}`);
  }

  /** Every live peer has a deadline, and no deadline that was past at the last check is still the next one. */
  checkDeadlines(now: number): void {
    const overdue = new Set<string>();
    for (const peer of this.node.peers.list()) {
      const { id, state, nextdeadline: due } = peer;
      if (!due) this.fail(`deadline: none in ${state}`);
      else if (due.in < -LATE) overdue.add(`${id} ${state} ${due.what} ${Math.round(now + due.in * 1_000)}`);
    }
    for (const what of overdue) if (this.#overdue.has(what)) this.fail(`deadline: missed: ${what}`);
    this.#overdue = overdue;
  }

  /** Right after the node was told to stop: nothing new begins. */
  checkStopping(): void {
    if (this.node.redialling > 0) this.fail(`leftover: ${this.node.redialling} redials`);
  }

  /** After the node has stopped. */
  checkGone(): void {
    const { status } = this.node.supervisor.getSnapshot();
    if (status !== 'done') this.fail(`leftover: the supervisor is ${status}`);
    const { size } = this.node.peers;
    const left = size + this.rows.size + this.#inbound + this.#outbound + this.#handles.size;
    if (left > 0) this.fail(`leftover: ${size} peers, ${this.rows.size} without an end, ${left} in all`);
    this.checkStopping();
  }

  #follow({ id, inbound, from, to, at }: NodeEvents['transition'][0]): void {
    this.log(`${at} ${this.nodePlan.host} ${id} ${from} > ${to}`);
    const row = this.rows.get(id) ?? this.#addRow(id, inbound);
    if (row.state !== from || !EDGES[from]?.includes(to))
      this.fail(`transition: ${row.state}, ${from} > ${to}`);
    if (to === 'established') this.established += 1;
    row.state = to;
  }

  /** An accepted link is open from the start: its creation and its first transition are one step. */
  #addRow(id: number, inbound: boolean): Row {
    if (this.#endedIds.has(id)) this.fail(`end: peer ${id} is active after its end`);
    const row: Row = {
      inbound,
      state: 'connecting',
      path: '',
      twin: '',
      received: 'nothing',
      sent: new Set(),
    };
    this.rows.set(id, row);
    return row;
  }

  #located(info: PeerInfo): void {
    const { id, addr, addrbind } = info;
    this.output.reported(info);
    this.#checkTransport(info);
    const row = this.rows.get(id);
    if (row?.state !== 'established') return this.fail(`established: peer ${id} is ${String(row?.state)}`);
    row.path = `${addrbind}>${addr}`;
    row.twin = `${addr}>${addrbind}`;
  }

  /** A node uses only transports that it supports and allows, and no faulty key exchange succeeds. */
  #checkTransport({ id, transport_protocol_type: type }: PeerInfo): void {
    const { v2transport, v2only, v2fault } = this.nodePlan;
    if (type === 'v2') this.encrypted += 1;
    const isAllowed = type === 'v2' ? v2transport : type === 'v1' && !v2only;
    const isFaulty = type === 'v2' && v2fault !== undefined && V2_FAULTS[v2fault].expect !== 'established';
    if (!isAllowed || isFaulty || (this.output.onlyTransport ?? type) !== type)
      this.fail(`transport: peer ${id} uses ${type}, ${JSON.stringify(this.nodePlan)}`);
  }

  /** The handle continues with a v1 connection to the same address, which does not fall back again. */
  #fellBack(last: PeerInfo): void {
    const { id, addr, transport_protocol_type: type, version } = last;
    this.log(`${this.nodePlan.host} ${id} falls back`);
    this.fallbacks += 1;
    this.#over(last);
    const { v2transport, v2only } = this.nodePlan;
    if (!v2transport || v2only || this.#second.has(id) || this.output.forbidsFallback)
      this.fail(`fallback: of peer ${id}, ${JSON.stringify(this.nodePlan)}`);
    if (type !== 'detecting' || version > 0) this.fail(`fallback: peer ${id} was received, over ${type}`);
    this.#pendingFallbacks.push([id, addr]);
  }

  #follows(id: number, addr: string, second: PeerInfo | undefined): void {
    const handle = this.#handles.get(id);
    this.#handles.delete(id);
    if (second?.addr !== addr || second.transport_protocol_type !== 'v1')
      return this.fail(`fallback: no v1 connection follows peer ${id}`);
    this.#second.add(second.id);
    if (handle) this.#handles.set(second.id, handle);
    if ((handle?.id ?? second.id) !== second.id) this.fail(`fallback: the handle stays with peer ${id}`);
  }

  /** A connection has ended; its target may dial again. */
  #over({ id, inbound }: PeerInfo): void {
    if (this.#endedIds.has(id)) this.fail(`end: peer ${id} ended twice`);
    this.#endedIds.add(id);
    this.rows.delete(id);
    if (inbound) this.#inbound -= 1;
    else this.#outbound -= 1;
  }

  #ended(last: PeerInfo): void {
    const { id, lastreason } = last;
    this.#over(last);
    this.output.reported(last);
    if (!lastreason || !(lastreason.code in REASONS)) return this.fail(`end: peer ${id} without a reason`);
    if ('survivable' in REASONS[lastreason.code])
      this.fail(`end: by ${lastreason.code}, which is survivable`);
    this.#reason(lastreason.code, JSON.stringify(lastreason.facts));
  }

  #refused(code: string, addr: string): void {
    this.#inbound -= 1;
    this.#reason(code, addr);
  }

  #reason(code: string, about: string): void {
    this.log(`${this.nodePlan.host} ${code} ${about}`);
    this.reasons.set(code, (this.reasons.get(code) ?? 0) + 1);
    if (code === 'ERR_LOCAL_BUG') this.fail(`bug: ${about}`);
  }

  #checkMessage({ id, direction, command, payload, at }: NodeEvents['message'][0]): void {
    this.log(`${at} ${this.nodePlan.host} ${id} ${direction} ${command} ${payload.length}`);
    // A dialler's version is sent during the transition from `connecting`, and is reported before it.
    const row = this.rows.get(id) ?? this.#addRow(id, false);
    if (direction === 'received') recordReceived(row, command);
    else this.#checkSent(row, command);
  }

  #checkSent(row: Row, command: string): void {
    const allowed = row.received === 'verack' ? AFTER_VERACK : BEFORE_VERACK;
    if (!allowed.has(command) || command === this.output.forbiddenCommand)
      this.fail(`message: ${command} sent, received ${row.received}`);
    if (row.inbound && row.received === 'nothing') this.fail(`message: ${command} sent before their version`);
    if (command !== 'version' && row.received === 'nothing')
      this.fail(`message: ${command} sent before their version`);
    if (row.sent.has(command) && ONCE.has(command)) this.fail(`message: ${command} sent twice`);
    row.sent.add(command);
  }
}

/** Only a verack behind a version counts. */
function recordReceived(row: Row, command: string): void {
  if (command === 'version' && row.received === 'nothing') row.received = 'version';
  else if (command === 'verack' && row.received === 'version') row.received = 'verack';
}
