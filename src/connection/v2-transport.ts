/**
 * The v2 transport (BIP324); it delegates to v1 once a responder has recognised v1. It converts received bytes into events of the
 * transport machine, executes the machine's effects, and after the key exchange encodes and decodes packets. It holds the
 * keys; the machine never receives them.
 */
import { type ActorRefFrom, createActor, type AnyActorRef } from 'xstate';
import type { TransportContext, TransportInput, transportMachine } from '../../machines/index.js';
import type { Timers } from '../net/timers.js';
import type { Chain } from '../networks.js';
import { knownMagic } from '../networks.js';
import type { LinkCode } from '../reasons.js';
import {
  createHandshakeParser,
  createPacketDecoder,
  createPacketEncoder,
  createV2Key,
  type HandshakeParser,
  type HandshakeParserEvent,
  hexOf,
  MAX_GARBAGE,
  type PacketDecoder,
  type PacketEncoder,
  type V2Event,
  type V2Key,
} from '../wire/index.js';
import { withHandlers } from '../xstate/effect-handlers.js';
import { Stepper } from '../xstate/stepper.js';
import { machinesOf, type TransportEffects } from './effects.js';
import type { IncomingEvent, MessageTransport, TransportOwner } from './transport.js';
import { V1Transport } from './v1-transport.js';
import {
  authenticated,
  DECOY_PAUSE,
  garbageSize,
  keyWithFault,
  terminatorWithFault,
  type V2FaultName,
} from './v2-faults.js';

/** The running actor of the transport machine. */
export type TransportActor = ActorRefFrom<typeof transportMachine>;

/** The optional bytes of our key exchange. */
export interface Padding {
  /** Bytes of garbage behind our key, 0 to 4,095. */
  readonly garbage: number;
  /** Contents sizes of the decoys before our version packet, bytes. */
  readonly decoys: readonly number[];
}

/** Draws 0 to 4,095 bytes of garbage, as Core does, and zero to three decoys of up to 255 bytes, which Core never sends but must skip. */
export function drawPadding(random: (count: number) => Uint8Array): Padding {
  const [low = 0, high = 0, count = 0, ...sizes] = random(6);
  return { garbage: (low | (high << 8)) % (MAX_GARBAGE + 1), decoys: sizes.slice(0, count % 4) };
}

export interface V2Options {
  readonly chain: Chain;
  readonly initiating: boolean;
  readonly random: (count: number) => Uint8Array;
  /** Default {@link drawPadding}. */
  readonly padding?: Padding;
  /** The fault to inject into our key exchange. */
  readonly fault?: V2FaultName;
  /** Times the repeated decoys of a fault. */
  readonly timers: Timers;
}

/** How the transport machine is run. */
export interface TransportActorOptions {
  readonly input: TransportInput;
  readonly compiled: boolean;
  readonly parent?: AnyActorRef;
  /** True: create an actor at once, so that inspectors see it. False: a responder gets one when the peer begins a key exchange. */
  readonly inspected?: boolean;
  /** The key exchange is over, or v1 was detected: no actor is left to be stopped. */
  readonly over?: () => void;
}

/** Our key and padding. Created when first needed, because most inbound connections turn out to be v1. */
interface OwnKey {
  readonly key: V2Key;
  readonly padding: Padding;
  readonly garbage: Uint8Array;
}

export class V2Transport implements MessageTransport, TransportEffects {
  /** Set by the machine's `effect.ready`. */
  type: 'v1' | 'v2' | 'detecting' = 'detecting';
  session_id = '';
  /** The running machine. A responder's is a stepper, which is cheaper, until the peer begins a key exchange. */
  #machine: TransportActor | Stepper<typeof transportMachine>;
  readonly #parser: HandshakeParser;
  #own: OwnKey | undefined;
  #encoder: PacketEncoder | undefined;
  #decoder: PacketDecoder | undefined;
  /** Set when v1 was detected. */
  #v1: V1Transport | undefined;
  #hasArrived = false;
  #isKeySent = false;
  #timer: unknown;

  constructor(
    private readonly options: V2Options,
    private readonly owner: TransportOwner,
    run: TransportActorOptions,
  ) {
    const { chain, initiating } = options;
    this.#parser = createHandshakeParser({ initiating, magic: chain.magic, knownMagic });
    this.#machine = this.#start(run);
  }

  /** A responder starts with a stepper: most accepted connections are v1, and then the machine ends after two events. */
  #start({ input, compiled, parent, inspected = false, over = () => undefined }: TransportActorOptions) {
    const logic = withHandlers(machinesOf(compiled).transport, this);
    const id = `transport.${input.id}`;
    if (compiled && parent && !inspected && input.role === 'responder')
      return new Stepper(logic, { id, input, parent, done: over }).start();
    const actor = createActor(logic, { id, input, ...(parent && { parent }) });
    // The parent receives the error too and handles it. Without this observer XState would throw it as an uncaught exception.
    actor.subscribe({ error: () => undefined });
    return actor.start();
  }

  /** The running machine, for inspection. */
  get machine(): TransportActor | Stepper<typeof transportMachine> {
    return this.#machine;
  }

  /** The connection has ended. `stopChild`: the parent's way to stop an actor. */
  stop(stopChild: (actor: TransportActor) => void): void {
    if (this.#machine.getSnapshot().status !== 'active') return;
    if (this.#machine instanceof Stepper) this.#machine.stop();
    else stopChild(this.#machine);
  }

  /** The peer begins a key exchange: from now on the machine is an actor, which has timers and can be inspected. */
  #beginExchange(): void {
    if (this.#machine instanceof Stepper) this.#machine = this.#machine.toActor();
    this.#machine.send({ type: 'bytes.v2' });
  }

  get buffered(): number {
    return this.#v1?.buffered ?? this.#decoder?.buffered ?? 0;
  }

  /** The TCP connection is open. */
  begin(): void {
    this.#machine.send({ type: 'link.connected' });
    if (this.options.fault === 'v2-early-key') this.sendKey();
  }

  feed(chunk: Uint8Array): Iterable<IncomingEvent> {
    this.#noteArrival();
    if (this.#decoder) return this.#decode(this.#decoder, chunk);
    const events = this.#parse(chunk);
    const [first] = events;
    return first?.kind === 'v1' ? this.#useV1(first.bytes) : this.#takeAll(events);
  }

  encode(command: string, payload: Uint8Array): Uint8Array {
    if (!this.#encoder) throw new Error('the key exchange is not over');
    // With this fault no version packet is sent, and the peer would read the first message as one.
    if (this.options.fault === 'v2-endless-decoys') return new Uint8Array();
    return this.#encoder.message(command, payload);
  }

  closed(code: LinkCode): boolean {
    if (this.type !== 'detecting') return false;
    this.#machine.send({ type: 'link.closed', code });
    return true;
  }

  wipe(): void {
    this.options.timers.clearTimeout(this.#timer);
    for (const secrets of [this.#own?.key, this.#encoder, this.#decoder]) secrets?.wipe();
  }

  sendKey(): void {
    if (this.#isKeySent) return;
    this.#isKeySent = true;
    const { key, garbage } = this.#ownKey();
    this.owner.write(keyWithFault(this.options.fault, key.ellswift, garbage));
  }

  sendTerminator(): void {
    const { fault } = this.options;
    if (!this.#encoder) return;
    this.owner.write(terminatorWithFault(fault, this.#encoder, this.#ownKey().padding.decoys));
    if (fault === 'v2-endless-decoys') this.#sendDecoys(this.#encoder);
  }

  ready(): void {
    this.type = this.#v1 ? 'v1' : 'v2';
    this.owner.ready(this.#v1 ?? this);
  }

  giveUp({ reason }: TransportContext, fallBack: boolean): void {
    const { code, facts } = reason ?? { code: 'ERR_LOCAL_BUG', facts: {} };
    this.owner.gaveUp({ code, facts }, fallBack);
  }

  #ownKey(): OwnKey {
    if (this.#own) return this.#own;
    const { random, fault, padding: given } = this.options;
    const key = createV2Key(random);
    const padding = given ?? drawPadding(random);
    return (this.#own = { key, padding, garbage: random(garbageSize(fault, padding.garbage)) });
  }

  #noteArrival(): void {
    if (this.#hasArrived) return;
    this.#hasArrived = true;
    this.#machine.send({ type: 'bytes.arrived' });
  }

  #sendDecoys(encoder: PacketEncoder): void {
    this.#timer = this.options.timers.setTimeout(() => {
      this.owner.write([encoder.decoy(9)]);
      this.#sendDecoys(encoder);
    }, DECOY_PAUSE);
  }

  /** When the bytes already show that the exchange fails, we answer nothing: Core has only queued its key by then, and discards it. */
  #parse(chunk: Uint8Array): readonly HandshakeParserEvent[] {
    const events = this.#parser.feed(chunk);
    const last = events.at(-1);
    return last?.kind === 'broken' ? [last] : events;
  }

  *#takeAll(events: readonly HandshakeParserEvent[]): Iterable<IncomingEvent> {
    for (const event of events) {
      if (event.kind === 'v2') this.#beginExchange();
      if (event.kind === 'broken')
        this.#machine.send({ type: 'bytes.broken', code: event.code, facts: event.facts });
      if (event.kind === 'key') yield* this.#agree(event.ellswift, event.rest);
    }
  }

  *#agree(theirs: Uint8Array, rest: Uint8Array): Iterable<IncomingEvent> {
    if (this.options.fault !== 'v2-short-key') this.#derive(theirs);
    this.#machine.send({ type: 'bytes.key' });
    if (this.#decoder) yield* this.#decode(this.#decoder, rest);
  }

  #derive(theirs: Uint8Array): void {
    const { chain, initiating, fault } = this.options;
    const { key, garbage } = this.#ownKey();
    const keys = key.agree(theirs, initiating, chain.magic);
    this.#encoder = createPacketEncoder(keys.send, authenticated(fault, garbage));
    this.#decoder = createPacketDecoder(keys.receive);
    this.session_id = hexOf(keys.sessionId);
    key.wipe();
    keys.wipe();
  }

  /** A responder continues with v1; for an initiator the exchange has failed. */
  #useV1(bytes: Uint8Array): Iterable<IncomingEvent> {
    if (!this.options.initiating) this.#v1 = new V1Transport(this.options.chain, this.owner);
    this.#machine.send({ type: 'bytes.v1' });
    return this.#v1?.feed(bytes) ?? [];
  }

  *#decode(decoder: PacketDecoder, chunk: Uint8Array): Iterable<IncomingEvent> {
    for (const event of decoder.feed(chunk)) {
      if (this.type === 'detecting') this.#exchange(event);
      else if (event.kind === 'frame' || event.kind === 'dropped' || event.kind === 'broken') yield event;
      if (event.kind === 'decoy') yield event;
    }
  }

  /** Converts packets of the key exchange into events of the transport machine; after the version packet the peer machine decides. */
  #exchange(event: V2Event): void {
    if (event.kind === 'garbage') this.#machine.send({ type: 'bytes.garbage', size: event.size });
    if (event.kind === 'version') this.#machine.send({ type: 'packet.version' });
    if (event.kind === 'decoy') this.#machine.send({ type: 'packet.decoy' });
    if (event.kind === 'broken')
      this.#machine.send({ type: 'bytes.broken', code: event.code, facts: event.facts });
  }
}
