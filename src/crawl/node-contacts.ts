/**
 * Contacts made by a node of this process. {@link dialTarget} is the only place that knows how a target is dialled.
 *
 * A contact ends when the node has advertised more than its own address (Core's rule for addr-fetch), after `replyTimeout`
 * without such a reply, or when the connection ends. What one contact may cost is bounded: replies, bytes and time.
 */
import {
  type BitcoinNode,
  type Clock,
  createNode,
  type NodeOptions,
  type Peer,
  type PeerInfo,
  type Reason,
  systemClock,
  VerackError,
} from '../index.js';
import {
  type ContactJob,
  type ContactPeer,
  type ContactReport,
  type Contacts,
  outcomeOf,
} from './contact.js';
import { readReply } from './reply.js';

export interface NodeContactsOptions extends NodeOptions {
  /** Contacts that may be open at a time. */
  readonly parallel: number;
  /** Milliseconds to wait for addresses after the handshake. */
  readonly replyTimeout: number;
  /** Milliseconds for a whole contact, from the first dial on. */
  readonly contactTimeout: number;
  /** Name of the place that contacts are made from. */
  readonly vantage: string;
}

/** Replies that are kept of one contact. */
const MAX_REPLIES = 16;
/** Bytes after which a contact is closed, whatever it still brings. */
const MAX_BYTES = 1_000_000;

/** One dial: BIP324 first where that is wanted, v1 otherwise; an addr-fetch connection (Core: ConnectionType::ADDR_FETCH). */
function dialTarget(node: BitcoinNode, job: ContactJob): Peer {
  return node.dial(
    { host: job.host, port: job.port },
    { connection_type: 'addr-fetch', v2transport: job.v2 },
  );
}

/** An `addr` or `addrv2` payload: bytes take a fraction of the memory of what they decode to. */
interface Payload {
  readonly command: 'addr' | 'addrv2';
  readonly payload: Uint8Array;
  readonly t: number;
}

/** A contact that is open. */
interface Open {
  readonly job: ContactJob;
  readonly done: (report: ContactReport | undefined) => void;
  readonly startedat: number;
  readonly t: number;
  readonly replies: Payload[];
  peer: Peer | undefined;
  timer: unknown;
  bytes: number;
  dropped: number;
  fellBack: boolean;
  established: PeerInfo | undefined;
  isCancelled: boolean;
}

export class NodeContacts implements Contacts {
  readonly node: BitcoinNode;
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(private readonly options: NodeContactsOptions) {
    const { parallel, replyTimeout, contactTimeout, vantage, ...node } = options;
    const { clock = systemClock, rules } = node;
    this.#clock = clock;
    this.node = createNode({
      ...node,
      maxoutbound: parallel,
      maxinbound: 0,
      // A crawl judges nobody: every node that shakes hands counts.
      rules: { ...rules, requiredServices: '0000000000000000' },
    });
    this.node.on('established', (info) => this.#established(info));
    this.node.on('fallback', ({ addr }) => this.#note(addr, (open) => (open.fellBack = true)));
    this.node.on('message', ({ addr, direction, command, payload }) => {
      if (direction === 'received') this.#received(addr, command, payload);
    });
    this.node.on('ended', (info) => this.#ended(info));
  }

  begin(job: ContactJob, done: Open['done']): void {
    const clock = this.#clock;
    const open: Open = {
      ...{ job, done, startedat: clock.now(), t: clock.wall(), replies: [], bytes: 0, dropped: 0 },
      ...{ fellBack: false, established: undefined, isCancelled: false, peer: undefined, timer: undefined },
    };
    this.#open.set(job.addr, open);
    open.timer = clock.setTimeout(() => this.#close(open), this.options.contactTimeout);
    try {
      open.peer = dialTarget(this.node, job);
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      const reason: Reason = { code: error.code, facts: error.facts };
      // Not inside the call that began it.
      clock.clearTimeout(open.timer);
      clock.setTimeout(() => this.#finish(open, reason, undefined), 0);
    }
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

  #note(addr: string, change: (open: Open) => void): void {
    const open = this.#open.get(addr);
    if (open) change(open);
  }

  #established(info: PeerInfo): void {
    this.#note(info.addr, (open) => {
      open.established = info;
      this.#clock.clearTimeout(open.timer);
      const left = this.options.contactTimeout - (this.#clock.now() - open.startedat);
      const wait = Math.max(0, Math.min(this.options.replyTimeout, left));
      open.timer = this.#clock.setTimeout(() => this.#close(open), wait);
    });
  }

  #received(addr: string, command: string, payload: Uint8Array): void {
    const open = this.#open.get(addr);
    if (!open) return;
    open.bytes += payload.length;
    if (command === 'addr' || command === 'addrv2') this.#keep(open, command, payload);
    // The library forbids calls from within its own delivery of a message.
    if (open.bytes > MAX_BYTES) this.#closeSoon(open);
  }

  #keep(open: Open, command: 'addr' | 'addrv2', payload: Uint8Array): void {
    if (open.replies.length < MAX_REPLIES)
      open.replies.push({ command, payload: new Uint8Array(payload), t: this.#clock.wall() });
    else {
      open.dropped += 1;
      this.#closeSoon(open);
    }
  }

  #closeSoon(open: Open): void {
    this.#clock.clearTimeout(open.timer);
    open.timer = this.#clock.setTimeout(() => this.#close(open), 0);
  }

  #close(open: Open): void {
    if (open.peer) open.peer.close();
    else if (open.isCancelled) this.#finish(open, { code: 'ERR_LOCAL_CANCELLED', facts: {} }, undefined);
  }

  #ended(info: PeerInfo): void {
    const open = this.#open.get(info.addr);
    if (open) this.#finish(open, info.lastreason ?? { code: 'ERR_LOCAL_BUG', facts: {} }, info);
  }

  #finish(open: Open, reason: Reason, info: PeerInfo | undefined): void {
    if (this.#open.get(open.job.addr) !== open) return;
    this.#open.delete(open.job.addr);
    this.#clock.clearTimeout(open.timer);
    open.done(open.isCancelled ? undefined : this.#report(open, this.#reasonOf(open, reason, info), info));
  }

  /** We close a contact that takes too long: in the data that is a timeout, not a request of the operator. */
  #reasonOf(open: Open, reason: Reason, info: PeerInfo | undefined): Reason {
    if (reason.code !== 'ERR_LOCAL_CANCELLED') return reason;
    if (open.established)
      return { code: 'END_DONE', facts: { ...reason.facts, replies: open.replies.length } };
    const code = info?.phases.connect === undefined ? 'ERR_TIME_CONNECT' : 'ERR_TIME_HANDSHAKE';
    return { code, facts: { ...reason.facts, ms: this.options.contactTimeout } };
  }

  #report(open: Open, reason: Reason, info: PeerInfo | undefined): ContactReport {
    const { job, t, dropped } = open;
    const replies = open.replies.map((each) => readReply(each.command, each.payload, each.t));
    const phases = info?.phases ?? {};
    const transport = info?.transport_protocol_type;
    return {
      ...{ addr: job.addr, round: job.round, t, reason, phases, replies, dropped },
      duration_ms: Math.round((this.#clock.now() - open.startedat) * 1_000) / 1_000,
      outcome: outcomeOf(reason.code, phases),
      ...(info && phases.version !== undefined && { peer: peerOf(info) }),
      ...(transport && transport !== 'detecting' && { transport }),
      v2: { tried: job.v2, spoken: job.v2 && transport === 'v2' && phases.version !== undefined },
      vantage: this.options.vantage,
    };
  }
}

const peerOf = (info: PeerInfo): ContactPeer => ({
  version: info.version,
  subver: info.subver,
  services: info.services,
  startingheight: info.startingheight,
  relaytxes: info.relaytxes,
  timeoffset: info.timeoffset,
  negotiated: info.negotiated,
  bytesrecv: info.bytesrecv,
});
