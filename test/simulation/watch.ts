/**
 * What must hold for one node, at every step. The watch believes nobody: it keeps its own list of live connections from the
 * tracker's births and the node's ends, and compares it with what tracker and supervisor say.
 */
import type { BitcoinNode, NodeEvents, PeerInfo } from '../../src/index.js';
import { REASONS } from '../../src/reasons.js';
import type { Resident } from './plan.js';

/** One live connection, as the watch knows it. */
export interface Row {
  readonly id: number;
  readonly inbound: boolean;
  /** `local>remote`, empty until the link is open; the other end has it the other way round. */
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
  readonly rows = new Map<number, Row>();
  readonly reasons = new Map<string, number>();
  established = 0;
  #inbound = 0;
  /** Deadlines that were past at the last look. */
  #overdue = new Set<string>();

  constructor(
    readonly node: BitcoinNode,
    readonly resident: Resident,
    readonly say: Say,
    readonly fail: Say,
    readonly forbids?: string,
  ) {
    node.peers.subscribe(({ type, peer }) => {
      if (type === 'created') this.#born(peer);
      if (type === 'updated') this.#moved(peer);
    });
    node.on('transition', (change) => this.#follow(change));
    node.on('ended', (peer) => this.#ended(peer));
    node.on('message', (message) => this.#judge(message));
    node.on('refused', ({ addr, reason }) => this.#reason(reason.code, addr));
  }

  /** After every timer that reached this node. */
  check(): void {
    const { maxinbound, maxoutbound } = this.resident;
    const { status, context } = this.node.supervisor.getSnapshot();
    const outbound = this.rows.size - this.#inbound;
    if (this.#inbound > maxinbound || outbound > maxoutbound)
      this.fail(`slots: ${this.#inbound}/${maxinbound} in, ${outbound}/${maxoutbound} out`);
    if (this.node.peers.size !== this.rows.size)
      this.fail(`tracker: ${this.node.peers.size} rows, ${this.rows.size} live`);
    if (status === 'active' && (context.inbound !== this.#inbound || context.outbound !== outbound))
      this.fail(`supervisor: ${context.inbound} + ${context.outbound}, live ${this.#inbound} + ${outbound}`);
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
    if (this.node.peers.size + this.rows.size > 0) this.fail(`leftover: ${this.rows.size} peers`);
    this.checkStopping();
  }

  #born({ id, inbound, state }: PeerInfo): void {
    if (this.rows.has(id)) this.fail(`birth: peer ${id} twice`);
    this.rows.set(id, { id, inbound, state, path: '', twin: '', heard: 'nothing', sent: new Set() });
    if (inbound) this.#inbound += 1;
  }

  #moved({ id, addr, addrbind }: PeerInfo): void {
    const row = this.rows.get(id);
    if (!row || addrbind === '') return;
    row.path = `${addrbind}>${addr}`;
    row.twin = `${addr}>${addrbind}`;
  }

  #follow({ id, from, to, at }: NodeEvents['transition'][0]): void {
    this.say(`${at} ${this.resident.host} ${id} ${from} > ${to}`);
    const row = this.rows.get(id);
    if (!row) return this.fail(`transition: of peer ${id}, which does not live`);
    if (row.state !== from || !EDGES[from]?.includes(to))
      this.fail(`transition: ${row.state}, ${from} > ${to}`);
    if (to === 'established') this.established += 1;
    row.state = to;
  }

  #ended({ id, inbound, lastreason }: PeerInfo): void {
    if (!this.rows.delete(id)) this.fail(`end: peer ${id} ended twice`);
    if (inbound) this.#inbound -= 1;
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
    const row = this.rows.get(id);
    if (!row) return this.fail(`message: ${direction} ${command} by peer ${id}, which does not live`);
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
