/**
 * How messages travel over a link: as v1 frames, or as v2 packets behind a key exchange (BIP324).
 *
 * A channel turns bytes into frame events and messages into bytes. A v2 channel also runs the exchange: it tells the
 * transport machine what the bytes mean and does what the machine asks. It holds the secrets; the machine never sees them.
 */
import type { ActorRefFrom } from 'xstate';
import type { TransportContext, transportMachine } from '../../machines/index.js';
import type { Chain } from '../networks.js';
import { knownMagic } from '../networks.js';
import type { Facts, LinkCode, Reason, V2Code } from '../reasons.js';
import {
  createV1Framer,
  createV2Key,
  createHandshakeParser,
  createPacketDecoder,
  createPacketEncoder,
  encodeFrame,
  type FrameEvent,
  hexOf,
  MAX_GARBAGE,
  transportOf,
  V1_PREFIX_SIZE,
  type HandshakeParserEvent,
  type V1Framer,
  type V2Event,
  type V2Key,
  type V2Keys,
  type HandshakeParser,
  type PacketDecoder,
  type PacketEncoder,
} from '../wire/index.js';

import {
  authenticated,
  DECOY_PAUSE,
  garbageSize,
  spoilKey,
  spoilTerminator,
  type V2FaultName,
} from './v2-faults.js';
import type { Timers } from '../net/timers.js';

export type TransportActor = ActorRefFrom<typeof transportMachine>;

/** A frame event of either transport. */
export type IncomingEvent =
  | Exclude<FrameEvent, { kind: 'broken' }>
  | {
      readonly kind: 'broken';
      readonly code: Extract<FrameEvent, { kind: 'broken' }>['code'] | V2Code;
      readonly facts: Facts;
    };

export interface MessageTransport {
  /** As `getpeerinfo`'s `transport_protocol_type`. */
  readonly type: 'v1' | 'v2' | 'detecting';
  /** 64 hex digits, the same on both sides of a v2 connection; empty otherwise. */
  readonly session_id: string;
  /** Takes the next bytes of the link. */
  feed(chunk: Uint8Array): Iterable<IncomingEvent>;
  /** A message as bytes; only after the channel is ready. */
  encode(command: string, payload: Uint8Array): Uint8Array;
  /** The link has ended. True when the channel makes something of it (an exchange that was under way). */
  closed(code: LinkCode): boolean;
  /** What carries messages once it is ready: this one, or the plain one that a detection came to. */
  readonly settled: MessageTransport;
  /** Clears what secrets there are. */
  wipe(): void;
}

/** v1: ready from the start. */
export class V1Transport implements MessageTransport {
  readonly type = 'v1';
  readonly session_id = '';
  readonly #framer: V1Framer;

  constructor(private readonly chain: Chain) {
    this.#framer = createV1Framer(chain.magic, knownMagic);
  }

  feed(chunk: Uint8Array): readonly FrameEvent[] {
    return this.#framer.feed(chunk);
  }

  encode(command: string, payload: Uint8Array): Uint8Array {
    return encodeFrame(this.chain.magic, command, payload);
  }

  closed(): boolean {
    return false;
  }

  get settled(): MessageTransport {
    return this;
  }

  wipe(): void {
    // Nothing here is secret.
  }
}

/** What a v2 channel needs from the session that owns it. */
export interface TransportOwner {
  write(bytes: readonly Uint8Array[]): void;
  /** Application bytes can flow. */
  ready(): void;
  /** The exchange came to nothing. */
  gaveUp(reason: Reason, fallBack: boolean): void;
}

/** What we send besides what we must. */
export interface Padding {
  /** Bytes of garbage behind our key, 0 to 4,095. */
  readonly garbage: number;
  /** Sizes of the decoys before our version packet. */
  readonly decoys: readonly number[];
}

/** 0 to 4,095 bytes of garbage, as Core; none to three decoys of up to 255 bytes, which Core never sends but must skip. */
export function drawPadding(random: (count: number) => Uint8Array): Padding {
  const [low = 0, high = 0, count = 0, ...sizes] = random(6);
  return { garbage: (low | (high << 8)) % (MAX_GARBAGE + 1), decoys: sizes.slice(0, count % 4) };
}

/** What a v2 channel must know. */
export interface V2Options {
  readonly chain: Chain;
  readonly initiating: boolean;
  readonly random: (count: number) => Uint8Array;
  /** Default {@link drawPadding}. */
  readonly padding?: Padding;
  /** What goes wrong on purpose. */
  readonly fault?: V2FaultName;
  /** Paces what a fault repeats. */
  readonly timers: Timers;
}

const NOTHING = new Uint8Array(0);

/** v2, or v1 once a responder has recognised it: runs the key exchange and then carries packets. */
export class V2Transport implements MessageTransport {
  type: 'v1' | 'v2' | 'detecting' = 'detecting';
  session_id = '';
  actor!: TransportActor;
  readonly #opening: HandshakeParser;
  /** Drawn with the key: most callers turn out to speak v1. */
  #padding: Padding = { garbage: 0, decoys: [] };
  #key: V2Key | undefined;
  #theirs: Uint8Array | undefined;
  #garbage: Uint8Array = NOTHING;
  #keys: V2Keys | undefined;
  #sender: PacketEncoder | undefined;
  #receiver: PacketDecoder | undefined;
  /** Set when v1 was detected; everything goes through it from then on. */
  #v1: V1Transport | undefined;
  #heard = false;
  /** The first bytes that came, for the reason should it fail. */
  #first: Uint8Array = NOTHING;
  #timer: unknown;

  constructor(
    private readonly options: V2Options,
    private readonly owner: TransportOwner,
  ) {
    const { chain, initiating } = options;
    this.#opening = createHandshakeParser({ initiating, magic: chain.magic, knownMagic });
  }

  feed(chunk: Uint8Array): Iterable<IncomingEvent> {
    return this.#v1 ? this.#v1.feed(chunk) : this.#feed(chunk);
  }

  *#feed(chunk: Uint8Array): Iterable<IncomingEvent> {
    if (!this.#heard) this.#hear();
    this.#keepFirst(chunk);
    if (this.#receiver) yield* this.#read(this.#receiver, chunk);
    else for (const event of this.#opened(chunk)) yield* this.#open(event);
  }

  encode(command: string, payload: Uint8Array): Uint8Array {
    if (this.#v1) return this.#v1.encode(command, payload);
    if (!this.#sender) throw new Error('the key exchange is not over');
    return this.#sender.message(command, payload);
  }

  get settled(): MessageTransport {
    return this.#v1 ?? this;
  }

  closed(code: LinkCode): boolean {
    if (this.type !== 'detecting') return false;
    this.actor.send({ type: 'link.closed', code });
    return true;
  }

  wipe(): void {
    this.options.timers.clearTimeout(this.#timer);
    for (const secrets of [this.#key, this.#keys, this.#sender, this.#receiver]) secrets?.wipe();
  }

  /** `effect.sendKey`. */
  sendKey(): void {
    // An early key is out already.
    if (this.#key) return;
    this.#key = createV2Key(this.options.random);
    const { random, fault } = this.options;
    this.#padding = this.options.padding ?? drawPadding(random);
    this.#garbage = random(garbageSize(fault, this.#padding.garbage));
    this.owner.write(spoilKey(fault, this.#key.ellswift, this.#garbage));
  }

  /** `effect.sendTerminator`. */
  sendTerminator(): void {
    if (!this.#key || !this.#theirs) return;
    const { chain, initiating, fault } = this.options;
    if (fault === 'v2-short-key') return;
    this.#keys = this.#key.agree(this.#theirs, initiating, chain.magic);
    this.#sender = createPacketEncoder(this.#keys.send, authenticated(fault, this.#garbage));
    this.#receiver = createPacketDecoder(this.#keys.receive);
    this.session_id = hexOf(this.#keys.sessionId);
    this.#key.wipe();
    this.#keys.wipe();
    this.owner.write(spoilTerminator(fault, this.#sender, this.#padding.decoys));
    if (fault === 'v2-endless-decoys') this.#decoy(this.#sender);
  }

  /** Called when TCP is open. */
  begin(): void {
    this.actor.send({ type: 'link.connected' });
    if (this.options.fault === 'v2-early-key') this.sendKey();
  }

  #decoy(sender: PacketEncoder): void {
    this.#timer = this.options.timers.setTimeout(() => {
      this.owner.write([sender.decoy(9)]);
      this.#decoy(sender);
    }, DECOY_PAUSE);
  }

  /** `effect.ready`. */
  ready(): void {
    this.type = this.#v1 ? 'v1' : 'v2';
    this.owner.ready();
  }

  /** `effect.giveUp` and `effect.fallBack`. */
  giveUp({ reason }: TransportContext, fallBack: boolean): void {
    const { code, facts } = reason ?? { code: 'ERR_LOCAL_BUG', facts: {} };
    this.owner.gaveUp({ code, facts: this.#speaksV1() ? { ...facts, speaks: 'v1' } : facts }, fallBack);
  }

  #keepFirst(chunk: Uint8Array): void {
    const held = this.#first.length;
    if (held === 0) this.#first = chunk.slice(0, V1_PREFIX_SIZE);
    else if (held < V1_PREFIX_SIZE)
      this.#first = Uint8Array.from([...this.#first, ...chunk.subarray(0, V1_PREFIX_SIZE)]);
  }

  /** Some nodes send their v1 `version` before they read: no key, and no reason to try v2 there again. */
  #speaksV1(): boolean {
    return transportOf(this.#first, this.options.chain.magic) === 'v1';
  }

  #hear(): void {
    this.#heard = true;
    this.actor.send({ type: 'bytes.arrived' });
  }

  /** Nothing is sent to somebody whose bytes already say that this leads nowhere (Core only queues its key by then). */
  #opened(chunk: Uint8Array): readonly HandshakeParserEvent[] {
    const events = this.#opening.feed(chunk);
    const last = events.at(-1);
    return last?.kind === 'broken' ? [last] : events;
  }

  *#open(event: HandshakeParserEvent): Iterable<IncomingEvent> {
    if (event.kind === 'v2') this.actor.send({ type: 'bytes.v2' });
    if (event.kind === 'broken')
      this.actor.send({ type: 'bytes.broken', code: event.code, facts: event.facts });
    if (event.kind === 'key') {
      this.#theirs = event.ellswift;
      this.actor.send({ type: 'bytes.key' });
      if (this.#receiver) yield* this.#read(this.#receiver, event.rest);
    }
    if (event.kind === 'v1') {
      this.#v1 = new V1Transport(this.options.chain);
      this.actor.send({ type: 'bytes.v1' });
      if (this.type === 'v1') yield* this.#v1.feed(event.bytes);
    }
  }

  *#read(receiver: PacketDecoder, chunk: Uint8Array): Iterable<IncomingEvent> {
    for (const event of receiver.feed(chunk)) {
      const told = this.#tell(event);
      if (told) yield told;
    }
  }

  /** Until the version packet the transport machine hears of it, afterwards the peer machine. */
  #tell(event: V2Event): IncomingEvent | undefined {
    if (event.kind === 'garbage') this.actor.send({ type: 'bytes.garbage', size: event.size });
    else if (event.kind === 'version') this.actor.send({ type: 'packet.version' });
    else if (event.kind === 'decoy') this.#skip();
    else if (event.kind === 'broken' && this.type === 'detecting') {
      this.actor.send({ type: 'bytes.broken', code: event.code, facts: event.facts });
    } else return event;
    return undefined;
  }

  #skip(): void {
    if (this.type === 'detecting') this.actor.send({ type: 'packet.decoy' });
  }
}
