/**
 * Handles what a transport delivers: counts each message, passes it to listeners, limits floods, and converts the messages
 * that the peer machine handles into its events.
 */
import { wantsTransactions } from '../../machines/index.js';
import type { PeerContext, PeerEvent, Rules } from '../../machines/index.js';
import type { DropCode } from '../reasons.js';
import { countOf } from '../wire/index.js';
import { type EventSources, faultOf, messageToEvent } from './message-to-event.js';
import { isLaterThan, isUnoffered } from './offered-services.js';
import type { Identity } from './outgoing-messages.js';
import type { PeerState } from './peer-record.js';
import { RateLimiter } from './rate-limiter.js';
import type { Traffic } from './traffic.js';
import type { IncomingEvent } from './transport.js';

/** The connection that the messages arrived on. */
export interface Receiver extends EventSources {
  readonly state: PeerState;
  readonly context: PeerContext;
  readonly traffic: Traffic;
  /** Sends an event to the peer machine. */
  deliver(event: PeerEvent): void;
  /** A whole message arrived. */
  received(command: string, payload: Uint8Array): void;
  /** A message was dropped and the connection kept. */
  dropped(code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
}

export class IncomingMessages {
  /** Created on first use: most peers send few pings and no useless messages. */
  #useless: RateLimiter | undefined;
  #pings: RateLimiter | undefined;

  constructor(
    private readonly receiver: Receiver,
    private readonly identity: Identity,
    private readonly rules: Rules,
  ) {}

  /** Handles one item. Returns true when it was useless, of which no honest peer sends many; the work budget counts these. */
  take(event: IncomingEvent): boolean {
    if (event.kind === 'frame') return this.#receive(event.command, event.payload, event.size);
    if (event.kind === 'broken')
      this.receiver.deliver({ type: 'wire.broken', code: event.code, facts: event.facts });
    else if (event.kind === 'dropped') this.#drop(event.code, event.command, event.size);
    else if (event.kind === 'skipped') this.#skip(event.command, event.size);
    else this.receiver.traffic.addDecoy(event.size);
    return true;
  }

  #skip(command: string, size: number): void {
    this.receiver.traffic.addReceived(command, size);
    if (this.receiver.state !== 'established') this.#isTooMany('useless');
  }

  #receive(command: string, payload: Uint8Array, size: number): boolean {
    this.receiver.traffic.addReceived(command, size);
    this.receiver.received(command, payload);
    const { context } = this.receiver;
    const event = eventOfMessage(command, payload, {
      identity: this.identity,
      context,
      sources: this.receiver,
    });
    const isUseless = event?.type === 'wire.ping' || event?.type === 'wire.dropped';
    if (event?.type === 'wire.dropped') this.#drop(event.code, command, 0);
    else if (this.#isFlood(event)) return true;
    else if (event) this.receiver.deliver(event);
    else this.#countFault(command, payload);
    this.#reportDropped(event);
    return isUseless;
  }

  /** Before the end of the handshake every message counts; afterwards only pings do, because each makes us answer. */
  #isFlood(event: PeerEvent | undefined): boolean {
    if (this.receiver.state !== 'established') return this.#isTooMany('useless');
    return event?.type === 'wire.ping' && this.#isTooMany('ping');
  }

  /** Counts one more message. Delivers `wire.flooded` and returns true when the limit is exceeded. */
  #isTooMany(what: 'useless' | 'ping'): boolean {
    const limiter = this.#limiterOf(what);
    const { limit, ms } = limiter;
    const isOver = limiter.isOver(this.receiver.traffic.lastrecv);
    if (isOver) this.receiver.deliver({ type: 'wire.flooded', what, limit, ms });
    return isOver;
  }

  #limiterOf(what: 'useless' | 'ping'): RateLimiter {
    const { maxUseless, maxPings, floodWindow } = this.rules;
    if (what === 'useless') return (this.#useless ??= new RateLimiter(maxUseless, floodWindow));
    return (this.#pings ??= new RateLimiter(maxPings, floodWindow));
  }

  #drop(code: DropCode, command: string, size: number): void {
    this.receiver.traffic.addDropped(code, size);
    this.receiver.dropped(code, command);
    if (!this.#isTooMany('useless')) this.receiver.deliver({ type: 'wire.dropped', code, command });
  }

  #countFault(command: string, payload: Uint8Array): void {
    const fault = faultOf(command, payload);
    if (!fault) return;
    this.#countDropped(fault.code, command);
    this.#isTooMany('useless');
  }

  /** Counts messages that were partly invalid although the machine did not drop them. */
  #reportDropped(event: PeerEvent | undefined): void {
    if (event?.type === 'wire.version' && event.fault) this.#countDropped(event.fault, 'version');
    if (event?.type === 'wire.excess' && this.receiver.state === 'established')
      this.#countDropped('ERR_PROTO_LIMIT', event.command);
  }

  #countDropped(code: DropCode | 'ERR_PROTO_LIMIT', command: string): void {
    this.receiver.traffic.addDropped(code, 0);
    this.receiver.dropped(code, command);
  }
}

/** What a message's event depends on besides the message: our `version`, the peer's context, time and random nonces. */
export interface Translation {
  readonly identity: Identity;
  readonly context: PeerContext;
  readonly sources: EventSources;
}

/**
 * Converts a message into the event for the peer machine; undefined for a message that the machine does not handle. Limits on
 * list lengths, our protocol version and our services are checked first, as in Core's `ProcessMessage`.
 */
export function eventOfMessage(
  command: string,
  payload: Uint8Array,
  { identity, context, sources }: Translation,
): PeerEvent | undefined {
  const list = countOf(command, payload);
  if (list && list.count > list.limit) return { type: 'wire.excess', command, ...list };
  if (isLaterThan(identity.version, command)) return undefined;
  const negotiated = { relay: wantsTransactions(context), wtxidrelay: context.wtxidrelay };
  if (isUnoffered(command, payload, identity, negotiated)) return { type: 'wire.unoffered', command };
  return messageToEvent(command, payload, sources);
}
