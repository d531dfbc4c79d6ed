/**
 * Makes contacts with a node in this process.
 *
 * A contact ends when the peer has advertised addresses other than its own and has answered a ping after them, when it has sent
 * no addresses in time ({@link ReplyDelays}), or when the connection ends. The replies, bytes and time of a contact are limited.
 */
import {
  type BitcoinNode,
  type Clock,
  createNode,
  type NodeOptions,
  type PeerInfo,
  type Reason,
  systemClock,
  VerackError,
} from '../index.js';
import type { ContactJob, ContactReport, Contacts } from './contact.js';
import { type ContactDone, OpenContact } from './open-contact.js';
import { ReplyDelays } from './reply-delays.js';

export interface NodeContactsOptions extends NodeOptions {
  /** Most open contacts. */
  readonly parallel: number;
  /** Longest wait for addresses after the handshake, milliseconds. */
  readonly replyTimeout: number;
  /** Time limit of a contact, from the first dial on, milliseconds. */
  readonly contactTimeout: number;
  /** Name of the place from which contacts are made. */
  readonly vantage: string;
}

/** Limits of the silence after addresses that ends a contact whose ping was answered before them, milliseconds. */
const [SHORTEST_SILENCE, LONGEST_SILENCE] = [20, 2_000];
/** Minimum of the same for a peer that has not answered the ping, milliseconds. */
const SILENCE_WITHOUT_PONG = 250;
/** Interval of the check whether a contact has waited long enough for addresses, milliseconds. */
const INTERVAL = 200;
/**
 * Time limit of the key exchange, milliseconds, in addition to four times the duration of the TCP connect. A connection that
 * exceeds it is closed and replaced by a v1 connection.
 */
const KEY_EXCHANGE = 1_000;
/** The node's limit of entries in one message, so large that no message ends the connection by itself. */
const MAX_ENTRIES = 1_000;

export class NodeContacts implements Contacts {
  readonly node: BitcoinNode;
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenContact>();
  readonly #delays: ReplyDelays;

  constructor(private readonly options: NodeContactsOptions) {
    const { parallel, replyTimeout, contactTimeout, vantage, ...node } = options;
    const { clock = systemClock, rules } = node;
    this.#clock = clock;
    this.#delays = new ReplyDelays(replyTimeout);
    this.node = createNode({
      ...node,
      maxoutbound: parallel,
      maxinbound: 0,
      // A crawl counts every node that completes a handshake, regardless of its services.
      rules: { ...rules, requiredServices: '0000000000000000', addrFetchEntries: MAX_ENTRIES },
    });
    this.node.on('established', (info) => this.#established(info));
    this.node.on('message', ({ addr, direction, command, payload }) => {
      if (direction === 'received') this.#received(addr, command, payload);
    });
    this.node.on('pong', ({ addr, pingtime }) => this.#ponged(addr, pingtime * 1_000));
    this.node.on('ended', (info) => this.#ended(info));
  }

  begin(job: ContactJob, done: ContactDone): void {
    const clock = this.#clock;
    const open = new OpenContact(job, done, clock.now(), clock.wall());
    this.#open.set(job.addr, open);
    this.#closeIn(open, this.options.contactTimeout);
    this.#dial(open, job.v2);
    if (job.v2) this.#watchKeyExchange(open, KEY_EXCHANGE);
  }

  cancel(): void {
    for (const open of [...this.#open.values()]) {
      open.isCancelled = true;
      this.#close(open);
    }
  }

  async stop(): Promise<void> {
    this.cancel();
    await this.node.stop();
  }

  #dial(open: OpenContact, v2: boolean): void {
    try {
      open.dial(this.node, v2);
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      const reason: Reason = { code: error.code, facts: error.facts };
      // In a timer, because `done` must not be called during begin().
      this.#clock.clearTimeout(open.timer);
      this.#clock.setTimeout(() => this.#finish(open, reason, undefined), 0);
    }
  }

  /** Some v1 nodes read a key as the beginning of a message and wait for the rest: a key exchange with them gets no answer. */
  #watchKeyExchange(open: OpenContact, wait: number): void {
    open.keyExchangeTimer = this.#clock.setTimeout(() => {
      const info = this.node.peers.get(open.peer?.id ?? 0);
      const connect = info?.phases.connect;
      if (info?.transport_protocol_type !== 'detecting') return;
      const end = open.startedat + (connect ?? 0) * 5 + KEY_EXCHANGE;
      const left = connect === undefined ? KEY_EXCHANGE : end - this.#clock.now();
      if (left > 0) return this.#watchKeyExchange(open, left);
      open.isFallingBack = true;
      this.#close(open);
    }, wait);
  }

  #established(info: PeerInfo): void {
    const open = this.#open.get(info.addr);
    if (!open) return;
    open.established = info;
    open.establishedat = this.#clock.now();
    if (open.hasAddresses) this.#closeIn(open, silenceOf(open));
    else this.#awaitAddresses(open);
  }

  /** Checks the time limit at intervals, because it changes with the answers of other nodes. */
  #awaitAddresses(open: OpenContact): void {
    const now = this.#clock.now();
    const end = open.startedat + this.options.contactTimeout;
    const left = Math.min(open.establishedat + this.#delays.limit, end) - now;
    this.#clock.clearTimeout(open.timer);
    if (left <= 0) return this.#close(open);
    open.timer = this.#clock.setTimeout(() => this.#awaitAddresses(open), Math.min(left, INTERVAL));
  }

  #received(addr: string, command: string, payload: Uint8Array): void {
    const open = this.#open.get(addr);
    if (!open) return;
    const before = open.hasAddresses;
    open.receive(command, payload, this.#clock.wall());
    if (open.hasAddresses && !before && open.established)
      this.#delays.add(this.#clock.now() - open.establishedat);
    // Closing is delayed by a timer, because a listener of `message` must not close the connection.
    if (open.isExcessive) this.#closeIn(open, 0);
    else if (open.hasAddresses && open.established && command.startsWith('addr'))
      this.#closeIn(open, silenceOf(open));
  }

  #ponged(addr: string, pingtime: number): void {
    const open = this.#open.get(addr);
    if (!open) return;
    open.pingtime = pingtime;
    if (open.hasAddresses) this.#closeIn(open, 0);
  }

  #closeIn(open: OpenContact, wait: number): void {
    this.#clock.clearTimeout(open.timer);
    open.timer = this.#clock.setTimeout(() => this.#close(open), wait);
  }

  #close(open: OpenContact): void {
    if (open.peer) open.peer.close();
    else if (open.isCancelled) this.#finish(open, { code: 'ERR_LOCAL_CANCELLED', facts: {} }, undefined);
  }

  #ended(info: PeerInfo): void {
    const open = this.#open.get(info.addr);
    if (!open) return;
    if (open.isFallingBack && !open.isCancelled) return this.#fallBack(open);
    this.#finish(open, info.lastreason ?? { code: 'ERR_LOCAL_BUG', facts: {} }, info);
  }

  #fallBack(open: OpenContact): void {
    open.isFallingBack = false;
    open.peer = undefined;
    // In a timer, because the node still has the address as connected while it reports the end.
    this.#clock.setTimeout(() => {
      if (this.#open.get(open.job.addr) !== open) return;
      this.#closeIn(open, Math.max(0, open.startedat + this.options.contactTimeout - this.#clock.now()));
      this.#dial(open, false);
    }, 0);
  }

  #finish(open: OpenContact, reason: Reason, info: PeerInfo | undefined): void {
    if (this.#open.get(open.job.addr) !== open) return;
    this.#open.delete(open.job.addr);
    this.#clock.clearTimeout(open.timer);
    this.#clock.clearTimeout(open.keyExchangeTimer);
    open.done(open.isCancelled ? undefined : this.#report(open, reason, info));
  }

  #report(open: OpenContact, reason: Reason, info: PeerInfo | undefined): ContactReport {
    const { vantage, contactTimeout } = this.options;
    const stated = recordedReason(open, reason, info, contactTimeout);
    return open.report(stated, info, this.#clock.now(), vantage);
  }
}

const silenceOf = ({ pingtime, established }: OpenContact): number => {
  const { version = 0, verack = 0 } = established?.phases ?? {};
  if (pingtime === undefined) return Math.min(LONGEST_SILENCE, SILENCE_WITHOUT_PONG + 4 * (version + verack));
  return Math.min(LONGEST_SILENCE, Math.max(SHORTEST_SILENCE, 2 * pingtime));
};

/** The reason that is recorded: a contact that was closed because it took too long has a timeout, not `ERR_LOCAL_CANCELLED`. */
function recordedReason(open: OpenContact, reason: Reason, info: PeerInfo | undefined, ms: number): Reason {
  if (reason.code !== 'ERR_LOCAL_CANCELLED') return reason;
  if (open.established) return { code: 'END_DONE', facts: reason.facts };
  const code = info?.phases.connect === undefined ? 'ERR_TIME_CONNECT' : 'ERR_TIME_HANDSHAKE';
  return { code, facts: { ...reason.facts, ms } };
}
