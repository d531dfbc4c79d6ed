/**
 * What must hold for one node, at every step. The watch believes nobody: it counts dials at the net, acceptances and ends, and
 * compares that with what tracker and supervisor say. (It does not subscribe to the tracker: that would cost more than the run.)
 */
import type { BitcoinNode, NodeEvents, PeerInfo } from '../../src/index.js';
import { REASONS } from '../../src/reasons.js';
import type { Resident } from './plan.js';

/** One live connection, as the watch knows it. */
export interface Row {
  readonly inbound: boolean;
  /** `local>remote`, empty until it is established; the other end has it the other way round. */
  path: string;
  twin: string;
  state: string;
  /** What came: nothing, their version, their verack after it. */
  heard: 'nothing' | 'version' | 'verack';
  readonly sent: Set<string>;
}

type Say = (line: string) => void;

/** machines/flights.ts: hello and answer. Everything else has to wait for their verack. */
const BEFORE_VERACK = new Set(['version', 'wtxidrelay', 'sendaddrv2', 'verack', 'getaddr', 'alert']);
const AFTER_VERACK = new Set(['sendcmpct', 'ping', 'pong', 'feefilter']);
const ONCE = new Set(['version', 'verack', 'wtxidrelay', 'sendaddrv2', 'getaddr', 'alert', 'sendcmpct']);

/** The whiteboard: where each state leads. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  connecting: ['awaitingVersion', 'versionSent', 'failed', 'closed'],
  awaitingVersion: ['versionReceived', 'failed', 'closed'],
  versionSent: ['versionReceived', 'failed', 'closed'],
  versionReceived: ['established', 'failed', 'closed'],
  established: ['failed', 'closed'],
};

/** A deadline can be past when it becomes the next one (a very late pong), but a tick must come before this, in seconds. */
const LATE = 2.5;

export class Watch {
  /** Connections that have moved on from `connecting`. */
  readonly rows = new Map<number, Row>();
  readonly reasons = new Map<string, number>();
  established = 0;
  #inbound = 0;
  #outbound = 0;
  readonly #gone = new Set<number>();
  /** Deadlines that were past at the last look. */
  #overdue = new Set<string>();

  constructor(
    readonly node: BitcoinNode,
    readonly resident: Resident,
    readonly say: Say,
    readonly fail: Say,
    readonly forbids?: string,
  ) {
    node.on('transition', (change) => this.#follow(change));
    node.on('established', (peer) => this.#located(peer));
    node.on('ended', (peer) => this.#ended(peer));
    node.on('message', (message) => this.#judge(message));
    node.on('refused', ({ addr, reason }) => this.#reason(reason.code, addr));
  }

  /** The node asked its net for a link: each dial does so once. */
  dialled(): void {
    this.#outbound += 1;
  }

  /** After every timer that reached this node. */
  check(): void {
    const { maxinbound, maxoutbound } = this.resident;
    const { status, context } = this.node.supervisor.getSnapshot();
    const [inbound, outbound] = [this.#inbound, this.#outbound];
    if (inbound > maxinbound || outbound > maxoutbound)
      this.fail(`slots: ${inbound}/${maxinbound} in, ${outbound}/${maxoutbound} out`);
    if (this.node.peers.size !== inbound + outbound)
      this.fail(`tracker: ${this.node.peers.size} rows, live ${inbound} + ${outbound}`);
    if (status === 'active' && (context.inbound !== inbound || context.outbound !== outbound))
      this.fail(`supervisor: ${context.inbound} + ${context.outbound}, live ${inbound} + ${outbound}`);
  }

  /** Every live peer will be judged by a clock, and no judgement that was due at the last look is still due. */
  checkDeadlines(now: number): void {
    const overdue = new Set<string>();
    for (const { id, state, nextdeadline } of this.node.peers.list()) {
      if (!nextdeadline) this.fail(`deadline: none in ${state}`);
      else if (nextdeadline.in < -LATE)
        overdue.add(`${id} ${state} ${nextdeadline.what} ${Math.round(now + nextdeadline.in * 1_000)}`);
    }
    for (const what of overdue) if (this.#overdue.has(what)) this.fail(`deadline: forgotten: ${what}`);
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
    const left = this.node.peers.size + this.rows.size + this.#inbound + this.#outbound;
    if (left > 0) this.fail(`leftover: ${this.node.peers.size} peers, ${this.rows.size} without an end`);
    this.checkStopping();
  }

  #follow({ id, inbound, from, to, at }: NodeEvents['transition'][0]): void {
    this.say(`${at} ${this.resident.host} ${id} ${from} > ${to}`);
    const row = this.rows.get(id) ?? this.#born(id, inbound);
    if (row.state !== from || !EDGES[from]?.includes(to))
      this.fail(`transition: ${row.state}, ${from} > ${to}`);
    if (to === 'established') this.established += 1;
    row.state = to;
  }

  /** An accepted link is open from the start, so that its birth and its first move are one. */
  #born(id: number, inbound: boolean): Row {
    if (this.#gone.has(id)) this.fail(`end: peer ${id} goes on after it`);
    if (inbound) this.#inbound += 1;
    const row: Row = { inbound, state: 'connecting', path: '', twin: '', heard: 'nothing', sent: new Set() };
    this.rows.set(id, row);
    return row;
  }

  #located({ id, addr, addrbind }: PeerInfo): void {
    const row = this.rows.get(id);
    if (row?.state !== 'established') return this.fail(`established: peer ${id} is ${String(row?.state)}`);
    row.path = `${addrbind}>${addr}`;
    row.twin = `${addr}>${addrbind}`;
  }

  #ended({ id, inbound, lastreason }: PeerInfo): void {
    if (this.#gone.has(id)) this.fail(`end: peer ${id} ended twice`);
    this.#gone.add(id);
    this.rows.delete(id);
    if (inbound) this.#inbound -= 1;
    else this.#outbound -= 1;
    if (!lastreason || !(lastreason.code in REASONS)) return this.fail(`end: peer ${id} without a reason`);
    if ('survivable' in REASONS[lastreason.code])
      this.fail(`end: by ${lastreason.code}, which is survivable`);
    this.#reason(lastreason.code, JSON.stringify(lastreason.facts));
  }

  #reason(code: string, about: string): void {
    this.say(`${this.resident.host} ${code} ${about}`);
    this.reasons.set(code, (this.reasons.get(code) ?? 0) + 1);
    if (code === 'ERR_LOCAL_BUG') this.fail(`bug: ${about}`);
  }

  #judge({ id, direction, command, payload, at }: NodeEvents['message'][0]): void {
    this.say(`${at} ${this.resident.host} ${id} ${direction} ${command} ${payload.length}`);
    // A dialler's version leaves on its way out of `connecting`, and is told first.
    const row = this.rows.get(id) ?? this.#born(id, false);
    if (direction === 'received') hear(row, command);
    else this.#judgeSent(row, command);
  }

  #judgeSent(row: Row, command: string): void {
    const allowed = row.heard === 'verack' ? AFTER_VERACK : BEFORE_VERACK;
    if (!allowed.has(command) || command === this.forbids)
      this.fail(`message: ${command} sent, heard ${row.heard}`);
    if (row.inbound && row.heard === 'nothing') this.fail(`message: ${command} sent before their version`);
    if (command !== 'version' && row.heard === 'nothing') this.fail(`message: ${command} sent unasked`);
    if (row.sent.has(command) && ONCE.has(command)) this.fail(`message: ${command} sent twice`);
    row.sent.add(command);
  }
}

/** Only a verack behind a version counts. */
function hear(row: Row, command: string): void {
  if (command === 'version' && row.heard === 'nothing') row.heard = 'version';
  else if (command === 'verack' && row.heard === 'version') row.heard = 'verack';
}
