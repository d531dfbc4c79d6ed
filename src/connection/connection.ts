/**
 * One connection at work: bytes from its link become events of its peer actor, and the actor's effects become bytes.
 *
 * Messages are taken one after the other; once the actor has ended, the rest of a chunk is not looked at, so nothing
 * behind a fatal message is answered. A peer that does not read what we send is not read either (Core: 1,000,000
 * bytes waiting), so what it can make us hold is bounded. After so much of one peer, the others have a turn.
 */
import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { isAwaited, wantsTransactions } from '../../machines/index.js';
import type {
  ConnectionType,
  FloodKind,
  Hex64,
  Moments,
  Outgoing,
  PeerContext,
  PeerEvent,
  Rules,
  UnopenedCode,
  peerMachine,
} from '../../machines/index.js';
import type { Endpoint, Link, LinkHandler } from '../net/link.js';
import type { DropCode, LinkCode, Reason } from '../reasons.js';
import type { Chain } from '../networks.js';
import { commandOf, countOf, encodeMessage, type Message, type UnknownMessage } from '../wire/index.js';
import { type Identity, versionMessage, wireMessage } from './outgoing-messages.js';
import {
  type MessageTransport,
  type IncomingEvent,
  type TransportOwner,
  V1Transport,
  type V2Transport,
} from './v2-transport.js';
import { SendQueue } from './send-queue.js';
import { drawNonce, type Env } from '../net/environment.js';
import { RateLimiter } from './rate-limiter.js';
import { isLaterThan, isUnoffered } from './offered-services.js';
import type { PeerState, PeerRecord } from './peer-record.js';
import { Traffic } from './traffic.js';
import { type EventSources, faultOf, messageToEvent } from './message-to-event.js';

export type PeerActor = ActorRefFrom<typeof peerMachine>;

/** What a session needs from the pool that owns it. */
export interface ConnectionOwner {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  /** Bytes that may wait for a peer before it is not read, and sent nothing more. */
  readonly maxsendbuffer: number;
  isDialling(nonce: Hex64): boolean;
  /** A channel with its transport actor, started. */
  channelFor(session: Connection): V2Transport;
  moved(session: Connection, from: PeerState, to: PeerState): void;
  /** Something else than the state. */
  changed(session: Connection): void;
  /** The answer to our ping came; the context has the time it took. */
  ponged(session: Connection): void;
  message(session: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void;
  dropped(session: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
  /** All that waited has been taken, after it had been too much. */
  drained(session: Connection): void;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
  /** Present on accepted connections. */
  readonly link?: Link;
  /** Speak BIP324, or let the first bytes tell. */
  readonly v2: boolean;
}

/** Core: `-maxsendbuffer`. */
export const MAX_SEND_BUFFER = 1_000_000;
/** Of one peer's bytes between two turns of the others: what one read of a socket can give. */
const TURN_BYTES = 65_536;

export class Connection implements LinkHandler, TransportOwner, EventSources, PeerRecord {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
  readonly v2: boolean;
  readonly nonce: Hex64;
  readonly traffic: Traffic;
  /** UNIX time of birth, seconds. */
  readonly conntime: number;
  /** Moments: birth, open link (-1 before), entry into the current state. */
  bornat: number;
  linkedat = -1;
  stateat: number;
  state: PeerState = 'connecting';
  /** More waited than may, and it has not all been taken yet. */
  isFull = false;
  actor!: PeerActor;
  #known: PeerContext | undefined;
  #link: Link | undefined;
  #giveUp: (() => void) | undefined;
  #channel: MessageTransport | undefined;
  #remains: Pick<PeerRecord, 'local' | 'context' | 'transport'> | undefined;
  /** Frames to be sent, and whether they wait for others. */
  #unsent: Uint8Array[] = [];
  #corked = false;
  /** Bytes received since the others had their turn. */
  #turn = 0;
  readonly #backlog = new SendQueue();
  readonly #meters: Readonly<Record<FloodKind, RateLimiter>>;

  constructor(
    birth: ConnectionOptions,
    private readonly host: ConnectionOwner,
  ) {
    const { clock } = host.env;
    this.id = birth.id;
    this.connection_type = birth.connection_type;
    this.remote = birth.remote;
    this.v2 = birth.v2;
    this.nonce = drawNonce(host.env);
    this.conntime = this.unix();
    this.bornat = this.stateat = clock.now();
    this.traffic = new Traffic(this.bornat);
    this.#link = birth.link;
    const { maxUseless, maxPings, floodWindow } = host.rules;
    this.#meters = {
      useless: new RateLimiter(maxUseless, floodWindow),
      ping: new RateLimiter(maxPings, floodWindow),
    };
  }

  get inbound(): boolean {
    return this.connection_type === 'inbound';
  }

  /** As `getpeerinfo` has them. */
  get transport(): { type: 'v1' | 'v2' | 'detecting'; session_id: string } {
    return (
      this.#channel ?? this.#remains?.transport ?? { type: this.v2 ? 'detecting' : 'v1', session_id: '' }
    );
  }

  get local(): Endpoint | undefined {
    return this.#link?.local ?? this.#remains?.local;
  }

  get context(): PeerContext {
    return this.#remains?.context ?? this.actor.getSnapshot().context;
  }

  /** It is over: lets go of everything but what there is to tell. */
  retire(): void {
    const { local, context, transport } = this;
    this.#remains = { local, context, transport: { type: transport.type, session_id: transport.session_id } };
    this.#link = undefined;
    this.#channel = undefined;
  }

  get moments(): Moments {
    const { lastrecv, lastsend } = this.traffic;
    return { bornat: this.bornat, lastrecv, lastsend, stalledat: this.#backlog.stalledat };
  }

  /** The moment. */
  get at(): number {
    return this.host.env.clock.now();
  }

  unix(): number {
    return Math.floor(this.host.env.clock.wall() / 1_000);
  }

  draw(): string {
    return drawNonce(this.host.env);
  }

  isDialling(nonce: string): boolean {
    return this.host.isDialling(nonce);
  }

  /** Called once, when the actor runs: an accepted link is open from the start. */
  begin(): void {
    if (this.#link) this.#opened(this.#link);
  }

  /** `effect.dial`. */
  dial(): void {
    if (this.inbound) return;
    this.#giveUp = this.host.env.net.dial(this.remote, {
      opened: (link) => this.#opened(link),
      failed: (code, facts) => this.actor.send({ type: 'link.failed', code, facts }),
    });
  }

  /** `effect.send`: one write. */
  send(messages: readonly Outgoing[]): void {
    this.transmit(
      messages.map((outgoing) => (outgoing.command === 'version' ? this.#version() : wireMessage(outgoing))),
    );
  }

  /** Any messages; in one write, together with whatever else answers the same bytes of theirs. */
  transmit(messages: readonly (Message | UnknownMessage)[]): void {
    if (!this.#link) return;
    for (const message of messages) this.#frame(message);
    this.#flush();
  }

  /** Hands over what is to be sent, unless more may come: a write costs more than all that is in it. */
  #flush(): void {
    const link = this.#link;
    const frames = this.#unsent;
    if (this.#corked || !link || frames.length === 0) return;
    this.#unsent = [];
    link.write(frames);
    const now = (this.traffic.lastsend = this.at);
    const { pending } = link;
    if (pending === 0) return;
    this.#backlog.update(now, pending, sizeOf(frames));
    if (pending <= this.host.maxsendbuffer) return;
    this.isFull = true;
    link.pause();
  }

  #uncork(): void {
    this.#corked = false;
    this.#flush();
  }

  /** Notes whether what waits to be sent has moved. */
  look(at: number): void {
    this.#backlog.update(at, this.#link?.pending ?? 0);
  }

  /** `effect.close`. */
  close(flush: boolean): void {
    this.#giveUp?.();
    this.#uncork();
    this.#channel?.wipe();
    if (flush) this.#link?.end();
    else this.#link?.destroy();
  }

  /** The shared clock says that a deadline has come. */
  tick(at: number): void {
    const { lastrecv, lastsend, stalledat } = this.moments;
    const { bytes: pending } = this.#backlog;
    const nonce = drawNonce(this.host.env);
    this.actor.send({ type: 'clock.tick', at, lastrecv, lastsend, stalledat, pending, nonce });
  }

  /** Time passed without us. */
  jump(ms: number): void {
    this.bornat += ms;
    this.stateat += ms;
    if (this.linkedat >= 0) this.linkedat += ms;
    this.traffic.lastrecv += ms;
    this.traffic.lastsend += ms;
    if (this.#backlog.stalledat >= 0) this.#backlog.stalledat += ms;
    this.actor.send({ type: 'clock.jump', ms });
  }

  data(chunk: Uint8Array): void {
    this.traffic.bytesrecv += chunk.length;
    this.traffic.lastrecv = this.host.env.clock.now();
    this.#corked = true;
    try {
      for (const event of this.#channel?.feed(chunk) ?? []) {
        if (!this.#alive) break;
        this.#take(event);
      }
    } finally {
      this.#uncork();
    }
    this.#turn += chunk.length;
    if (this.#turn < TURN_BYTES) return;
    this.#turn = 0;
    this.#link?.rest();
  }

  closed(code: LinkCode): void {
    if (this.#channel?.closed(code)) return;
    this.actor.send({ type: 'link.closed', code });
  }

  drained(): void {
    this.look(this.host.env.clock.now());
    this.#link?.resume();
    if (!this.isFull) return;
    this.isFull = false;
    this.host.drained(this);
  }

  /** Observes the actor: a change of state is told, and what was learnt (a pong, say); an event that taught nothing is not. */
  next(snapshot: SnapshotFrom<typeof peerMachine>): void {
    const known = this.#known;
    this.#known = snapshot.context;
    const to = leafOf(snapshot.value);
    if (to !== this.state) this.#move(to);
    else if (known && known !== snapshot.context) this.host.changed(this);
  }

  #move(to: PeerState): void {
    const from = this.state;
    this.state = to;
    this.stateat = this.host.env.clock.now();
    this.host.moved(this, from, to);
  }

  get #alive(): boolean {
    return this.actor.getSnapshot().status === 'active';
  }

  error(): void {
    // The pool, as the parent, is told too and acts on it; without this XState would throw it at the process.
  }

  #opened(link: Link): void {
    this.#link = link;
    this.#giveUp = undefined;
    this.linkedat = this.traffic.lastrecv = this.traffic.lastsend = this.host.env.clock.now();
    if (this.v2) this.#exchangeKeys();
    else this.#channel = new V1Transport(this.host.chain);
    if (!this.v2) this.ready();
    if (this.#alive) link.attach(this);
  }

  #exchangeKeys(): void {
    this.actor.send({ type: 'link.connected', at: this.linkedat });
    const channel = this.host.channelFor(this);
    this.#channel = channel;
    channel.begin();
  }

  /** The channel can carry messages. */
  ready(): void {
    const settled = this.#channel?.settled;
    if (settled !== this.#channel) this.#channel?.wipe();
    this.#channel = settled;
    const at = this.host.env.clock.now();
    this.actor.send({ type: 'link.open', at, elapsed: at - this.linkedat });
  }

  /** The key exchange came to nothing. */
  gaveUp(reason: Reason, fallBack: boolean): void {
    const facts = fallBack ? { ...reason.facts, retry: 'v1' } : reason.facts;
    this.actor.send({ type: 'link.failed', code: reason.code as UnopenedCode, facts });
  }

  write(bytes: readonly Uint8Array[]): void {
    this.#unsent.push(...bytes);
    this.traffic.bytessent += sizeOf(bytes);
    this.#flush();
  }

  #take(event: IncomingEvent): void {
    if (event.kind === 'broken') {
      this.actor.send({ type: 'wire.broken', code: event.code, facts: event.facts });
    } else if (event.kind === 'dropped') {
      this.#drop(event.code, event.command, event.size);
    } else {
      this.#receive(event.command, event.payload, event.size);
    }
  }

  #receive(command: string, payload: Uint8Array, size: number): void {
    this.traffic.addReceived(command, size);
    this.host.message(this, 'received', command, payload);
    const event = this.#eventOf(command, payload);
    if (event?.type === 'wire.dropped') this.#drop(event.code, command, 0);
    else if (this.#isFlood(event)) return;
    else if (event) this.#deliver(event);
    else this.#countFault(command, payload);
    this.#count(event);
  }

  #deliver(event: PeerEvent): void {
    const isAnswer = event.type === 'wire.pong' && isAwaited(this.context, event);
    this.actor.send(event);
    if (isAnswer) this.host.ponged(this);
  }

  /** Before the end of the handshake every message counts, afterwards those that make us answer. */
  #isFlood(event: PeerEvent | undefined): boolean {
    if (this.state !== 'established') return this.#isTooMany('useless');
    return event?.type === 'wire.ping' && this.#isTooMany('ping');
  }

  /** Counts one more, and says so when that is one too many. */
  #isTooMany(what: FloodKind): boolean {
    const { limit, ms } = this.#meters[what];
    const isOver = this.#meters[what].isOver(this.traffic.lastrecv);
    if (isOver) this.actor.send({ type: 'wire.flooded', what, limit, ms });
    return isOver;
  }

  #eventOf(command: string, payload: Uint8Array): PeerEvent | undefined {
    const list = countOf(command, payload);
    if (list && list.count > list.limit) return { type: 'wire.excess', command, ...list };
    if (isLaterThan(this.host.identity.version, command)) return undefined;
    const relay = wantsTransactions(this.context);
    if (isUnoffered(command, payload, this.host.identity, relay)) return { type: 'wire.unoffered', command };
    return messageToEvent(command, payload, this);
  }

  #countFault(command: string, payload: Uint8Array): void {
    const fault = faultOf(command, payload);
    if (!fault) return;
    this.traffic.addDropped(fault.code, 0);
    this.host.dropped(this, fault.code, command);
    this.#isTooMany('useless');
  }

  /** What the machine let pass, and a person may want to know all the same. */
  #count(event: PeerEvent | undefined): void {
    if (event?.type === 'wire.version' && event.fault) this.host.dropped(this, event.fault, 'version');
    if (event?.type === 'wire.excess' && this.state === 'established') {
      this.host.dropped(this, 'ERR_PROTO_LIMIT', event.command);
    }
  }

  #drop(code: DropCode, command: string, size: number): void {
    this.traffic.addDropped(code, size);
    this.host.dropped(this, code, command);
    if (!this.#isTooMany('useless')) this.actor.send({ type: 'wire.dropped', code, command });
  }

  #frame(message: Message | UnknownMessage): void {
    const command = commandOf(message);
    const payload = encodeMessage(message);
    const frame = this.#channel?.encode(command, payload) ?? payload;
    this.traffic.addSent(command, frame.length);
    this.#unsent.push(frame);
    this.host.message(this, 'sent', command, payload);
  }

  #version() {
    const { identity } = this.host;
    const relay = wantsTransactions(this.context);
    return versionMessage(identity, { nonce: this.nonce, timestamp: this.unix(), relay });
  }
}

const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

/** The leaf of a state value: `{ handshaking: 'versionSent' }` is `versionSent`. */
const leafOf = (value: unknown): PeerState =>
  (typeof value === 'string' ? value : Object.values(value as Record<string, string>)[0]) as PeerState;
