/** An open contact: stores what was received so far, and creates the report. */
import type { BitcoinNode, Peer, PeerInfo, Reason } from '../index.js';
import { type ContactJob, type ContactPeer, type ContactReport, outcomeOf } from './contact.js';
import { readReply } from './reply.js';

/** Most replies that are stored for one contact. */
const MAX_REPLIES = 16;
/** Bytes of received payloads above which a contact is closed. */
const MAX_BYTES = 1_000_000;

/** An `addr` or `addrv2` payload. It is decoded at the end, because the bytes need much less memory than the decoded message. */
interface Payload {
  readonly command: 'addr' | 'addrv2';
  readonly payload: Uint8Array;
  readonly t: number;
}

export type ContactDone = (report: ContactReport | undefined) => void;

/** Times `…at` are milliseconds of the node's clock; `t` is UNIX time in milliseconds. */
export class OpenContact {
  peer: Peer | undefined;
  /** The timer that ends the contact, and the one that watches the key exchange. */
  timer: unknown;
  keyExchangeTimer: unknown;
  established: PeerInfo | undefined;
  establishedat = 0;
  /** The peer has sent addresses other than its own. */
  hasAddresses = false;
  /** Round trip of our ping, milliseconds; undefined before its answer. */
  pingtime: number | undefined;
  /** The connection is being closed and will be replaced by a v1 connection. */
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

  /** Dials an addr-fetch connection (Core: `ConnectionType::ADDR_FETCH`); with `v2transport` BIP324 first. */
  dial(node: BitcoinNode, v2transport: boolean): void {
    const { host, port } = this.job;
    this.peer = node.dial({ host, port }, { connection_type: 'addr-fetch', v2transport });
  }

  /** Counts a message, and stores the payloads of `addr` and `addrv2`. */
  receive(command: string, payload: Uint8Array, t: number): void {
    this.#bytes += payload.length;
    if (command !== 'addr' && command !== 'addrv2') return;
    // The first byte is the number of entries; a single entry is the node's own address.
    this.hasAddresses ||= payload[0] !== 1;
    if (this.#replies.length >= MAX_REPLIES) this.#dropped += 1;
    else this.#replies.push({ command, payload: new Uint8Array(payload), t });
  }

  /** The peer has sent more than the limits of a contact. */
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
