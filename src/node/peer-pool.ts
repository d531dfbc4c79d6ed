/**
 * The peers of a node: their actors, their sessions and one shared tick, as an actor of its own under the supervisor.
 *
 * Plain maps, because XState's `spawnChild` copies the list of children on every spawn: here one peer more or less
 * costs the same beside ten as beside ten thousand. A peer that throws ends alone, with `ERR_LOCAL_BUG`.
 */
import { type ActorLogic, type AnyEventObject, createActor, type Snapshot } from 'xstate';
import { nextDeadline, type Hex64, type Rules } from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Chain } from '../networks.js';
import type { DropCode, Reason } from '../reasons.js';
import type { Identity } from '../connection/outgoing-messages.js';
import type { Env } from '../net/environment.js';
import { type Padding, V2Transport } from '../connection/v2-transport.js';
import type { V2FaultName } from '../connection/v2-faults.js';
import { employ, type EffectHandlers, machinesOf } from '../connection/effects.js';
import { MAX_PENDING, PendingHandshakes } from './pending-handshakes.js';
import type { PeerState } from '../connection/peer-record.js';
import {
  type ConnectionOptions,
  MAX_SEND_BUFFER,
  Connection,
  type ConnectionOwner,
} from '../connection/connection.js';
import { keepTimersByActor } from '../xstate/timers.js';
import { type EndedPeer, Tracker } from './tracker.js';

/** Whom the pool tells. */
export interface PoolListener {
  moved(session: Connection, from: PeerState, to: PeerState): void;
  message(session: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void;
  dropped(session: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
  ponged(session: Connection): void;
  drained(session: Connection): void;
  ended(session: Connection, ended: EndedPeer): void;
  /** `ms` of time passed while the process did not run, or the wall clock was set by that much. */
  jumped(ms: number, clock: 'monotonic' | 'wall'): void;
}

export interface PoolOptions {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  /** Bytes that may wait for one peer. Default {@link MAX_SEND_BUFFER}. */
  readonly maxsendbuffer?: number;
  /** Unfinished handshakes for one source. Default {@link MAX_PENDING}, and loopback not counted. */
  readonly maxpending?: number;
  readonly pendingloopback?: boolean;
  /** Run the compiled machines (default); false: XState interprets each step. */
  readonly compiled?: boolean;
  /** Refuse v1 where v2 was asked for. */
  readonly v2only?: boolean;
  /** Garbage and decoys of ours, fixed; drawn anew for every connection otherwise. */
  readonly padding?: Padding;
  /** What goes wrong in our key exchanges on purpose. */
  readonly v2fault?: V2FaultName;
}

type PoolLogic = ActorLogic<Snapshot<undefined>, AnyEventObject>;
type Scope = Parameters<PoolLogic['getInitialSnapshot']>[0];

/** Between two looks at the deadlines of established peers, milliseconds. */
const TICK = 1_000;
/** A tick later than this was not slow: the process, or the machine, slept. */
const JUMP = 15_000;

const CANCELLED: Reason = { code: 'ERR_LOCAL_CANCELLED', facts: {} };

export class PeerPool implements ConnectionOwner, EffectHandlers {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  readonly maxsendbuffer: number;
  readonly tracker: Tracker;
  /** Accepted connections that are not established yet, by source. */
  readonly pending: PendingHandshakes;
  readonly #sessions = new Map<number, Connection>();
  /** Outbound connections by address, and those that are not established yet by nonce. */
  readonly #dialled = new Map<string, Connection>();
  readonly #dialling = new Map<Hex64, Connection>();
  readonly #machines: ReturnType<typeof machinesOf>;
  readonly #channels = new Map<number, V2Transport>();
  #scope: Scope | undefined;
  #timer: unknown;
  #tickedat = 0;
  #drift = 0;
  #lastid = 0;

  constructor(
    private readonly options: PoolOptions,
    private readonly listener: PoolListener,
  ) {
    this.env = options.env;
    this.chain = options.chain;
    this.identity = options.identity;
    this.rules = options.rules;
    this.maxsendbuffer = options.maxsendbuffer ?? MAX_SEND_BUFFER;
    this.tracker = new Tracker(options.env.clock);
    this.pending = new PendingHandshakes(options.maxpending ?? MAX_PENDING, options.pendingloopback ?? false);
    this.#machines = machinesOf(options.compiled ?? true);
  }

  /** The actor that the supervisor invokes: it hears how its peers end. */
  readonly logic: PoolLogic = {
    getInitialSnapshot: (scope) => {
      this.#scope = scope;
      employ(scope.system, this);
      keepTimersByActor(scope.system);
      return { status: 'active', output: undefined, error: undefined };
    },
    transition: (snapshot, event) => {
      this.#hear(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };

  /** Whether a connection to that address lives or is being dialled. */
  isKnown(addr: string): boolean {
    return this.#dialled.has(addr);
  }

  isDialling(nonce: Hex64): boolean {
    return this.#dialling.has(nonce);
  }

  get(id: number): Connection | undefined {
    return this.#sessions.get(id);
  }

  /** Makes a session and its actor, and starts both. */
  spawn(birth: Omit<ConnectionOptions, 'id'>): Connection {
    const session = new Connection({ ...birth, id: ++this.#lastid }, this);
    const { id, connection_type } = session;
    const input = { id, connection_type, rules: this.rules };
    const parent = this.#scope?.self;
    session.actor = createActor(this.#machines.peer, { id: `peer.${id}`, input, ...(parent && { parent }) });
    this.#enter(session);
    session.actor.subscribe(session);
    session.actor.start();
    session.begin();
    return session;
  }

  channelFor(session: Connection): V2Transport {
    const { chain, env, options, rules } = this;
    const { padding, v2fault: fault, v2only = false } = options;
    const initiating = !session.inbound;
    const parts = { chain, initiating, random: env.random, timers: env.clock };
    const channel = new V2Transport(
      { ...parts, ...(padding && { padding }), ...(fault && { fault }) },
      session,
    );
    const role = initiating ? 'initiator' : 'responder';
    const input = { id: session.id, role, v2only, handshakeTimeout: rules.handshakeTimeout } as const;
    const parent = this.#scope?.self;
    this.#channels.set(session.id, channel);
    channel.actor = createActor(this.#machines.transport, {
      id: `transport.${session.id}`,
      input,
      ...(parent && { parent }),
    });
    channel.actor.subscribe({ error: () => undefined });
    channel.actor.start();
    return channel;
  }

  /** Asks everybody to close. */
  drain(): void {
    for (const session of [...this.#sessions.values()]) session.actor.send({ type: 'user.close' });
  }

  /** Cuts off whoever is left. */
  kill(): void {
    for (const session of [...this.#sessions.values()]) {
      this.#scope?.stopChild(session.actor);
      session.close(false);
      this.#leave(session, CANCELLED);
    }
  }

  moved(session: Connection, from: PeerState, to: PeerState): void {
    if (to === 'established') {
      this.#dialling.delete(session.nonce);
      this.pending.remove(session.id);
    }
    this.tracker.update(session);
    this.listener.moved(session, from, to);
  }

  changed(session: Connection): void {
    this.tracker.update(session);
  }

  ponged(session: Connection): void {
    this.listener.ponged(session);
  }

  message(session: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void {
    this.listener.message(session, direction, command, payload);
  }

  dropped(session: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void {
    this.listener.dropped(session, code, command);
  }

  drained(session: Connection): void {
    this.listener.drained(session);
  }

  sessionOf(id: number): Connection {
    const session = this.#sessions.get(id);
    if (!session) throw new Error(`peer ${id} has no session`);
    return session;
  }

  channelOf(id: number): V2Transport {
    const channel = this.#channels.get(id);
    if (!channel) throw new Error(`peer ${id} has no v2 channel`);
    return channel;
  }

  #enter(session: Connection): void {
    this.#sessions.set(session.id, session);
    if (session.inbound) this.pending.add(session.id, session.remote.host);
    else {
      this.#dialled.set(formatEndpoint(session.remote), session);
      this.#dialling.set(session.nonce, session);
    }
    this.tracker.create(session);
    if (this.#sessions.size === 1) this.#startTicking();
  }

  #leave(session: Connection, reason: Reason): void {
    this.#sessions.delete(session.id);
    this.pending.remove(session.id);
    this.#stopTransport(session.id);
    if (!session.inbound) {
      this.#dialled.delete(formatEndpoint(session.remote));
      this.#dialling.delete(session.nonce);
    }
    if (this.#sessions.size === 0) this.env.clock.clearTimeout(this.#timer);
    session.retire();
    this.listener.ended(session, this.tracker.delete(session, reason));
  }

  /** An exchange that was under way ends with its connection. */
  #stopTransport(id: number): void {
    const actor = this.#channels.get(id)?.actor;
    this.#channels.delete(id);
    if (actor?.getSnapshot().status === 'active') this.#scope?.stopChild(actor);
  }

  /** `xstate.done.actor.peer.7`, and `xstate.error.actor.` of peers and transports. */
  #hear(event: AnyEventObject): void {
    const [kind, id] = String(event.actorId).split('.');
    const session = this.#sessions.get(Number(id));
    if (!session) return;
    if (event.type.startsWith('xstate.error.actor.')) this.#crashed(session, event.error);
    else if (kind === 'transport') this.#channels.delete(session.id);
    else if (event.type.startsWith('xstate.done.actor.'))
      this.#finished(session, event.output as Reason | null);
  }

  #finished(session: Connection, output: Reason | null): void {
    const reason = output ?? CANCELLED;
    this.#leave(session, reason);
    if (reason.code !== 'ERR_PROTO_SELF' || !session.inbound) return;
    this.#dialling.get(String(reason.facts.nonce))?.actor.send({ type: 'supervisor.self' });
  }

  #crashed(session: Connection, error: unknown): void {
    session.close(false);
    // When its transport threw, the peer itself is still there.
    if (session.actor.getSnapshot().status === 'active') this.#scope?.stopChild(session.actor);
    const what = error instanceof Error ? error.message : String(error);
    this.#leave(session, { code: 'ERR_LOCAL_BUG', facts: { state: session.state, what } });
  }

  #startTicking(): void {
    const { clock } = this.env;
    // Who hears of the last peer's end may dial the next one within the same tick.
    clock.clearTimeout(this.#timer);
    this.#tickedat = clock.now();
    this.#drift = clock.wall() - clock.now();
    this.#timer = clock.setTimeout(() => this.#tick(), TICK);
  }

  #tick(): void {
    const now = this.env.clock.now();
    this.#noticeJump(now);
    for (const session of this.#sessions.values()) {
      if (session.state !== 'established') continue;
      session.look(now);
      if (this.#isDue(session, now)) session.tick(now);
    }
    if (this.#sessions.size > 0) this.#startTicking();
  }

  #isDue(session: Connection, now: number): boolean {
    return nextDeadline(session.context, session.moments).at < now;
  }

  /** A late tick means that we slept; a wall clock that moved alone means that it was set, or that the machine slept. */
  #noticeJump(now: number): void {
    const late = now - this.#tickedat - TICK;
    const set = this.env.clock.wall() - now - this.#drift;
    if (late > JUMP) {
      for (const session of this.#sessions.values()) session.jump(late);
      this.listener.jumped(late, 'monotonic');
    } else if (Math.abs(set) > JUMP) {
      this.listener.jumped(set, 'wall');
    }
  }
}
