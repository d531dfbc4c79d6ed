/**
 * The outbound machine's cells on a running node: a net that opens or refuses a dial when the test says so, scripted peers
 * and a scripted lookup bring the node into the situation, then cause the event. What the target did is read off the lookups,
 * the dials, the node's events and the target's snapshot.
 */
import type { InspectionEvent, SnapshotFrom } from 'xstate';

import { BACKOFF_RESET_AFTER, type OutboundEvent, type outboundMachine } from '../../machines/index.js';
import { type BitcoinNode, createNode, type Peer, VirtualClock } from '../../src/index.js';
import type { LookupHandler } from '../../src/net/dns.js';
import { parseEndpoint } from '../../src/net/endpoint.js';
import type { DialHandler, Endpoint, Link, Net } from '../../src/net/link.js';
import { linkPair, memoryNet } from '../../src/net/memory.js';
import type { ReasonCode } from '../../src/reasons.js';
import { HEADER_SIZE } from '../../src/wire/index.js';
import { seededRandom } from '../support/memory-nodes.js';
import { GOOD, play, playV2, type Script } from '../support/scripted-node.js';
import { leafOf } from '../support/step.js';
import { greeting } from './handshake.js';
import {
  A,
  OUTBOUND_GRID_EVENTS,
  outboundIn,
  type OutboundGridEvent,
  type OutboundSituation,
  outboundStepper,
} from './outbound.js';

type Snapshot = SnapshotFrom<typeof outboundMachine>;

/** The result of a cell: where the target is, what it remembers, and what it did, in order. */
export interface OutboundOutcome {
  readonly state: string;
  readonly code: string;
  readonly failures: number;
  readonly delay: number;
  readonly current: number;
  readonly v1addresses: readonly string[];
  readonly selfconnections: number;
  readonly did: readonly string[];
}

const HERE: Endpoint = { host: '127.0.0.1', port: 18444 };
const CLOSED: OutboundEvent = OUTBOUND_GRID_EVENTS['peer.ended, closed from this side'] as OutboundEvent;
/** With it a v1 version is longer than garbage may be. */
const PADDING = new Uint8Array(4_200);
const GRANTED: OutboundEvent = { type: 'slot.granted' };
/** Slots of the node. */
const MAX_OUTBOUND = 2;
/** A node that answers `version` with an obsolete one. */
const OBSOLETE: Script = {
  message: (connection, command) => {
    if (command === 'version') connection.send('version', greeting(209).slice(HEADER_SIZE));
  },
};

/** Effects that can be seen from outside, by the name that {@link OutboundOutcome.did} has for them. */
const SEEN: Readonly<Record<string, string>> = {
  'effect.lookUp': 'lookUp',
  'effect.cancelLookUp': 'cancelLookUp',
  'effect.connect': 'connect',
  'effect.reportEnd': 'ended',
  'effect.reportFallback': 'fallback',
  'effect.reportRetry': 'redial',
  'effect.reportAbandoned': 'abandoned',
};

/** What the node itself adds at once: a slot is granted, and a connection that is asked to close has closed. */
const ANSWERS: Readonly<Record<string, OutboundEvent>> = { requestingSlot: GRANTED, closing: CLOSED };

const outcomeOf = ({ value, context }: Snapshot, did: readonly string[]): OutboundOutcome => {
  const { failures, delay, current, v1addresses, selfconnections, reason } = context;
  const state = leafOf(value);
  return { state, code: reason?.code ?? '', failures, delay, current, v1addresses, selfconnections, did };
};

/** The outcome that the machine gives, with the answers of the node. */
export function expectedOutbound(situation: OutboundSituation, event: OutboundGridEvent): OutboundOutcome {
  const stepper = outboundStepper(situation.input);
  let { snapshot, actions } = stepper.next(outboundIn(situation).snapshot, event);
  const did = actions.map(({ type }) => type);
  for (let answer = ANSWERS[leafOf(snapshot.value)]; answer; answer = ANSWERS[leafOf(snapshot.value)]) {
    ({ snapshot, actions } = stepper.next(snapshot, answer));
    did.push(...actions.map(({ type }) => type));
  }
  return outcomeOf(
    snapshot,
    did.flatMap((type) => SEEN[type] ?? []),
  );
}

/** Why a cell cannot be brought about on a node; empty when it can. */
export function outboundObstacle(situation: string, name: string): string {
  const state = situation.split(',')[0] ?? '';
  if (name === 'user.dial' && state === 'idle') return '';
  if (state === 'requestingSlot') return requestObstacle(name);
  if (PASSING[state] !== undefined) return PASSING[state];
  if (name === 'user.dial') return 'a handle is dialled once';
  if (name === 'user.close') return '';
  const place = Object.entries(PLACES).find(([start]) => name.startsWith(start))?.[1];
  if (place) return place.state === state ? '' : place.why;
  return connectionObstacle(state, situation, name);
}

function connectionObstacle(state: string, situation: string, name: string): string {
  if (state === 'connected') return connectedObstacle(name);
  return state === 'connecting' ? connectingObstacle(situation, name) : 'there is no connection';
}

/** States that a node leaves in the call that enters them. */
const PASSING: Readonly<Record<string, string>> = {
  idle: 'a target is dialled in the call that creates it',
  closing: 'a connection that is asked to close is closed at once',
};

/** Events, by the start of their name, that one state can get. */
const PLACES: Readonly<Record<string, { readonly state: string; readonly why: string }>> = {
  'slot.': { state: 'requestingSlot', why: 'no slot was requested' },
  timer: { state: 'backingOff', why: 'the timer is not armed' },
  lookup: { state: 'lookingUp', why: 'no lookup is under way' },
};

function requestObstacle(name: string): string {
  if (name.endsWith('stopping')) return 'a stopping node closes its targets first';
  return name.startsWith('slot.') ? '' : 'the supervisor answers at once, so the state cannot be held';
}

function connectedObstacle(name: string): string {
  if (name === 'peer.established') return 'the handshake is complete already';
  if (name.endsWith('a feeler is done')) return 'no feeler: manual connections do not end so';
  return name.includes('closed') ? '' : 'no end of an established connection';
}

function connectingObstacle(situation: string, name: string): string {
  const isV2 = /v2(only)?(, one-shot)?$/.test(situation) && !situation.includes('after v2');
  if (situation.endsWith('feeler') && name === 'peer.established')
    return 'a feeler ends with the version of the peer';
  if (name.endsWith('a feeler is done'))
    return situation.endsWith('feeler') ? '' : 'no feeler: manual connections do not end so';
  if (name.includes('ms')) return 'the handshake is not complete';
  if (name.includes('v1 header') && situation.includes('v2only'))
    return 'a v2only connection ends with ERR_POLICY_TRANSPORT';
  return isV2 || !/no answer|v1 header/.test(name) ? '' : 'only with BIP324';
}

/** Byte strings of 4 are draws: half of the range, as in the grid. The others are nonces and keys. */
function gridRandom(): (count: number) => Uint8Array {
  const random = seededRandom(10);
  return (count) => (count === 4 ? Uint8Array.of(0, 0, 0, 0x80) : random(count));
}

/** A node whose lookups and dials wait for an answer of the test. */
class RunningTarget {
  readonly clock = new VirtualClock();
  readonly node: BitcoinNode;
  readonly #net = memoryNet({ timers: this.clock });
  #peer: Peer | undefined;
  #lookup: LookupHandler | undefined;
  #dial: DialHandler | undefined;
  /** The remote end of the connection. */
  #remote: Link | undefined;
  snapshot: Snapshot | undefined;
  did: string[] = [];

  constructor(private readonly situation: OutboundSituation) {
    const { v2, v2only } = situation.input;
    this.node = createNode({
      ...{ chain: 'regtest', clock: this.clock, net: this.#heldNet(), random: gridRandom() },
      ...{ maxoutbound: MAX_OUTBOUND, v2transport: v2, v2only, inspect: (event) => this.#inspect(event) },
      lookup: (_, handler) => {
        this.did.push('lookUp');
        this.#lookup = handler;
        return () => this.did.push('cancelLookUp');
      },
    });
    for (const event of ['fallback', 'redial', 'abandoned'] as const)
      this.node.on(event, () => void this.did.push(event));
    this.node.on('ended', ({ inbound }) => void (inbound || this.did.push('ended')));
  }

  #heldNet(): Net {
    return {
      listen: (at, accepted) => this.#net.listen(at, accepted),
      dial: (_, handler) => {
        this.did.push('connect');
        this.#dial = handler;
        return () => (this.#dial = undefined);
      },
    };
  }

  #inspect(event: InspectionEvent): void {
    if (event.type !== '@xstate.snapshot' || !('id' in event.actorRef)) return;
    if (String(event.actorRef.id).startsWith('outbound.')) this.snapshot = event.snapshot as Snapshot;
  }

  /** Causes an event by its name in the grid. */
  async bring(name: string, event: OutboundGridEvent): Promise<void> {
    if (event.type === 'user.dial') this.#start();
    else if (event.type === 'slot.granted') this.#start();
    else if (event.type === 'slot.refused') this.#startRefused(event.reason.code);
    else if (event.type === 'user.close') this.#peer!.close();
    else if (event.type === 'lookup.done')
      this.#lookup!.found(event.addresses.map((at) => at.split(':')[0]!));
    else if (event.type === 'lookup.failed') this.#lookup!.failed(event.reason);
    else if (event.type === 'peer.established') this.#establish();
    else if (event.type === 'peer.ended') await this.#end(name, event.reason.code);
    else if (event.type.startsWith('xstate.')) this.clock.advance(this.snapshot!.context.delay);
    this.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #start(): void {
    const { name, addresses, persistent, connection_type } = this.situation.input;
    const [first, ...more] = addresses.map((text) => parseEndpoint(text, 0));
    this.#peer = this.node.dial(name === '' ? [first!, ...more] : name, { persistent, connection_type });
  }

  /** Dials when a slot will be refused: the address is being dialled already, or every slot is taken. */
  #startRefused(code: ReasonCode): void {
    const isTaken = code === 'ERR_POLICY_DUPLICATE';
    for (let other = 0; other < (isTaken ? 1 : MAX_OUTBOUND); other += 1)
      this.node.dial(isTaken ? A : `10.0.1.${other}:18444`);
    this.did = [];
    this.#start();
  }

  /** Opens the connection that is being dialled. */
  #open(): Link {
    const [near, far] = linkPair({ timers: this.clock });
    this.#remote = far;
    this.#dial!.opened(near);
    return far;
  }

  #establish(): void {
    (this.#usesV2 ? playV2 : play)(this.#open(), GOOD);
    this.#settle();
  }

  /** Delivers what is on its way. */
  #settle(): void {
    for (let step = 0; step < 9; step += 1) this.clock.advance(0);
  }

  get #usesV2(): boolean {
    return this.situation.input.v2 && !this.snapshot!.context.v1addresses.includes(A);
  }

  async #end(name: string, code: ReasonCode): Promise<void> {
    const wasOpen = leafOf(this.snapshot!.value) === 'connected';
    if (name.includes('refused')) return this.#dial!.failed('ERR_DIAL_REFUSED', {});
    if (code === 'ERR_LOCAL_CANCELLED') return void this.node.close(this.#peer!.id);
    if (code === 'ERR_PROTO_SELF') return this.#connectToItself();
    if (name.includes(' ms'))
      this.clock.advance(name.includes('59,999') ? BACKOFF_RESET_AFTER - 1 : BACKOFF_RESET_AFTER);
    const remote = wasOpen ? this.#remote! : this.#open();
    if (code === 'END_DONE') play(remote, GOOD);
    else if (name.includes('obsolete') && this.#usesV2) playV2(remote, OBSOLETE);
    else if (name.includes('obsolete')) remote.write([greeting(209)]);
    else if (name.includes('v1 header')) remote.write([greeting(70017), PADDING]);
    else remote.end();
    this.#settle();
  }

  /** What the node sends to its target comes to itself, and back. */
  async #connectToItself(): Promise<void> {
    const listener = await this.node.listen(HERE);
    const remote = this.#open();
    this.#net.dial(HERE, { opened: (link) => join(remote, link), failed: () => undefined });
    this.#settle();
    await listener.close();
  }
}

/** Each of two links gets what comes over the other, its end too. */
function join(one: Link, other: Link): void {
  one.attach({ data: (chunk) => other.write([chunk.slice()]), closed: () => other.end() });
  other.attach({ data: (chunk) => one.write([chunk.slice()]), closed: () => one.end() });
}

/** The name that the grid has for each event of a situation. */
const nameOf = (event: OutboundGridEvent): string => {
  const text = JSON.stringify(event);
  const named = Object.entries(OUTBOUND_GRID_EVENTS).find(([, each]) => JSON.stringify(each) === text);
  return named?.[0] ?? event.type;
};

/** What a node does in the cell. */
export async function outboundOnNode(
  situation: OutboundSituation,
  name: string,
  event: OutboundGridEvent,
): Promise<OutboundOutcome> {
  const target = new RunningTarget(situation);
  // The supervisor answers in the call that dials.
  const before = event.type.startsWith('slot.') ? [] : situation.events;
  for (const each of before) if (each.type !== 'slot.granted') await target.bring(nameOf(each), each);
  target.did = [];
  await target.bring(name, event);
  const outcome = outcomeOf(target.snapshot!, [...target.did]);
  await target.node.stop();
  return outcome;
}
