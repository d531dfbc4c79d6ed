/**
 * A node: listens, dials, manages its peers and emits events. The main class of the library.
 *
 *   const node = createNode({ chain: 'regtest' });
 *   node.on('established', (peer) => console.log(peer.subver));
 *   const peer = await node.dial('127.0.0.1:18444').established();
 *   await node.stop();
 */
import { EventEmitter } from 'node:events';
import { type ActorRefFrom, createActor, toPromise } from 'xstate';
import { copySupervisorContext, CORE_RULES, DRAIN_TIMEOUT, supervisorMachine } from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import type { PeerState } from '../connection/peer-record.js';
import { onAbort } from '../net/abort.js';
import type { SeedAddress } from '../net/dns.js';
import { formatEndpoint } from '../net/endpoint.js';
import { drawFraction, type Env, throwLater } from '../net/environment.js';
import type { Endpoint, Listener } from '../net/link.js';
import { createNetgroups, type Netgroups } from '../net/netgroup.js';
import type { Chain } from '../networks.js';
import type { Reason } from '../reasons.js';
import type { Message, UnknownMessage } from '../wire/index.js';
import { compile } from '../xstate/compile.js';
import { withHandlers } from '../xstate/effect-handlers.js';
import { mayCompile } from '../xstate/version.js';
import { AcceptedLinks } from './accepted-links.js';
import { AddressRelay } from './address-relay.js';
import { AutomaticOutbound } from './automatic-outbound.js';
import { destinationOf } from './destination.js';
import type { NodeEvents } from './events.js';
import { MAX_INBOUND } from './inbound-policy.js';
import { Listeners } from './listeners.js';
import {
  chainOf,
  checkDialOptions,
  checkListenOptions,
  checkOptions,
  type DialOptions,
  environmentOf,
  identityOf,
  type NodeOptions,
} from './options.js';
import { anchorsOf, candidateSourceOf, DEFAULT_NETWORKS, slotsOf } from './outbound-slots.js';
import type { OutboundTarget } from './outbound-target.js';
import { type Destination, OutboundTargets, type TargetsListener } from './outbound-targets.js';
import { Peer } from './peer.js';
import { PeerPool, type PoolListener } from './peer-pool.js';
import { type SupervisorEffects, supervisorLogic } from './supervisor-effects.js';
import type { EndedPeer, PeerTracker } from './tracker.js';

/** A running node; created by `createNode`. Its events are those of {@link NodeEvents}. */
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
  readonly #accepted: AcceptedLinks;
  readonly #v2transport: boolean;
  readonly #signal: AbortSignal | undefined;
  #forgetSignal = (): void => undefined;
  /** Aborts when the node stops. */
  readonly #stopping = new AbortController();

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
    const refused = (addr: string, reason: Reason): void => void this.emit('refused', { addr, reason });
    this.#accepted = new AcceptedLinks({
      pool: this.#pool,
      clock: env.clock,
      v2transport: this.#v2transport,
      supervise,
      refused,
    });
    this.#listeners = new Listeners({
      net: env.net,
      accepted: (link) => this.#accepted.add(link),
      failed: (at, facts) => refused(formatEndpoint(at), { code: 'ERR_LOCAL_LIMIT', facts }),
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

  /** Bytes held for all peers: unfinished messages, received bytes that wait for their turn, and bytes that wait to be sent. */
  get bytesBuffered(): number {
    return this.#pool.bytesBuffered;
  }

  /** Number of targets that wait for their next round of dials. */
  get redialling(): number {
    return this.#targets.backingOff;
  }

  /**
   * Dials a host: `1.2.3.4`, `[::1]:18444`, `name`, `name:8333` (default port: that of the chain), an endpoint, or several
   * addresses of one host. A name is looked up again for every round of dials, and its addresses are dialled one after the
   * other. A host of another network (`.onion`, `.i2p`) is not looked up: the net receives it as text. The returned handle and
   * the node's events report the result.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for text that is not a host, an endpoint whose host is not an address, or an
   * option that does not exist
   */
  dial(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialOptions = {}): Peer {
    const { connection_type = 'manual', persistent = false, v2transport: v2 = this.#v2transport } = options;
    checkDialOptions(options);
    const destination = destinationOf(to, this.chain.port);
    if (this.#stopping.signal.aborted) return this.#refusedPeer(destination);
    const target = this.#targets.create({ destination, connection_type, persistent, v2, automatic: false });
    const peer = new Peer(target.addr, this.peers, () => this.closePeer(peer, target));
    target.peer = peer;
    target.dial();
    this.#closeOnAbort(peer, target, options.signal);
    return peer;
  }

  /** After `stop` the supervisor answers no requests, so the handle is rejected here. */
  #refusedPeer(destination: Destination): Peer {
    const { host, port } =
      'name' in destination ? { ...destination, host: destination.name } : destination.addresses[0];
    const peer = new Peer(formatEndpoint({ host, port }), this.peers, () => undefined);
    peer.onEnded(undefined, { code: 'ERR_LOCAL_CANCELLED', facts: {} }, true);
    return peer;
  }

  #closeOnAbort(peer: Peer, target: OutboundTarget, signal: AbortSignal | undefined): void {
    if (!signal || target.isOver) return;
    if (signal.aborted) peer.close();
    else target.onOver = onAbort(signal, () => peer.close());
  }

  /** Executes the caller's `peer.close()`. @internal */
  protected closePeer(_: Peer, target: OutboundTarget): void {
    target.close();
  }

  /**
   * Accepts peers on an endpoint; port 0 lets the system choose. Rejects with the codes of `Net.listen` on failure, and with
   * `ERR_LOCAL_CANCELLED` when the node is stopping or the signal has aborted, and with `ERR_LOCAL_ARGUMENT` for an option that
   * does not exist. An abort later closes the listener.
   */
  async listen(at: Endpoint, options: { signal?: AbortSignal } = {}): Promise<Listener> {
    checkListenOptions(options);
    const listener = await this.#listeners.open(at, options.signal);
    this.emit('listening', listener.local);
    return listener;
  }

  /** Closes the connection with that id after sending what waits to be sent. Returns false when there is none. */
  close(id: number): boolean {
    const connection = this.#pool.get(id);
    connection?.actor.send({ type: 'user.close' });
    return connection !== undefined;
  }

  /**
   * Sends messages to an established peer, in one write. Returns false and sends nothing when there is no such peer, when its
   * handshake is not complete (until then only the peer machine sends), or when more than `maxsendbuffer` bytes have waited
   * for it and are not all sent yet: the event `drained` reports when they are.
   *
   * @throws VerackError `ERR_LOCAL_ARGUMENT` for a value that does not fit its field
   */
  send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const connection = this.#pool.get(id);
    if (connection?.state !== 'established' || connection.isFull) return false;
    connection.transmit(messages);
    return true;
  }

  /** Calls the listeners. An error that one throws becomes an `uncaughtException` of the process; the node continues. */
  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    try {
      return (super.emit as (event: K, ...payload: NodeEvents[K]) => boolean).call(this, event, ...payload);
    } catch (error) {
      throwLater(error);
      return true;
    }
  }

  /**
   * Stops listening and dialling, and closes all connections; those still open after `drainTimeout` are destroyed. Resolves when
   * no connection and no listener is left. Idempotent.
   */
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

  /** The candidate source has answered a request for a feeler's address; undefined when it has none. @internal */
  protected foundFeeler(address: Endpoint | undefined): void {
    this.#supervise({ type: 'feeler.found', exists: this.#automatic.keepFeeler(address) });
  }

  /** The candidate source has answered. @internal */
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
      env,
      chain: this.chain,
      netgroups,
      outbound: () => this.#pool.outbound(),
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

  /** The relay sends with `send()`, as a listener of the node would, so that a recording contains its messages as inputs. */
  #relayOf({ addressBook: book, outbound }: NodeOptions, services: string): AddressRelay | undefined {
    if (!book) return undefined;
    const { clock } = this.#env;
    const relay = new AddressRelay({
      book,
      clock,
      services,
      networks: outbound?.networks ?? DEFAULT_NETWORKS,
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
      answerSlot: (ticket, code) => this.#targets.answerSlot(ticket, code),
      accept: (ticket) => this.#accepted.accept(ticket),
      refuse: (ticket, code) => this.#accepted.refuse(ticket, code),
      selectPeerToEvict: (ticket) => this.#accepted.selectPeerToEvict(ticket),
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

  #targetsListener(): TargetsListener {
    return {
      ended: (last) => this.emit('ended', last),
      fallback: (last) => this.emit('fallback', last),
      retry: ({ addr }, { delay, failures, reason }) => {
        if (reason) this.emit('redial', { addr, delay, failures, reason });
      },
      abandoned: ({ addr }, reason) => this.emit('abandoned', { addr, reason }),
      dialled: (remote) => this.#relay?.dialled(remote, this.#pool.outbound()),
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
        // No object spread: this runs for every message, and the spread costs more than the rest of the function.
        const { id, addr } = connection;
        this.emit('message', { id, addr, direction, command, payload, at: this.#env.clock.now() });
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
    const isAwaited = this.listenerCount('established') > 0;
    const info = isAwaited ? this.#pool.tracker.get(connection.id) : undefined;
    this.#targets.established(connection);
    if (info) this.emit('established', info);
  }

  #ended(connection: Connection, ended: EndedPeer): void {
    this.#relay?.ended(connection);
    this.#supervise({ type: 'peer.ended', id: connection.id, inbound: connection.inbound });
    if (this.#targets.connectionEnded(connection, ended)) return;
    if (this.listenerCount('ended') > 0) this.emit('ended', ended.info);
  }
}

const nameOf = ({ id, addr }: Connection) => ({ id, addr });
