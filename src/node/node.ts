/**
 * A node: listens, dials, keeps its peers and reports what happens. The main entry of the library.
 *
 *   const node = createNode({ chain: 'regtest' });
 *   node.on('established', (peer) => console.log(peer.subver));
 *   const peer = await node.dial('127.0.0.1:18444').established();
 *   await node.stop();
 */
import { EventEmitter } from 'node:events';
import { type ActorRefFrom, createActor, toPromise } from 'xstate';
import {
  copySupervisorContext,
  CORE_RULES,
  DRAIN_TIMEOUT,
  type RefusalCode,
  supervisorMachine,
} from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import type { PeerState } from '../connection/peer-record.js';
import { onAbort } from '../net/abort.js';
import type { SeedAddress } from '../net/dns.js';
import { formatEndpoint } from '../net/endpoint.js';
import { drawFraction, type Env, throwLater } from '../net/environment.js';
import type { Endpoint, Link, Listener } from '../net/link.js';
import { createNetgroups, type Netgroups } from '../net/netgroup.js';
import type { Chain } from '../networks.js';
import type { Message, UnknownMessage } from '../wire/index.js';
import { compile } from '../xstate/compile.js';
import { withHandlers } from '../xstate/effect-handlers.js';
import { mayCompile } from '../xstate/version.js';
import { AddressRelay } from './address-relay.js';
import { AutomaticOutbound } from './automatic-outbound.js';
import { destinationOf } from './destination.js';
import type { NodeEvents } from './events.js';
import { type Arrival, MAX_INBOUND } from './inbound-policy.js';
import { Listeners } from './listeners.js';
import {
  chainOf,
  checkDialOptions,
  checkOptions,
  type DialOptions,
  environmentOf,
  identityOf,
  type NodeOptions,
} from './options.js';
import { countLasting } from './outbound-netgroups.js';
import { anchorsOf, candidateSourceOf, DEFAULT_NETWORKS, slotsOf } from './outbound-slots.js';
import type { OutboundTarget } from './outbound-target.js';
import { type Destination, OutboundTargets, type TargetsListener } from './outbound-targets.js';
import { Peer } from './peer.js';
import { PeerPool, type PoolListener } from './peer-pool.js';
import { type SupervisorEffects, supervisorLogic } from './supervisor-effects.js';
import type { EndedPeer, PeerTracker } from './tracker.js';

/** A running node; made by `createNode`. Its events are those of {@link NodeEvents}. */
export class BitcoinNode extends EventEmitter<NodeEvents> implements AsyncDisposable {
  readonly chain: Chain;
  /** The registry of live peers, read-only. */
  readonly peers: PeerTracker;
  readonly #env: Env;
  readonly #pool: PeerPool;
  readonly #targets: OutboundTargets;
  readonly #listeners: Listeners;
  readonly #supervisor: ActorRefFrom<typeof supervisorMachine>;
  readonly #automatic: AutomaticOutbound;
  readonly #relay: AddressRelay | undefined;
  readonly #byPeer = new WeakMap<Peer, OutboundTarget>();
  /** Accepted links that wait for the supervisor's decision, by ticket. */
  readonly #accepted = new Map<number, Arrival>();
  readonly #v2transport: boolean;
  readonly #signal: AbortSignal | undefined;
  #forgetSignal = (): void => undefined;
  /** Aborts when the node stops. */
  readonly #stopping = new AbortController();
  #lastticket = 0;

  constructor(options: NodeOptions) {
    super();
    checkOptions(options);
    this.setMaxListeners(0);
    this.chain = chainOf(options.chain ?? 'main');
    const env = (this.#env = environmentOf(options));
    const rules = { ...CORE_RULES, ...options.rules };
    const { v2transport = false, v2only = false } = options;
    const compiled = options.compiled !== false && mayCompile();
    this.#v2transport = v2transport || v2only;
    const identity = identityOf(options, rules);
    const parts = { ...options, compiled, env, chain: this.chain, identity, rules };
    this.#pool = new PeerPool(parts, this.#poolListener());
    this.peers = this.#pool.tracker.view;
    const supervise = this.#supervise.bind(this);
    const netgroups = options.addressBook?.netgroups ?? createNetgroups();
    const targets = { env, compiled, v2only, pool: this.#pool, netgroups, supervise };
    this.#targets = new OutboundTargets(targets, this.#targetsListener());
    this.#listeners = new Listeners({
      net: env.net,
      accepted: (link) => this.#accept(link),
      failed: (at, facts) =>
        this.emit('refused', { addr: formatEndpoint(at), reason: { code: 'ERR_LOCAL_LIMIT', facts } }),
    });
    this.#automatic = this.#automaticOf(options, netgroups);
    this.#relay = this.#relayOf(options, identity.services);
    this.#supervisor = this.#startSupervisor(options, compiled);
    this.#signal = options.signal;
    if (this.#signal?.aborted) void this.stop();
    else this.#forgetSignal = onAbort(this.#signal, () => void this.stop());
    if (options.outbound) this.#fill(options);
  }

  /** The supervisor's actor, for inspection: its snapshot holds the slots. */
  get supervisor(): ActorRefFrom<typeof supervisorMachine> {
    return this.#supervisor;
  }

  /** Bytes held for all peers: unfinished messages, bytes that wait for their turn, what the system has not taken yet. */
  get bytesBuffered(): number {
    return this.#pool.bytesBuffered;
  }

  /** Targets that wait for their next try. */
  get redialling(): number {
    return this.#targets.backingOff;
  }

  /**
   * Dials a host: `1.2.3.4`, `[::1]:18444`, `name`, `name:8333` (default port: the chain's), an endpoint, or several
   * addresses that stand for one host. A name is looked up, anew for every round of tries; its addresses are dialled one after
   * the other. A host of another network (`.onion`, `.i2p`) is never looked up: the net dials it as it stands. What comes of it is reported by the handle and by the node's events.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for text that is no host, an endpoint that is no address, or an option that does
   * not exist
   */
  dial(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialOptions = {}): Peer {
    const { connection_type = 'manual', persistent = false, v2transport: v2 = this.#v2transport } = options;
    checkDialOptions(options);
    const destination = destinationOf(to, this.chain.port);
    if (this.#stopping.signal.aborted) return this.#refusedPeer(destination);
    const target = this.#targets.create({ destination, connection_type, persistent, v2, automatic: false });
    const peer = new Peer(target.addr, this.peers, () => this.closePeer(peer));
    target.peer = peer;
    this.#byPeer.set(peer, target);
    target.dial();
    this.#closeOnAbort(peer, options.signal);
    return peer;
  }

  /** The supervisor has stopped, so its answer would not come. */
  #refusedPeer(destination: Destination): Peer {
    const { host, port } =
      'name' in destination ? { ...destination, host: destination.name } : destination.addresses[0];
    const peer = new Peer(formatEndpoint({ host, port }), this.peers, () => undefined);
    peer.onEnded(undefined, { code: 'ERR_LOCAL_CANCELLED', facts: {} }, true);
    return peer;
  }

  #closeOnAbort(peer: Peer, signal: AbortSignal | undefined): void {
    if (!signal) return;
    if (signal.aborted) return peer.close();
    const forget = onAbort(signal, () => peer.close());
    this.#byPeer.get(peer)?.actor.subscribe({ complete: forget, error: forget });
  }

  /** The caller's `peer.close()`. @internal */
  protected closePeer(peer: Peer): void {
    this.#byPeer.get(peer)?.close();
  }

  /**
   * Accepts peers at `host:port`; port 0 lets the system choose. Rejects with the codes of `Net.listen` when it cannot,
   * with `ERR_LOCAL_CANCELLED` when the node is stopping or the signal has aborted.
   */
  async listen(at: Endpoint, { signal }: { signal?: AbortSignal } = {}): Promise<Listener> {
    const listener = await this.#listeners.open(at, signal);
    this.emit('listening', listener.local);
    return listener;
  }

  /** Ends the connection with that id in order. False when there is none. */
  close(id: number): boolean {
    const connection = this.#pool.get(id);
    connection?.actor.send({ type: 'user.close' });
    return connection !== undefined;
  }

  /**
   * Sends messages to an established peer, in one write. False when there is no such peer, or its handshake is not over:
   * what comes before `verack` is the machine's business. False too, and nothing is sent, while more than `maxsendbuffer`
   * bytes have waited for that peer and are not all taken yet: the event `drained` reports when they are.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for a value that does not fit its field
   */
  send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const connection = this.#pool.get(id);
    if (connection?.state !== 'established' || connection.isFull) return false;
    connection.transmit(messages);
    return true;
  }

  /** Calls the listeners. One that throws is reported to the process (`uncaughtException`); the node continues. */
  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    try {
      return (super.emit as (event: K, ...payload: NodeEvents[K]) => boolean).call(this, event, ...payload);
    } catch (error) {
      throwLater(error);
      return true;
    }
  }

  /** Stops listening and dialling, lets peers close, destroys the rest. Resolves when nothing is left. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#forgetSignal();
    const closed = this.#listeners.close();
    this.#supervise({ type: 'user.stop' });
    await Promise.all([closed, toPromise(this.#supervisor)]);
  }

  /** Stops the node, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The source has an address for a feeler, or none. @internal */
  protected foundFeeler(address: Endpoint | undefined): void {
    this.#supervise({ type: 'feeler.found', exists: this.#automatic.keepFeeler(address) });
  }

  /** The source has answered. @internal */
  protected foundCandidates(addresses: readonly SeedAddress[]): void {
    const count = this.#automatic.keepCandidates(addresses);
    this.emit('candidates', { addresses });
    this.#supervise({ type: 'candidates.found', count, draw: drawFraction(this.#env) });
  }

  #fill(options: NodeOptions): void {
    const draw = slotsOf(options).feelerInterval > 0 ? drawFraction(this.#env) : 0;
    this.#supervise({ type: 'user.fill', anchors: this.#automatic.anchors, draw });
  }

  #automaticOf(options: NodeOptions, netgroups: Netgroups): AutomaticOutbound {
    const env = this.#env;
    const source = candidateSourceOf(options, {
      ...{ env, chain: this.chain, netgroups },
      outbound: () => this.#pool.outbound,
      unroutable: (addresses) => this.emit('unroutable', { addresses }),
    });
    return new AutomaticOutbound(
      {
        env,
        source,
        anchors: anchorsOf(options),
        pool: this.#pool,
        v2transport: this.#v2transport,
        signal: this.#stopping.signal,
      },
      {
        open: (target) => this.#targets.create(target).dial(),
        candidates: (addresses) => this.foundCandidates(addresses),
        feeler: (address) => this.foundFeeler(address),
        feelerDue: (draw) => this.#supervise({ type: 'feeler.due', draw }),
      },
    );
  }

  /** Its messages are sent by `send`, as a listener of the node would, so that a recording holds them. */
  #relayOf({ addressBook: book, outbound }: NodeOptions, services: string): AddressRelay | undefined {
    if (!book) return undefined;
    const { clock } = this.#env;
    const relay = new AddressRelay({
      ...{ book, clock, services, networks: outbound?.networks ?? DEFAULT_NETWORKS },
      listening: () => this.#listeners.endpoints,
      send: (id, message) => void this.send(id, message),
    });
    this.on('getaddr', ({ id }) => {
      const connection = this.#pool.get(id);
      if (connection) relay.answer(connection);
    });
    return relay;
  }

  #supervise(event: Parameters<ActorRefFrom<typeof supervisorMachine>['send']>[0]): void {
    this.#supervisor.send(event);
  }

  #startSupervisor(options: NodeOptions, compiled: boolean): ActorRefFrom<typeof supervisorMachine> {
    const actors = { peers: this.#pool.logic, targets: this.#targets.logic };
    const machine = supervisorLogic.provide({ actors });
    const { maxinbound = MAX_INBOUND, maxoutbound = 11, drainTimeout = DRAIN_TIMEOUT, inspect } = options;
    const logic = withHandlers(
      compiled ? compile(machine, { copy: copySupervisorContext }) : machine,
      this.#effects(),
    );
    return createActor(logic, {
      id: 'supervisor',
      input: { maxinbound, maxoutbound, drainTimeout, ...slotsOf(options) },
      clock: this.#env.clock,
      ...(inspect && { inspect }),
    }).start();
  }

  /** The effects of the supervisor machine. */
  #effects(): SupervisorEffects {
    return {
      answerSlot: (ticket, code) => this.#answerSlot(ticket, code),
      accept: (ticket) => this.#acceptLink(ticket),
      refuse: (ticket, code) => this.#refuseLink(ticket, code),
      selectPeerToEvict: (ticket) => this.#selectPeerToEvict(ticket),
      evict: (id) => this.#pool.get(id)?.actor.send({ type: 'supervisor.evicted' }),
      findCandidates: () => this.#automatic.findCandidates(),
      openTargets: (count, block) => this.#automatic.openTargets(count, block),
      openAnchors: (count) => this.#automatic.openAnchors(count),
      armFeeler: (delay) => this.#automatic.armFeeler(delay),
      findFeeler: () => this.#automatic.findFeeler(),
      openFeeler: () => this.#automatic.openFeeler(),
      reportUnreachable: () => this.emit('unreachable', { chain: this.chain.chain }),
      reportFilled: () => this.emit('filled', { chain: this.chain.chain }),
      drain: () => {
        this.#automatic.drain();
        this.#targets.drain();
        this.#pool.drain();
      },
      kill: () => this.#pool.kill(),
    };
  }

  #answerSlot(ticket: number, code?: RefusalCode): void {
    const target = this.#targets.get(ticket);
    if (target) target.answerSlot(code);
    // It was closed while its request waited: the slot is not used.
    else if (!code) this.#supervise({ type: 'peer.ended', id: 0, inbound: false });
  }

  #accept(link: Link): void {
    const ticket = ++this.#lastticket;
    const arrival = this.#pool.inbound.arrivalOf(link, this.#env.clock.now(), this.#unix());
    this.#accepted.set(ticket, arrival);
    const { banned, discouraged, exceeds, reserved } = arrival.facts;
    this.#supervise({ type: 'link.accepted', ticket, banned, discouraged, exceeds, reserved });
  }

  #unix(): number {
    return this.#env.clock.wall() / 1_000;
  }

  #take(ticket: number): Arrival | undefined {
    const arrival = this.#accepted.get(ticket);
    this.#accepted.delete(ticket);
    return arrival;
  }

  #acceptLink(ticket: number): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { link, noban, preferevict } = arrival;
    const { remote } = link;
    this.#pool.spawn({
      ...{ remote, link, noban, preferevict, connection_type: 'inbound', v2: this.#v2transport },
    });
  }

  #selectPeerToEvict(ticket: number): void {
    const newcomer = this.#accepted.get(ticket)?.link.remote.host ?? '';
    this.#supervise({ type: 'eviction.selected', ticket, id: this.#pool.selectPeerToEvict(newcomer) });
  }

  #refuseLink(ticket: number, code: RefusalCode): void {
    const arrival = this.#take(ticket);
    if (!arrival) return;
    const { link, refusal } = arrival;
    link.destroy();
    const isOfSource = refusal !== undefined && SOURCE_CODES.includes(code);
    const facts = isOfSource ? { source: refusal.source, limit: refusal.limit } : {};
    this.emit('refused', { addr: formatEndpoint(link.remote), reason: { code, facts } });
  }

  #targetsListener(): TargetsListener {
    return {
      ended: (last) => this.emit('ended', last),
      fallback: (last) => this.emit('fallback', last),
      retry: ({ addr }, { delay, failures, reason }) => {
        if (reason) this.emit('redial', { addr, delay, failures, reason });
      },
      abandoned: ({ addr }, reason) => this.emit('abandoned', { addr, reason }),
      dialled: (remote) => this.#relay?.dialled(remote, countLasting(this.#pool.outbound)),
    };
  }

  #poolListener(): PoolListener {
    return {
      isListening: () => this.listenerCount('message') > 0,
      moved: (connection, from, to) => this.#moved(connection, from, to),
      ended: (connection, last) => this.#ended(connection, last),
      drained: (connection) => this.emit('drained', nameOf(connection)),
      askedForAddresses: (connection) => this.emit('getaddr', nameOf(connection)),
      dropped: (connection, code, command) => this.emit('dropped', { ...nameOf(connection), code, command }),
      ponged: (connection, ms) => {
        if (this.listenerCount('pong') === 0) return;
        this.emit('pong', { ...nameOf(connection), pingtime: ms / 1_000 });
      },
      jumped: (ms, clock) => this.emit('jump', { ms, clock }),
      ticked: (now) => this.#relay?.tick(now),
      message: (connection, direction, command, payload) => {
        if (direction === 'received') this.#relay?.received(connection, command, payload);
        if (this.listenerCount('message') === 0) return;
        // Written out: for every message, a spread here costs more than all the rest of the report.
        const [id, addr, at] = [connection.id, formatEndpoint(connection.remote), this.#env.clock.now()];
        this.emit('message', { id, addr, direction, command, payload, at });
      },
    };
  }

  #moved(connection: Connection, from: PeerState, to: PeerState): void {
    this.#relay?.moved(connection, from, to);
    if (this.listenerCount('transition') > 0) {
      const { inbound, stateat: at } = connection;
      this.emit('transition', { ...nameOf(connection), inbound, from, to, at });
    }
    if (to !== 'established') return;
    this.#establish(connection);
    this.#relay?.established(connection);
  }

  #establish(connection: Connection): void {
    if (!this.#targets.of(connection) && this.listenerCount('established') === 0) return;
    const info = this.#pool.tracker.get(connection.id);
    if (!info) return;
    this.#targets.established(connection, info);
    this.emit('established', info);
  }

  #ended(connection: Connection, ended: EndedPeer): void {
    this.#relay?.ended(connection);
    this.#supervise({ type: 'peer.ended', id: connection.id, inbound: connection.inbound });
    if (this.#targets.connectionEnded(connection, ended)) return;
    if (this.listenerCount('ended') > 0) this.emit('ended', ended.info);
  }
}

/** Refusals whose facts name the source and the limit. */
const SOURCE_CODES: readonly RefusalCode[] = ['ERR_POLICY_RATE', 'ERR_POLICY_PENDING', 'ERR_POLICY_SOURCE'];

const nameOf = (connection: Connection) => ({
  id: connection.id,
  addr: formatEndpoint(connection.remote),
});
