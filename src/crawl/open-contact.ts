/**
 * An open contact: executes the effects of its contact machine, stores what was received, and creates the report. The decisions
 * are in machines/contact.machine.ts.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import { contactMachine } from '../../machines/index.js';
import {
  type BitcoinNode,
  type Clock,
  type Peer,
  type PeerInfo,
  type Reason,
  VerackError,
} from '../index.js';
import { handlersOf, withHandlers } from '../xstate/index.js';
import { type ContactJob, type ContactPeer, type ContactReport, outcomeOf } from './contact.js';
import type { ReplyDelays } from './reply-delays.js';
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

/** What a contact needs from its owner, {@link NodeContacts} or a test. */
export interface ContactOwner {
  readonly node: BitcoinNode;
  readonly clock: Clock;
  readonly delays: ReplyDelays;
  /** Time limit of a contact, from the first dial on, milliseconds. */
  readonly contactTimeout: number;
  readonly vantage: string;
  /** The contact is over; without a report it was cancelled. */
  ended(contact: OpenContact, report: ContactReport | undefined): void;
}

/** The effects of the contact machine. */
interface ContactEffects {
  dial(v2: boolean): void;
  /** After `delay` milliseconds sends `exchange.pending`, if the key exchange is still incomplete. */
  inspectExchange(delay: number): void;
  /** After `delay` milliseconds sends `addresses.pending`. */
  inspectDelay(delay: number): void;
  /** After `delay` milliseconds sends `silence.passed`; each call restarts the timer. */
  awaitSilence(delay: number): void;
  recordDelay(): void;
  disconnect(): void;
  report(reason: Reason | null, cancelled: boolean): void;
}

const logic = contactMachine.provide({
  actions: {
    'effect.dial': ({ self }, { v2 }) => handlersOf<ContactEffects>(self).dial(v2),
    'effect.inspectExchange': ({ self, context }) =>
      handlersOf<ContactEffects>(self).inspectExchange(context.delay),
    'effect.inspectDelay': ({ self, context }) =>
      handlersOf<ContactEffects>(self).inspectDelay(context.delay),
    'effect.awaitSilence': ({ self, context }) =>
      handlersOf<ContactEffects>(self).awaitSilence(context.delay),
    'effect.recordDelay': ({ self }) => handlersOf<ContactEffects>(self).recordDelay(),
    'effect.disconnect': ({ self }) => handlersOf<ContactEffects>(self).disconnect(),
    'effect.report': ({ self, context }, { cancelled }) =>
      handlersOf<ContactEffects>(self).report(context.reason, cancelled),
  },
});

/** Times `…at` are milliseconds of the node's clock; `t` is UNIX time in milliseconds. */
export class OpenContact implements ContactEffects {
  readonly #actor: ActorRefFrom<typeof contactMachine>;
  readonly #startedat: number;
  readonly #t: number;
  #peer: Peer | undefined;
  #established: PeerInfo | undefined;
  #establishedat = 0;
  /** The last connection, once it has ended. */
  #last: PeerInfo | undefined;
  #timer: unknown;
  readonly #replies: Payload[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(
    readonly job: ContactJob,
    private readonly owner: ContactOwner,
  ) {
    const { clock, contactTimeout } = owner;
    const { addr, v2 } = job;
    [this.#startedat, this.#t] = [clock.now(), clock.wall()];
    this.#actor = createActor(withHandlers(logic, this), { input: { addr, v2, contactTimeout }, clock });
  }

  begin(): void {
    this.#actor.start();
    this.#actor.send({ type: 'user.begin' });
  }

  cancel(): void {
    this.#actor.send({ type: 'user.cancel' });
  }

  // What the node reports.

  established(info: PeerInfo): void {
    const { version = 0, verack = 0 } = info.phases;
    this.#established = info;
    this.#establishedat = this.owner.clock.now();
    const { limit } = this.owner.delays;
    this.#actor.send({ type: 'connection.established', handshake: version + verack, limit });
  }

  /** Counts a message, and stores the payloads of `addr` and `addrv2`. */
  received(command: string, payload: Uint8Array): void {
    this.#bytes += payload.length;
    const isReply = command === 'addr' || command === 'addrv2';
    if (isReply) this.#keep(command, payload);
    if (this.#dropped > 0 || this.#bytes > MAX_BYTES) this.#actor.send({ type: 'addresses.exceeded' });
    // The first byte is the number of entries.
    else if (isReply) this.#actor.send({ type: 'addresses.received', others: payload[0] !== 1 });
  }

  /** `pingtime`: milliseconds. */
  ponged(pingtime: number): void {
    this.#actor.send({ type: 'pong.received', pingtime });
  }

  ended(info: PeerInfo): void {
    this.#peer = undefined;
    this.#last = info;
    this.#end(info.lastreason ?? { code: 'ERR_LOCAL_BUG', facts: {} });
  }

  // Effects.

  /** Dials with the connection type `addr-fetch`, as Core does to request addresses. */
  dial(v2transport: boolean): void {
    const { host, port } = this.job;
    try {
      this.#peer = this.owner.node.dial({ host, port }, { connection_type: 'addr-fetch', v2transport });
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      const { code, facts } = error;
      this.#later(() => this.#end({ code, facts }));
    }
  }

  inspectExchange(delay: number): void {
    this.#arm(() => this.#sendExchange(), delay);
  }

  inspectDelay(delay: number): void {
    this.#arm(() => this.#sendWaited(), delay);
  }

  awaitSilence(delay: number): void {
    this.#arm(() => this.#actor.send({ type: 'silence.passed' }), delay);
  }

  recordDelay(): void {
    this.owner.delays.add(this.owner.clock.now() - this.#establishedat);
  }

  /** In a timer, because a listener of `message` must not close the connection. */
  disconnect(): void {
    const peer = this.#peer;
    this.#later(() => (peer ? peer.close() : this.#end({ code: 'ERR_LOCAL_CANCELLED', facts: {} })));
  }

  report(reason: Reason | null, cancelled: boolean): void {
    this.owner.clock.clearTimeout(this.#timer);
    this.owner.ended(this, cancelled || !reason ? undefined : this.#reportOf(this.#stated(reason)));
  }

  /** Replaces the timer. There is only one, because no state of the machine waits for two. */
  #arm(run: () => void, delay: number): void {
    const { clock } = this.owner;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(run, delay);
  }

  #sendExchange(): void {
    const info = this.owner.node.peers.get(this.#peer?.id ?? 0);
    if (info?.transport_protocol_type !== 'detecting') return;
    const elapsed = this.owner.clock.now() - this.#startedat;
    this.#actor.send({ type: 'exchange.pending', elapsed, connect: info.phases.connect ?? -1 });
  }

  #sendWaited(): void {
    const { clock, delays } = this.owner;
    const waited = clock.now() - this.#establishedat;
    this.#actor.send({ type: 'addresses.pending', waited, limit: delays.limit });
  }

  #later(run: () => void): void {
    this.owner.clock.setTimeout(run, 0);
  }

  #end(reason: Reason): void {
    this.#actor.send({ type: 'connection.ended', reason });
  }

  #keep(command: 'addr' | 'addrv2', payload: Uint8Array): void {
    if (this.#replies.length >= MAX_REPLIES) this.#dropped += 1;
    else this.#replies.push({ command, payload: new Uint8Array(payload), t: this.owner.clock.wall() });
  }

  #reportOf(reason: Reason): ContactReport {
    const { job } = this;
    const { clock, vantage } = this.owner;
    const info = this.#last;
    const phases = info?.phases ?? {};
    const transport = info?.transport_protocol_type;
    return {
      addr: job.addr,
      round: job.round,
      t: this.#t,
      reason,
      phases,
      replies: this.#replies.map((each) => readReply(each.command, each.payload, each.t)),
      dropped: this.#dropped,
      duration_ms: Math.round((clock.now() - this.#startedat) * 1_000) / 1_000,
      outcome: outcomeOf(reason.code, phases),
      ...(info && phases.version !== undefined && { peer: peerOf(info) }),
      ...(transport && transport !== 'detecting' && { transport }),
      v2: { tried: job.v2, succeeded: job.v2 && transport === 'v2' && phases.version !== undefined },
      bytes: this.#bytes,
      vantage,
    };
  }

  /** The reason to report: a timeout instead of `ERR_LOCAL_CANCELLED` if the contact was closed because it took too long. */
  #stated({ code, facts }: Reason): Reason {
    const replies = this.#replies.length;
    if (code === 'END_DONE') return { code, facts: { ...facts, replies } };
    if (code !== 'ERR_LOCAL_CANCELLED') return { code, facts };
    if (this.#established) return { code: 'END_DONE', facts: { ...facts, replies } };
    const isOpen = this.#last?.phases.connect !== undefined;
    const ms = this.owner.contactTimeout;
    return { code: isOpen ? 'ERR_TIME_HANDSHAKE' : 'ERR_TIME_CONNECT', facts: { ...facts, ms } };
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
