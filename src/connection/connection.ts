/**
 * One connection: bytes of its link become events of its peer actor, and the actor's effects become bytes.
 *
 * Messages are handled one after the other; once the actor has ended, the rest of a chunk is ignored, so nothing
 * behind a fatal message is answered. Bytes are taken in turns that the owner gives; meanwhile the link is not read.
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

export type PeerActor = ActorRefFrom<typeof peerMachine>;

/** What a connection needs from the pool that owns it. */
export interface ConnectionOwner {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  /** Bytes that may wait for a peer before it is not read, and sent nothing more. */
  readonly maxsendbuffer: number;
  /** Run the compiled machines. */
  readonly compiled: boolean;
  /** The parent of the actors. */
  readonly parent: AnyActorRef | undefined;
  /** Whether every message is passed to a listener. */
  readonly isListenedTo: boolean;
  isDialling(nonce: Hex64): boolean;
  /** Bytes have arrived: calls {@link Connection.takeTurn} now or later. */
  requestTurn(connection: Connection): void;
  /** The connection holds so many bytes of an unfinished message: more than a little, or no longer. */
  held(connection: Connection, bytes: number): void;
  /** A transport with its actor, started. */
  v2TransportFor(connection: Connection): V2Transport;
  moved(connection: Connection, from: PeerState, to: PeerState): void;
  /** Something else than the state. */
  changed(connection: Connection): void;
  /** The answer to our ping came; `pingtime` is its round trip in milliseconds. */
  ponged(connection: Connection, pingtime: number): void;
  message(connection: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void;
  dropped(connection: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
  /** The peer sent `getaddr`, and may be answered. */
  askedForAddresses(connection: Connection): void;
  /** The link has taken everything, after too much had waited. */
  drained(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
  /** Present on accepted connections. */
  readonly link?: Link;
  /** Use BIP324, or let the first bytes decide. */
  readonly v2: boolean;
  /** Exempted by the user. Default false. */
  readonly noban?: boolean;
  /** Evicted before others. Default false. */
  readonly preferevict?: boolean;
}

/** Of one peer's bytes before the net is asked to look at the others: what one read of a socket can give. */
const REST_AFTER = 65_536;
/** An unfinished message of more bytes is reported to the owner. */
const HELD = 65_536;

/** Counts what a turn has used. */
export interface TurnMeter {
  readonly isOver: boolean;
  /** Bytes that may be parsed at once. */
  readonly piece: number;
  /** A message, or a packet without one, of so many bytes. `isUseless`: no honest peer sends many of these. */
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
  /** Moments: made, link opened (-1 before), entry into the current state. */
  bornat: number;
  linkedat = -1;
  stateat: number;
  state: PeerState = 'connecting';
  /** The state before the present one. */
  #left: PeerState = 'connecting';
  readonly #incoming: IncomingMessages;
  readonly #outgoing: OutgoingQueue;
  #known: PeerContext | undefined;
  /** Of a pong that was not reported yet. */
  #pingtime: number | undefined;
  #link: Link | undefined;
  #cancelDial: (() => void) | undefined;
  #transport: MessageTransport | undefined;
  /** Bytes received since the net was asked to look at the others. */
  #unrested = 0;
  /** Bytes that wait for a turn. */
  #unread: Uint8Array | undefined;
  /** Whether the owner was notified of an unfinished message. */
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
    this.bornat = this.stateat = this.at;
    this.traffic = new Traffic(this.bornat);
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
    return createActor(logic, { id: `peer.${id}`, input, ...(parent && { parent }) });
  }

  /** A dial through a proxy may take longer. */
  #rules(): Rules {
    const { rules, env } = this.owner;
    const connectTimeout =
      env.net.timeoutOf?.(this.remote.host, rules.connectTimeout) ?? rules.connectTimeout;
    return connectTimeout === rules.connectTimeout ? rules : { ...rules, connectTimeout };
  }

  /** Starts the actor: a dialled connection is dialled, an accepted link is open from the start. */
  start(): void {
    this.actor.subscribe(this);
    this.actor.start();
    if (this.#link) this.#opened(this.#link);
  }

  get inbound(): boolean {
    return this.connection_type === 'inbound';
  }

  /** As `getpeerinfo` has them. */
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
    return reason ? { code: reason.code, facts: { state: this.#left, ...reason.facts } } : undefined;
  }

  get moments(): Moments {
    const { lastrecv, lastsend } = this.traffic;
    return { bornat: this.bornat, lastrecv, lastsend, stalledat: this.#outgoing.stalledat };
  }

  /** More waits for the peer than may, and it was not all taken yet. */
  get isFull(): boolean {
    return this.#outgoing.isFull;
  }

  /** It is over, and its record was made. */
  retire(): void {
    this.#link = undefined;
    this.#transport = undefined;
    this.#unread = undefined;
  }

  /** Milliseconds of the node's clock. */
  get at(): number {
    return this.owner.env.clock.now();
  }

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

  /** Reported with the snapshot that holds it. */
  reportPong({ pingtime }: PeerContext): void {
    this.#pingtime = pingtime;
  }

  /** Any messages; in one write, together with whatever else answers the same bytes of the peer. */
  transmit(messages: readonly (Message | UnknownMessage)[]): void {
    if (!this.#link) return;
    for (const message of messages) this.#frame(message);
    this.#outgoing.flush(this.#link);
  }

  /** The shared clock: records whether what waits to be sent has moved. */
  updateQueue(at: number): void {
    this.#outgoing.update(at, this.#link);
  }

  /** A deadline has come. */
  tick(at: number): void {
    const { lastrecv, lastsend, stalledat } = this.moments;
    const { bytes: pending } = this.#outgoing;
    this.actor.send({ type: 'clock.tick', at, lastrecv, lastsend, stalledat, pending, nonce: this.draw() });
  }

  /** The process was suspended for `ms`. */
  jump(ms: number): void {
    this.bornat += ms;
    this.stateat += ms;
    if (this.linkedat >= 0) this.linkedat += ms;
    this.traffic.lastrecv += ms;
    this.traffic.lastsend += ms;
    this.#outgoing.shift(ms);
    this.actor.send({ type: 'clock.jump', ms });
  }

  // The link.

  data(chunk: Uint8Array): void {
    this.traffic.bytesrecv += chunk.length;
    this.traffic.lastrecv = this.at;
    this.#unread = this.#unread ? Buffer.concat([this.#unread, chunk]) : chunk;
    this.owner.requestTurn(this);
    // Set again while the turn was taken; the chunk belongs to the link.
    const left = this.#unread as Uint8Array | undefined;
    if (left) {
      this.#unread = left.slice();
      this.#outgoing.gate.stop(this.#link, 'turn');
    }
    this.#rest(chunk.length);
  }

  /** Takes bytes that wait, until the turn is over; true when some are left. */
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

  /** Whether the bytes that wait may make this node compute a key exchange for a connection that it accepted. */
  get wantsKeyExchange(): boolean {
    if (!this.inbound || this.transport.type !== 'detecting' || !this.#unread) return false;
    return transportOf(this.#unread, this.owner.chain.magic) === 'v2';
  }

  /** The budget for unfinished frames stops or starts reading. */
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
    if (bytes <= HELD && !this.#isHolding) return;
    this.#isHolding = bytes > HELD;
    this.owner.held(this, bytes);
  }

  #rest(bytes: number): void {
    this.#unrested += bytes;
    if (this.#unrested < REST_AFTER) return;
    this.#unrested = 0;
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

  // The transport.

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

  // What arrives.

  deliver(event: PeerEvent): void {
    this.actor.send(event);
  }

  received(command: string, payload: Uint8Array): void {
    this.owner.message(this, 'received', command, payload);
  }

  dropped(code: DropCode | 'ERR_PROTO_LIMIT', command: string): void {
    this.owner.dropped(this, code, command);
  }

  // The actor, observed: a change of state is reported, and of what is known (a pong, say); other events are not.

  next(snapshot: SnapshotFrom<typeof peerMachine>): void {
    const known = this.#known;
    this.#known = snapshot.context;
    const to = leafOf(snapshot.value);
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
    // The pool, as the parent, is notified too and acts on it; without this XState would throw it as an uncaught exception.
  }

  #move(to: PeerState): void {
    const from = (this.#left = this.state);
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
