/**
 * One connection: converts the bytes of its link into events for its peer actor, and the actor's effects into bytes.
 *
 * Messages are handled one at a time. Once the actor has ended, the rest of a chunk is dropped, so that nothing after a
 * fatal message is answered. The owner decides when received bytes are processed; while bytes wait, the link is not read.
 */
import { type ActorRefFrom, type AnyActorRef, createActor, type SnapshotFrom } from 'xstate';
import { messagesOf, wantsTransactions } from '../../machines/index.js';
import type {
  ConnectionType,
  Hex64,
  MessageSequence,
  Moments,
  PeerContext,
  PeerEvent,
  Rules,
  UnopenedCode,
  peerMachine,
} from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import { drawNonce, type Env } from '../net/environment.js';
import type { Endpoint, Link, LinkHandler } from '../net/link.js';
import type { Chain } from '../networks.js';
import type { DropCode, LinkCode, Reason } from '../reasons.js';
import {
  commandOf,
  encodeMessage,
  isKnownCommand,
  isOpaque,
  type Message,
  transportOf,
  type UnknownMessage,
} from '../wire/index.js';
import { createChildActor } from '../xstate/child-actor.js';
import { withHandlers } from '../xstate/effect-handlers.js';
import { machinesOf, type PeerEffects } from './effects.js';
import { IncomingMessages, type Receiver } from './incoming-messages.js';
import { type Identity, versionMessage, wireMessage } from './outgoing-messages.js';
import { OutgoingQueue, sizeOf } from './outgoing-queue.js';
import type { PeerRecord, PeerState } from './peer-record.js';
import { Traffic } from './traffic.js';
import type { MessageTransport, TransportOwner } from './transport.js';
import { V1Transport } from './v1-transport.js';
import type { V2Transport } from './v2-transport.js';

/** The running actor of the peer machine. */
export type PeerActor = ActorRefFrom<typeof peerMachine>;

/** What a connection needs from the pool that owns it. */
export interface ConnectionOwner {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  /** Bytes that may wait to be sent to one peer; above it the peer is not read and `send` refuses. */
  readonly maxsendbuffer: number;
  /** True: run the compiled machines; false: XState interprets them. */
  readonly compiled: boolean;
  /** The parent of the peer and transport actors. */
  readonly parent: AnyActorRef | undefined;
  /** Whether a listener receives every message; if not, payloads that no rule needs are skipped unread. */
  readonly isListenedTo: boolean;
  /** Whether a nonce belongs to a connection that this node is dialling (a connection to itself). */
  isDialling(nonce: Hex64): boolean;
  /** Bytes have arrived: the owner calls {@link Connection.takeTurn} now or later. */
  requestTurn(connection: Connection): void;
  /** The connection holds `bytes` bytes of an unfinished message. Called above {@link HELD_REPORT_SIZE}, and once when it is below again. */
  held(connection: Connection, bytes: number): void;
  /** Creates and starts the transport of a connection that may use BIP324. */
  v2TransportFor(connection: Connection): V2Transport;
  /** The peer machine changed its state. */
  moved(connection: Connection, from: PeerState, to: PeerState): void;
  /** The context of the peer machine changed, its state did not. */
  changed(connection: Connection): void;
  /** A pong answered our ping; `pingtime` is the round trip in milliseconds. */
  ponged(connection: Connection, pingtime: number): void;
  message(connection: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void;
  /** A message was dropped and the connection kept. */
  dropped(connection: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
  /** The peer sent `getaddr`, and may be answered. */
  askedForAddresses(connection: Connection): void;
  /** Everything has been sent, after more than `maxsendbuffer` bytes had waited. */
  drained(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
  /** The accepted link; absent for a connection that is to be dialled. */
  readonly link?: Link;
  /** Outbound: start with BIP324. Inbound: the first bytes decide between v1 and v2. False: v1 only. */
  readonly v2: boolean;
  /** The user exempted the address from limits, bans and eviction (Core: the permission `noban`). Default false. */
  readonly noban?: boolean;
  /** The address is discouraged: evicted before others. Default false. */
  readonly preferevict?: boolean;
}

/** Bytes of one peer after which other sockets are read first; one read of a socket returns at most this many. */
const YIELD_AFTER = 65_536;
/** The owner is notified when an unfinished message holds more bytes than this. */
const HELD_REPORT_SIZE = 65_536;

/** Counts the messages, bytes and time that a turn has used. */
export interface TurnMeter {
  readonly isOver: boolean;
  /** Bytes that may be parsed before {@link isOver} is checked again. */
  readonly piece: number;
  /** Counts a message, or a packet without one, of `bytes` bytes. `isUseless`: no honest peer sends many of these. */
  add(bytes: number, isUseless: boolean): void;
}

export class Connection implements LinkHandler, TransportOwner, PeerEffects, Receiver, PeerRecord {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
  readonly v2: boolean;
  readonly noban: boolean;
  readonly preferevict: boolean;
  readonly nonce: Hex64;
  readonly traffic: Traffic;
  /** UNIX time at which the connection was made, seconds. */
  readonly conntime: number;
  readonly actor: PeerActor;
  /** Timestamps on the node's clock, milliseconds: creation, link opened (-1 before), entry into the current state. */
  createdat: number;
  linkedat = -1;
  stateat: number;
  state: PeerState = 'connecting';
  /** The state before the current one. */
  #previous: PeerState = 'connecting';
  #addr: string | undefined;
  readonly #incoming: IncomingMessages;
  readonly #outgoing: OutgoingQueue;
  /** The context of the last snapshot, to detect a change. */
  #known: PeerContext | undefined;
  /** The state value of the last snapshot; compiled machines share one object for each state. */
  #value: unknown;
  /** The round trip of a pong that was not reported yet, milliseconds. */
  #pingtime: number | undefined;
  #link: Link | undefined;
  #cancelDial: (() => void) | undefined;
  #transport: MessageTransport | undefined;
  /** Bytes received since the link last yielded to other sockets. */
  #sinceYield = 0;
  /** Bytes that wait for a turn. */
  #unread: Uint8Array | undefined;
  /** Whether the owner was last notified of more than {@link HELD_REPORT_SIZE} bytes. */
  #isHolding = false;

  constructor(
    options: ConnectionOptions,
    private readonly owner: ConnectionOwner,
  ) {
    this.id = options.id;
    this.connection_type = options.connection_type;
    this.remote = options.remote;
    this.v2 = options.v2;
    this.noban = options.noban ?? false;
    this.preferevict = options.preferevict ?? false;
    this.nonce = this.draw();
    this.conntime = this.unix();
    this.createdat = this.stateat = this.at;
    this.traffic = new Traffic(this.createdat);
    this.#link = options.link;
    this.#incoming = new IncomingMessages(this, owner.identity, owner.rules);
    this.#outgoing = new OutgoingQueue(this.traffic, owner.maxsendbuffer, this);
    this.actor = this.#createActor();
  }

  #createActor(): PeerActor {
    const { id, connection_type, noban } = this;
    const { compiled, parent } = this.owner;
    const logic = withHandlers(machinesOf(compiled).peer, this);
    const input = { id, connection_type, noban, rules: this.#rules() };
    const name = `peer.${id}`;
    if (!parent) return createActor(logic, { id: name, input });
    // Written out: a spread gives each of these objects, which the actor keeps, a hidden class of its own.
    const options = { id: name, input, parent };
    return compiled ? createChildActor(logic, options) : createActor(logic, options);
  }

  /** A dial through a proxy may take longer, so its net sets the connect timeout. */
  #rules(): Rules {
    const { rules, env } = this.owner;
    const connectTimeout =
      env.net.timeoutOf?.(this.remote.host, rules.connectTimeout) ?? rules.connectTimeout;
    return connectTimeout === rules.connectTimeout ? rules : { ...rules, connectTimeout };
  }

  /** Starts the actor. It dials an outbound connection; the link of an inbound one is open already. */
  start(): void {
    this.actor.subscribe(this);
    this.actor.start();
    if (this.#link) this.#opened(this.#link);
  }

  get inbound(): boolean {
    return this.connection_type === 'inbound';
  }

  /** Made once: maps, rows and events need it some ten times for an outbound connection. */
  get addr(): string {
    return (this.#addr ??= formatEndpoint(this.remote));
  }

  /** `transport_protocol_type` and `session_id` of `getpeerinfo`. */
  get transport(): { type: 'v1' | 'v2' | 'detecting'; session_id: string } {
    return this.#transport ?? { type: this.v2 ? 'detecting' : 'v1', session_id: '' };
  }

  get local(): Endpoint | undefined {
    return this.#link?.local;
  }

  get context(): PeerContext {
    return this.actor.getSnapshot().context;
  }

  get reason(): Reason | undefined {
    const { reason } = this.context;
    return reason ? { code: reason.code, facts: { state: this.#previous, ...reason.facts } } : undefined;
  }

  get moments(): Moments {
    const { lastrecv, lastsend } = this.traffic;
    return { createdat: this.createdat, lastrecv, lastsend, stalledat: this.#outgoing.stalledat };
  }

  /** More than `maxsendbuffer` bytes waited for the peer, and not all of them are sent yet. */
  get isFull(): boolean {
    return this.#outgoing.isFull;
  }

  /** Drops link, transport and unread bytes. Called when the connection has ended and its final record was made. */
  retire(): void {
    this.#link = undefined;
    this.#transport = undefined;
    this.#unread = undefined;
  }

  /** The current time on the node's clock, milliseconds. */
  get at(): number {
    return this.owner.env.clock.now();
  }

  /** The current UNIX time, seconds. */
  unix(): number {
    return Math.floor(this.owner.env.clock.wall() / 1_000);
  }

  draw(): string {
    return drawNonce(this.owner.env);
  }

  isDialling(nonce: string): boolean {
    return this.owner.isDialling(nonce);
  }

  // Effects of the peer machine.

  dial(): void {
    if (this.inbound) return;
    this.#cancelDial = this.owner.env.net.dial(this.remote, {
      opened: (link) => this.#opened(link),
      failed: (code, facts) => this.actor.send({ type: 'link.failed', code, facts }),
    });
  }

  sendSequence(sequence: MessageSequence, context: PeerContext, event: PeerEvent): void {
    const messages = messagesOf(sequence, context, event);
    this.transmit(
      messages.map((message) =>
        message.command === 'version' ? this.#version(context) : wireMessage(message),
      ),
    );
  }

  close(flush: boolean): void {
    this.#cancelDial?.();
    this.#outgoing.uncork(this.#link);
    this.#transport?.wipe();
    if (flush) this.#link?.end();
    else this.#link?.destroy();
  }

  sendAddresses(): void {
    this.owner.askedForAddresses(this);
  }

  /** The report waits for the snapshot that contains the pong, so that listeners read the new value. */
  reportPong({ pingtime }: PeerContext): void {
    this.#pingtime = pingtime;
  }

  /** Sends messages in one write, together with all other answers to the same received bytes. */
  transmit(messages: readonly (Message | UnknownMessage)[]): void {
    if (!this.#link) return;
    for (const message of messages) this.#frame(message);
    this.#outgoing.flush(this.#link);
  }

  /** Called by the shared tick: records whether bytes that wait to be sent were taken since the last call. */
  updateQueue(at: number): void {
    this.#outgoing.update(at, this.#link);
  }

  /** A deadline was reached: the machine decides which one. */
  tick(at: number): void {
    const { lastrecv, lastsend, stalledat } = this.moments;
    const { bytes: pending } = this.#outgoing;
    this.actor.send({ type: 'clock.tick', at, lastrecv, lastsend, stalledat, pending, nonce: this.draw() });
  }

  /** The process was suspended for `ms` milliseconds: all timestamps move by as much, so that no peer times out for it. */
  jump(ms: number): void {
    this.createdat += ms;
    this.stateat += ms;
    if (this.linkedat >= 0) this.linkedat += ms;
    this.traffic.lastrecv += ms;
    this.traffic.lastsend += ms;
    this.#outgoing.shift(ms);
    this.actor.send({ type: 'clock.jump', ms });
  }

  // LinkHandler.

  data(chunk: Uint8Array): void {
    this.traffic.bytesrecv += chunk.length;
    this.traffic.lastrecv = this.at;
    this.#unread = this.#unread ? Buffer.concat([this.#unread, chunk]) : chunk;
    this.owner.requestTurn(this);
    // TypeScript does not know that requestTurn() may have changed it. Copied, because the link reuses the chunk's memory.
    const left = this.#unread as Uint8Array | undefined;
    if (left) {
      this.#unread = left.slice();
      this.#outgoing.gate.stop(this.#link, 'turn');
    }
    this.#yield(chunk.length);
  }

  /** Processes waiting bytes until the turn is over. Returns true when some are left. */
  takeTurn(turn: TurnMeter): boolean {
    this.#outgoing.cork();
    try {
      while (this.#unread && !turn.isOver) this.#takePiece(this.#unread, turn);
    } finally {
      this.#outgoing.uncork(this.#link);
    }
    if (this.#unread) return true;
    if (this.#outgoing.gate.isStopped('turn')) this.#outgoing.gate.start(this.#link, 'turn');
    return false;
  }

  /** Whether processing the waiting bytes would start a key exchange on an accepted connection: it costs CPU time. */
  get wantsKeyExchange(): boolean {
    if (!this.inbound || this.transport.type !== 'detecting' || !this.#unread) return false;
    return transportOf(this.#unread, this.owner.chain.magic) === 'v2';
  }

  /** The memory budget for unfinished frames stops or restarts reading. */
  setHeld(isStopped: boolean): void {
    if (isStopped) this.#outgoing.gate.stop(this.#link, 'memory');
    else this.#outgoing.gate.start(this.#link, 'memory');
  }

  /** Bytes held for the peer in both directions. */
  get buffered(): number {
    return (this.#transport?.buffered ?? 0) + (this.#unread?.length ?? 0) + (this.#link?.pending ?? 0);
  }

  #takePiece(bytes: Uint8Array, turn: TurnMeter): void {
    const { piece } = turn;
    const isLast = bytes.length <= piece;
    this.#unread = isLast ? undefined : bytes.subarray(piece);
    for (const event of this.#transport?.feed(isLast ? bytes : bytes.subarray(0, piece)) ?? []) {
      if (!this.#isAlive) return void (this.#unread = undefined);
      turn.add('size' in event ? event.size : 0, this.#incoming.take(event));
    }
    this.#reportHeld(this.#transport?.buffered ?? 0);
  }

  #reportHeld(bytes: number): void {
    if (bytes <= HELD_REPORT_SIZE && !this.#isHolding) return;
    this.#isHolding = bytes > HELD_REPORT_SIZE;
    this.owner.held(this, bytes);
  }

  #yield(bytes: number): void {
    this.#sinceYield += bytes;
    if (this.#sinceYield < YIELD_AFTER) return;
    this.#sinceYield = 0;
    this.#link?.rest();
  }

  isIgnored(command: string, isBeforeVersion: boolean): boolean {
    if (this.owner.isListenedTo) return false;
    return !isKnownCommand(command) || (isBeforeVersion && isOpaque(command));
  }

  closed(code: LinkCode): void {
    if (this.#transport?.closed(code)) return;
    this.actor.send({ type: 'link.closed', code });
  }

  drained(): void {
    if (this.#outgoing.drained(this.at, this.#link)) this.owner.drained(this);
  }

  #opened(link: Link): void {
    this.#link = link;
    this.#cancelDial = undefined;
    this.linkedat = this.traffic.lastrecv = this.traffic.lastsend = this.at;
    if (this.v2) this.#exchangeKeys();
    else this.ready(new V1Transport(this.owner.chain, this));
    if (this.#isAlive) link.attach(this);
  }

  #exchangeKeys(): void {
    this.actor.send({ type: 'link.connected', at: this.linkedat });
    const transport = this.owner.v2TransportFor(this);
    this.#transport = transport;
    transport.begin();
  }

  // TransportOwner.

  ready(transport: MessageTransport): void {
    if (transport !== this.#transport) this.#transport?.wipe();
    this.#transport = transport;
    this.actor.send({ type: 'link.open', at: this.at, elapsed: this.at - this.linkedat });
  }

  gaveUp(reason: Reason, fallBack: boolean): void {
    const facts = fallBack ? { ...reason.facts, retry: 'v1' } : reason.facts;
    this.actor.send({ type: 'link.failed', code: reason.code as UnopenedCode, facts });
  }

  write(bytes: readonly Uint8Array[]): void {
    this.#outgoing.add(bytes);
    this.traffic.bytessent += sizeOf(bytes);
    this.#outgoing.flush(this.#link);
  }

  // Receiver.

  deliver(event: PeerEvent): void {
    this.actor.send(event);
  }

  received(command: string, payload: Uint8Array): void {
    this.owner.message(this, 'received', command, payload);
  }

  dropped(code: DropCode | 'ERR_PROTO_LIMIT', command: string): void {
    this.owner.dropped(this, code, command);
  }

  // Observer of the actor: reports a change of the state or of the context; an event that changes neither is not reported.

  next(snapshot: SnapshotFrom<typeof peerMachine>): void {
    const known = this.#known;
    this.#known = snapshot.context;
    const to = snapshot.value === this.#value ? this.state : leafOf(snapshot.value);
    this.#value = snapshot.value;
    if (to !== this.state) this.#move(to);
    else if (known && known !== snapshot.context) this.owner.changed(this);
    this.#flushPong();
  }

  #flushPong(): void {
    const pingtime = this.#pingtime;
    this.#pingtime = undefined;
    if (pingtime !== undefined) this.owner.ponged(this, pingtime);
  }

  error(): void {
    // The pool, as the parent, receives the error too and handles it. Without this function XState would throw it as an
    // uncaught exception.
  }

  #move(to: PeerState): void {
    const from = (this.#previous = this.state);
    this.state = to;
    this.stateat = this.at;
    this.owner.moved(this, from, to);
  }

  get #isAlive(): boolean {
    return this.actor.getSnapshot().status === 'active';
  }

  #frame(message: Message | UnknownMessage): void {
    const command = commandOf(message);
    const payload = encodeMessage(message);
    const frame = this.#transport?.encode(command, payload) ?? payload;
    this.traffic.addSent(command, frame.length);
    this.#outgoing.add([frame]);
    this.owner.message(this, 'sent', command, payload);
  }

  #version(context: PeerContext) {
    const relay = wantsTransactions(context);
    return versionMessage(this.owner.identity, { nonce: this.nonce, timestamp: this.unix(), relay });
  }
}

/** The leaf of a state value: `{ handshaking: 'versionSent' }` is `versionSent`. */
const leafOf = (value: unknown): PeerState =>
  (typeof value === 'string' ? value : Object.values(value as Record<string, string>)[0]) as PeerState;
