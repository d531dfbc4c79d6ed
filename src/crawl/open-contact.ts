/** A contact under way: what has been received so far, and the report that is made of it. */
import type { BitcoinNode, Peer, PeerInfo, Reason } from '../index.js';
import { type ContactJob, type ContactPeer, type ContactReport, outcomeOf } from './contact.js';
import { readReply } from './reply.js';

/** Replies that are kept of one contact. */
const MAX_REPLIES = 16;
/** Bytes after which a contact is closed. */
const MAX_BYTES = 1_000_000;

/** An `addr` or `addrv2` payload: bytes take a fraction of the memory of what they decode to. */
interface Payload {
  readonly command: 'addr' | 'addrv2';
  readonly payload: Uint8Array;
  readonly t: number;
}

export type ContactDone = (report: ContactReport | undefined) => void;

/** Moments are milliseconds on the node's clock; `t` is UNIX time. */
export class OpenContact {
  peer: Peer | undefined;
  /** The timer that ends the contact, and the one that watches the key exchange. */
  timer: unknown;
  keyExchangeTimer: unknown;
  established: PeerInfo | undefined;
  establishedat = 0;
  /** A message has brought addresses other than the node's own. */
  hasAddresses = false;
  /** Round trip of our ping, milliseconds; undefined before its answer. */
  pingtime: number | undefined;
  /** The connection that is being closed is replaced by one over v1. */
  isFallingBack = false;
  isCancelled = false;
  readonly #replies: Payload[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(
    readonly job: ContactJob,
    readonly done: ContactDone,
    readonly startedat: number,
    readonly t: number,
  ) {}

  /** Dials; BIP324 first where that is wanted (Core: ConnectionType::ADDR_FETCH). */
  dial(node: BitcoinNode, v2transport: boolean): void {
    const { host, port } = this.job;
    this.peer = node.dial({ host, port }, { connection_type: 'addr-fetch', v2transport });
  }

  /** Counts a message and keeps what `addr` and `addrv2` hold. */
  receive(command: string, payload: Uint8Array, t: number): void {
    this.#bytes += payload.length;
    if (command !== 'addr' && command !== 'addrv2') return;
    // The first byte is the number of entries; one entry is the node's own address.
    this.hasAddresses ||= payload[0] !== 1;
    if (this.#replies.length >= MAX_REPLIES) this.#dropped += 1;
    else this.#replies.push({ command, payload: new Uint8Array(payload), t });
  }

  /** The contact has brought more than one contact may. */
  get isExcessive(): boolean {
    return this.#dropped > 0 || this.#bytes > MAX_BYTES;
  }

  /** The report of a contact that has ended for `reason`. */
  report(reason: Reason, info: PeerInfo | undefined, now: number, vantage: string): ContactReport {
    const { job, t } = this;
    const phases = info?.phases ?? {};
    const transport = info?.transport_protocol_type;
    return {
      ...{ addr: job.addr, round: job.round, t, reason: this.#reasonOf(reason), phases },
      replies: this.#replies.map((each) => readReply(each.command, each.payload, each.t)),
      dropped: this.#dropped,
      duration_ms: Math.round((now - this.startedat) * 1_000) / 1_000,
      outcome: outcomeOf(reason.code, phases),
      ...(info && phases.version !== undefined && { peer: peerOf(info) }),
      ...(transport && transport !== 'detecting' && { transport }),
      v2: { tried: job.v2, succeeded: job.v2 && transport === 'v2' && phases.version !== undefined },
      bytes: this.#bytes,
      vantage,
    };
  }

  #reasonOf(reason: Reason): Reason {
    if (reason.code !== 'END_DONE') return reason;
    return { code: reason.code, facts: { ...reason.facts, replies: this.#replies.length } };
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
