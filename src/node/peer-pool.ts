/**
 * The peers of a node: their connections and one shared tick, as one actor below the supervisor.
 *
 * It stores the connections in a map of its own, because XState's `spawnChild` copies the list of children on every spawn: here the
 * cost of a new peer does not depend on the number of peers. An actor that throws ends only its own connection, with
 * `ERR_LOCAL_BUG`.
 */
import type { ActorLogic, AnyActorRef, AnyEventObject, Snapshot } from 'xstate';
import { type Hex64, nextDeadline, type Rules } from '../../machines/index.js';
import { Connection, type ConnectionOptions, type ConnectionOwner } from '../connection/connection.js';
import type { Identity } from '../connection/outgoing-messages.js';
import { MAX_SEND_BUFFER } from '../connection/outgoing-queue.js';
import type { PeerState } from '../connection/peer-record.js';
import type { V2FaultName } from '../connection/v2-faults.js';
import { type Padding, V2Transport } from '../connection/v2-transport.js';
import type { Env } from '../net/environment.js';
import { normalHost } from '../net/subnet.js';
import type { Chain } from '../networks.js';
import type { DropCode, Reason } from '../reasons.js';
import { listNoActors } from '../xstate/actor-list.js';
import { isInspected, watchInspection } from '../xstate/inspection.js';
import { keepTimersByActor } from '../xstate/timers.js';
import { EvictionCandidates } from './eviction-candidates.js';
import { type InboundOptions, InboundPolicy } from './inbound-policy.js';
import { PeerClock } from './peer-clock.js';
import { MemoryBudget, type MemoryDecision, MEMORY_LIMITS } from './memory-budget.js';
import { ReleasingMap } from './releasing-map.js';
import { type EndedPeer, Tracker } from './tracker.js';
import { TurnQueue } from './turn-queue.js';
import { Turn, TURN_LIMITS, WorkBudget } from './work-budget.js';

export interface PoolListener {
  /** Whether every message is passed to a listener. */
  isListening(): boolean;
  moved(connection: Connection, from: PeerState, to: PeerState): void;
  message(connection: Connection, direction: 'sent' | 'received', command: string, payload: Uint8Array): void;
  dropped(connection: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void;
  /** `pingtime`: milliseconds. */
  ponged(connection: Connection, pingtime: number): void;
  drained(connection: Connection): void;
  /** The first `getaddr` of an accepted peer. */
  askedForAddresses(connection: Connection): void;
  ended(connection: Connection, ended: EndedPeer): void;
  /** The process was suspended for `ms` milliseconds (`monotonic`), or the wall clock was set by `ms` (`wall`). */
  jumped(ms: number, clock: 'monotonic' | 'wall'): void;
  /** Called once a second while there are connections, after their deadlines were checked. */
  ticked(now: number): void;
}

export interface PoolOptions extends InboundOptions {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  /** Bytes that may wait to be sent to one peer. Default {@link MAX_SEND_BUFFER}. */
  readonly maxsendbuffer?: number;
  /** Inbound slots. */
  readonly maxinbound?: number;
  /** True (default): run the compiled machines; false: XState interprets each step. */
  readonly compiled?: boolean;
  /** Use BIP324 only and refuse v1. */
  readonly v2only?: boolean;
  /** The garbage and decoys of our key exchanges. Default: random for each connection. */
  readonly padding?: Padding;
  /** The fault to inject into our key exchanges. */
  readonly v2fault?: V2FaultName;
  /** Present when the actors are inspected: every key exchange then has an actor from the start. */
  readonly inspect?: unknown;
}

type PoolLogic = ActorLogic<Snapshot<undefined>, AnyEventObject>;
type Scope = Parameters<PoolLogic['getInitialSnapshot']>[0];

/** Prefixes of actor ids; the id of the connection follows. */
const PEER = 'peer.';
const TRANSPORT = 'transport.';

const CANCELLED: Reason = { code: 'ERR_LOCAL_CANCELLED', facts: {} };

export class PeerPool implements ConnectionOwner {
  readonly env: Env;
  readonly chain: Chain;
  readonly identity: Identity;
  readonly rules: Rules;
  readonly maxsendbuffer: number;
  readonly compiled: boolean;
  readonly tracker: Tracker;
  /** Decides which inbound connections are accepted. */
  readonly inbound: InboundPolicy;
  readonly #evictionCandidates: EvictionCandidates;
  readonly #connections = new ReleasingMap<number, Connection>();
  /** Ids of outbound connections; the key is the address. */
  readonly #dialled = new Map<string, number>();
  /** Ids of outbound connections that are not established yet; the key is the nonce of our `version`. */
  readonly #dialling = new Map<Hex64, number>();
  readonly #transports = new ReleasingMap<number, V2Transport>();
  readonly #clock: PeerClock;
  readonly #turns: TurnQueue;
  readonly #work = new WorkBudget();
  readonly #memory = new MemoryBudget();
  /** Timers of connections whose next turn waits for the budget. */
  readonly #paced = new Map<number, unknown>();
  /** Connections whose key exchange was granted. */
  readonly #granted = new Set<number>();
  #scope: Scope | undefined;
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
    this.compiled = options.compiled ?? true;
    this.tracker = new Tracker(options.env.clock, this.#connections);
    this.inbound = new InboundPolicy(options, options.maxinbound);
    this.#evictionCandidates = new EvictionCandidates(options.env.random);
    const { clock } = options.env;
    this.#turns = new TurnQueue({
      now: () => clock.now(),
      schedule: (run) => void clock.setTimeout(run, 0),
      turn: (id) => this.#giveTurn(id),
      isHandshaking: (id) => this.#connections.get(id)?.state !== 'established',
    });
    this.#clock = new PeerClock(options.env.clock, {
      tick: (now) => this.#tick(now),
      jumped: (ms, clock) => this.#jumped(ms, clock),
    });
  }

  /** The actor that the supervisor invokes: the parent of the peer and transport actors. */
  readonly logic: PoolLogic = {
    getInitialSnapshot: (scope) => {
      this.#scope = scope;
      keepTimersByActor(scope.system);
      listNoActors(scope.system);
      watchInspection(scope.system, this.options.inspect !== undefined);
      return { status: 'active', output: undefined, error: undefined };
    },
    transition: (snapshot, event) => {
      this.#receive(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };

  get parent(): AnyActorRef | undefined {
    return this.#scope?.self;
  }

  /** Whether an outbound connection to that address exists or is being opened. */
  isKnown(addr: string): boolean {
    return this.#dialled.has(addr);
  }

  get isListenedTo(): boolean {
    return this.listener.isListening();
  }

  requestTurn({ id }: Connection): void {
    this.#turns.add(id);
  }

  held({ id }: Connection, bytes: number): void {
    this.#applyMemory(this.#memory.update(id, bytes, this.env.clock.now()));
  }

  /** Outbound connections, open or being opened. */
  *outbound(): Generator<Connection, void> {
    for (const id of this.#dialled.values()) {
      const connection = this.#connections.get(id);
      if (connection) yield connection;
    }
  }

  isDialling(nonce: Hex64): boolean {
    return this.#dialling.has(nonce);
  }

  get(id: number): Connection | undefined {
    return this.#connections.get(id);
  }

  /** Creates a connection and starts it; `created` is called before the start. */
  spawn(options: Omit<ConnectionOptions, 'id'>, created?: (connection: Connection) => void): void {
    const connection = new Connection({ ...options, id: ++this.#lastid }, this);
    this.#enter(connection);
    created?.(connection);
    connection.start();
  }

  /** The id of the inbound peer to evict for a connection from `host`; 0 when none may be evicted, or the work budget is used up. */
  selectPeerToEvict(host: string): number {
    if (!this.#work.allowsEviction(this.#connections.size, this.env.clock.now())) return 0;
    return this.#evictionCandidates.select(this.#connections.values(), host);
  }

  v2TransportFor(connection: Connection): V2Transport {
    const { chain, env, options, rules, compiled, parent } = this;
    const { padding, v2fault: fault, v2only = false } = options;
    const initiating = !connection.inbound;
    const role = initiating ? 'initiator' : 'responder';
    const input = { id: connection.id, role, v2only, handshakeTimeout: rules.handshakeTimeout } as const;
    const transport = new V2Transport(
      {
        chain,
        initiating,
        random: env.random,
        timers: env.clock,
        ...(padding && { padding }),
        ...(fault && { fault }),
      },
      connection,
      {
        input,
        compiled,
        inspected: parent !== undefined && isInspected(parent.system),
        over: () => this.#transports.delete(input.id),
        ...(parent && { parent }),
      },
    );
    this.#transports.add(connection.id, transport);
    return transport;
  }

  /** Bytes held for all peers, in both directions. */
  get bytesBuffered(): number {
    let sum = 0;
    for (const { buffered } of this.#connections.values()) sum += buffered;
    return sum;
  }

  /** Closes every connection after sending what waits to be sent. */
  drain(): void {
    for (const { actor } of [...this.#connections.values()]) actor.send({ type: 'user.close' });
  }

  /** Destroys every remaining connection. */
  kill(): void {
    for (const connection of [...this.#connections.values()]) {
      this.#scope?.stopChild(connection.actor);
      connection.close(false);
      this.#leave(connection, CANCELLED);
    }
  }

  moved(connection: Connection, from: PeerState, to: PeerState): void {
    if (to === 'established') {
      this.#dialling.delete(connection.nonce);
      if (connection.inbound) this.inbound.established(connection.id);
    }
    this.tracker.update(connection);
    this.listener.moved(connection, from, to);
  }

  changed(connection: Connection): void {
    this.tracker.update(connection);
  }

  ponged(connection: Connection, pingtime: number): void {
    this.listener.ponged(connection, pingtime);
  }

  message(
    connection: Connection,
    direction: 'sent' | 'received',
    command: string,
    payload: Uint8Array,
  ): void {
    this.listener.message(connection, direction, command, payload);
  }

  dropped(connection: Connection, code: DropCode | 'ERR_PROTO_LIMIT', command: string): void {
    this.listener.dropped(connection, code, command);
  }

  askedForAddresses(connection: Connection): void {
    this.listener.askedForAddresses(connection);
  }

  drained(connection: Connection): void {
    this.listener.drained(connection);
  }

  #enter(connection: Connection): void {
    this.#connections.add(connection.id, connection);
    if (connection.inbound) this.inbound.accepted(connection);
    else {
      this.#dialled.set(connection.addr, connection.id);
      this.#dialling.set(connection.nonce, connection.id);
    }
    this.tracker.create(connection);
    if (this.#connections.size === 1) this.#clock.start();
  }

  #leave(connection: Connection, reason: Reason): void {
    this.#connections.delete(connection.id);
    this.#forgetWork(connection.id);
    const isDiscouraged = this.inbound.ended(connection, reason);
    this.#evictionCandidates.ended(connection.id);
    this.#stopTransport(connection.id);
    if (!connection.inbound) {
      this.#dialled.delete(connection.addr);
      this.#dialling.delete(connection.nonce);
    }
    if (this.#connections.size === 0) this.#clock.stop();
    const ended = this.tracker.delete(connection, reason);
    connection.retire();
    this.listener.ended(connection, ended);
    if (isDiscouraged) this.#closeDiscouraged(normalHost(connection.remote.host));
  }

  /** Closes all connections from a host, in both directions (Core: `CConnman::DisconnectNode`). */
  #closeDiscouraged(host: string): void {
    for (const { actor, remote } of [...this.#connections.values()])
      if (normalHost(remote.host) === host) actor.send({ type: 'supervisor.discouraged' });
  }

  #forgetWork(id: number): void {
    this.#turns.remove(id);
    this.#granted.delete(id);
    this.env.clock.clearTimeout(this.#paced.get(id));
    this.#paced.delete(id);
    if (this.#memory.total > 0) this.#applyMemory(this.#memory.update(id, 0, this.env.clock.now()));
  }

  /** Gives a connection one turn; returns true when it has bytes left. A connection above its share of the budget waits instead. */
  #giveTurn(id: number): boolean {
    const connection = this.#connections.get(id);
    if (!connection) return false;
    const { clock } = this.env;
    const at = clock.now();
    const delay = Math.max(this.#work.delayOf(id, at), this.#keyDelay(connection, at));
    if (delay > 0) {
      this.#pace(id, delay);
      return false;
    }
    const turn = new Turn(() => clock.now(), TURN_LIMITS, this.#work.allowanceOf(id, at));
    const hasMore = connection.takeTurn(turn);
    if (turn.useless > 0) this.#work.spend(id, turn.useless, at);
    return hasMore;
  }

  /** Milliseconds that the key exchange of a connection has to wait; 0 when it needs none. Each is granted once. */
  #keyDelay(connection: Connection, at: number): number {
    if (!connection.wantsKeyExchange || this.#granted.has(connection.id)) return 0;
    this.#granted.add(connection.id);
    return this.#work.grantKeyExchange(at);
  }

  #pace(id: number, ms: number): void {
    const resume = (): void => {
      this.#paced.delete(id);
      this.#turns.add(id);
    };
    if (!this.#paced.has(id)) this.#paced.set(id, this.env.clock.setTimeout(resume, ms));
  }

  #applyMemory({ pause, resume, close }: MemoryDecision): void {
    for (const id of pause) this.#connections.get(id)?.setHeld(true);
    for (const id of resume) this.#connections.get(id)?.setHeld(false);
    const { total: limit, maxWait: ms } = MEMORY_LIMITS;
    for (const id of close)
      this.#connections.get(id)?.actor.send({ type: 'wire.flooded', what: 'unfinished', limit, ms });
  }

  /** A key exchange that is under way ends with its connection. */
  #stopTransport(id: number): void {
    this.#transports.get(id)?.stop((actor) => this.#scope?.stopChild(actor));
    this.#transports.delete(id);
  }

  /** Handles `xstate.done.actor.` and `xstate.error.actor.` of peers and transports (`peer.7`, `transport.7`). */
  #receive(event: AnyEventObject): void {
    const actorId = String(event.actorId);
    const isPeer = actorId.startsWith(PEER);
    const connection = this.#connections.get(Number(actorId.slice((isPeer ? PEER : TRANSPORT).length)));
    if (!connection) return;
    if (event.type.startsWith('xstate.error.actor.')) this.#crashed(connection, event.error);
    else if (!isPeer) this.#transports.delete(connection.id);
    else if (event.type.startsWith('xstate.done.actor.')) this.#finished(connection);
  }

  #finished(connection: Connection): void {
    const reason = connection.reason ?? CANCELLED;
    this.#leave(connection, reason);
    if (reason.code !== 'ERR_PROTO_SELF' || !connection.inbound) return;
    const dialling = this.#dialling.get(String(reason.facts.nonce));
    if (dialling !== undefined) this.get(dialling)?.actor.send({ type: 'supervisor.self' });
  }

  #crashed(connection: Connection, error: unknown): void {
    connection.close(false);
    // When the transport's actor threw, the peer's actor is still running.
    if (connection.actor.getSnapshot().status === 'active') this.#scope?.stopChild(connection.actor);
    const what = error instanceof Error ? error.message : String(error);
    this.#leave(connection, { code: 'ERR_LOCAL_BUG', facts: { state: connection.state, what } });
  }

  #tick(now: number): void {
    if (this.#memory.total > 0) this.#applyMemory(this.#memory.tick(now));
    for (const connection of this.#connections.values()) {
      if (connection.state !== 'established') continue;
      connection.updateQueue(now);
      if (nextDeadline(connection.state, connection.context, connection.moments).at < now)
        connection.tick(now);
    }
    this.listener.ticked(now);
  }

  #jumped(ms: number, clock: 'monotonic' | 'wall'): void {
    if (clock === 'monotonic') for (const connection of this.#connections.values()) connection.jump(ms);
    this.listener.jumped(ms, clock);
  }
}
