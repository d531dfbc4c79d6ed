/**
 * A node: listens, dials, keeps its peers and says what happens. The library's front door.
 *
 *   const node = createNode({ chain: 'regtest' });
 *   node.on('established', (peer) => console.log(peer.subver));
 *   const peer = await node.dial('127.0.0.1:18444').established();
 *   await node.stop();
 */
import { EventEmitter } from 'node:events';
import { type ActorRefFrom, createActor, toPromise } from 'xstate';
import {
  CORE_RULES,
  DRAIN_TIMEOUT,
  type ConnectionType,
  type RefusalCode,
  supervisorMachine,
} from '../../machines/index.js';
import { formatEndpoint, parseEndpoint } from '../io/endpoint.js';
import type { Endpoint, Link, Listener } from '../io/link.js';
import { tcpNet } from '../io/tcp.js';
import type { Chain } from '../networks.js';
import { type Reason, REASONS, VerackError } from '../reasons.js';
import { type Env, systemClock, systemRandom } from './env.js';
import type { NodeEvents } from './events.js';
import { chainOf, type DialOptions, identityOf, type NodeOptions } from './options.js';
import { Peer } from './peer.js';
import { Pool, type PoolListener } from './pool.js';
import { Redials, type Target } from './redial.js';
import type { PeerState, Session } from './session.js';
import type { PeerInfo, PeerTracker } from './tracker.js';
import type { Message, UnknownMessage } from '../wire/index.js';

interface Request {
  readonly remote: Endpoint;
  readonly connection_type: ConnectionType;
  readonly link?: Link;
  readonly v2: boolean;
  session?: Session;
  refusal?: RefusalCode;
}

interface Handle {
  readonly peer: Peer;
  readonly target: Target;
  /** Lets go of the caller's abort signal. */
  readonly unhook: () => void;
}

/** Makes a node; nothing is dialled or listened to before it is asked. */
export const createNode = (options: NodeOptions = {}): BitcoinNode => new BitcoinNode(options);

export class BitcoinNode extends EventEmitter<NodeEvents> implements AsyncDisposable {
  readonly chain: Chain;
  /** The registry of live peers, read-only. */
  readonly peers: PeerTracker;
  readonly #env: Env;
  readonly #pool: Pool;
  readonly #redials: Redials;
  readonly #supervisor: ActorRefFrom<typeof supervisorMachine>;
  readonly #listeners = new Set<Listener>();
  readonly #requests = new Map<number, Request>();
  readonly #handles = new Map<number, Handle>();
  readonly #v2transport: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.stop();
  #lastticket = 0;
  #stopping = false;

  constructor(options: NodeOptions) {
    super();
    this.setMaxListeners(0);
    this.chain = chainOf(options.chain ?? 'main');
    const { clock = systemClock, random = systemRandom, net = tcpNet() } = options;
    this.#env = { clock, random, net };
    const rules = { ...CORE_RULES, ...options.rules };
    const identity = identityOf(options, rules);
    const { v2transport = false, v2only = false, padding, v2fault } = options;
    this.#v2transport = v2transport || v2only;
    const parts = {
      env: this.#env,
      chain: this.chain,
      identity,
      rules,
      v2only,
      ...(padding && { padding }),
      ...(v2fault && { v2fault }),
    };
    this.#pool = new Pool(parts, this.#listener());
    this.peers = this.#pool.tracker;
    this.#redials = new Redials(this.#env, (target) => this.#redial(target));
    this.#supervisor = this.#supervise(options);
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** The supervisor's actor, for inspection: its snapshot holds the slots. */
  get supervisor(): ActorRefFrom<typeof supervisorMachine> {
    return this.#supervisor;
  }

  /** Targets that wait for their next try. */
  get redialling(): number {
    return this.#redials.waiting;
  }

  /**
   * Dials an address (`1.2.3.4`, `[::1]:18444`, default port of the chain) or the first of several that stand for one
   * host. Names are not resolved here; see `resolveHost`. Throws a {@link VerackError}: `ERR_LOCAL_ARGUMENT` for text
   * that is no address, `ERR_POLICY_DUPLICATE`, `ERR_POLICY_FULL`, or `ERR_LOCAL_CANCELLED` once the node is stopping.
   */
  dial(to: string | Endpoint | readonly [Endpoint, ...Endpoint[]], options: DialOptions = {}): Peer {
    const endpoints = typeof to === 'string' ? ([parseEndpoint(to, this.chain.port)] as const) : asList(to);
    const target: Target = { endpoints, failures: 0, tries: 0, v1: false, options };
    return this.#handleOf(this.#dial(target), target);
  }

  /** Accepts peers at `host:port`; port 0 lets the system choose. Rejects with `ERR_LOCAL_LIMIT` when it cannot. */
  async listen(at: Endpoint, { signal }: { signal?: AbortSignal } = {}): Promise<Listener> {
    const listener = await this.#env.net.listen(at, (link) => this.#accept(link));
    const close = (): Promise<void> => {
      this.#listeners.delete(closing);
      signal?.removeEventListener('abort', abort);
      return listener.close();
    };
    const abort = (): void => void close();
    const closing = { local: listener.local, close };
    this.#listeners.add(closing);
    signal?.addEventListener('abort', abort, { once: true });
    this.emit('listening', listener.local);
    return closing;
  }

  /** Ends the connection with that id in order. False when there is none. */
  close(id: number): boolean {
    const session = this.#pool.get(id);
    session?.actor.send({ type: 'user.close' });
    return session !== undefined;
  }

  /**
   * Sends messages to an established peer, in one write. False when there is no such peer, or its handshake is not over:
   * what comes before `verack` is the machine's business. Throws `ERR_LOCAL_ARGUMENT` for a value that does not fit its field.
   */
  send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const session = this.#pool.get(id);
    if (session?.state !== 'established') return false;
    session.transmit(messages);
    return true;
  }

  /** Stops listening and redialling, lets peers close, cuts off the rest. Resolves when nothing is left. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#redials.stop();
    const closed = [...this.#listeners].map((listener) => listener.close());
    this.#supervisor.send({ type: 'user.stop' });
    await Promise.all([...closed, toPromise(this.#supervisor)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #supervise(options: NodeOptions): ActorRefFrom<typeof supervisorMachine> {
    const machine = supervisorMachine.provide({
      actors: { pool: this.#pool.logic },
      actions: {
        'effect.spawn': ({ event }) => this.#grant('ticket' in event ? event.ticket : 0),
        'effect.refuse': ({ event }, { code }) => this.#refuse('ticket' in event ? event.ticket : 0, code),
        'effect.drain': () => this.#pool.drain(),
        'effect.kill': () => this.#pool.kill(),
      },
    });
    const { maxinbound = 114, maxoutbound = 11, drainTimeout = DRAIN_TIMEOUT, inspect } = options;
    const input = { maxinbound, maxoutbound, drainTimeout };
    const clock = this.#env.clock;
    return createActor(machine, { id: 'supervisor', input, clock, ...(inspect && { inspect }) }).start();
  }

  /** Asks the supervisor, which answers before this returns. */
  #ask(request: Request): Request {
    const ticket = ++this.#lastticket;
    this.#requests.set(ticket, request);
    const known = this.#pool.isKnown(formatEndpoint(request.remote));
    this.#supervisor.send(
      request.link ? { type: 'link.accepted', ticket } : { type: 'dial.requested', ticket, known },
    );
    this.#requests.delete(ticket);
    return request;
  }

  #grant(ticket: number): void {
    const request = this.#requests.get(ticket);
    if (!request) return;
    request.session = this.#pool.spawn(request);
  }

  #refuse(ticket: number, code: RefusalCode): void {
    const request = this.#requests.get(ticket);
    if (request) request.refusal = code;
  }

  #dial(target: Target): Session {
    const { connection_type = 'manual', v2transport = this.#v2transport } = target.options;
    const remote = target.endpoints[target.tries++ % target.endpoints.length] ?? target.endpoints[0];
    const { session, refusal } = this.#ask({ remote, connection_type, v2: v2transport && !target.v1 });
    if (!session) throw new VerackError(refusal ?? 'ERR_LOCAL_CANCELLED', { addr: formatEndpoint(remote) });
    return session;
  }

  #handleOf(session: Session, target: Target): Peer {
    const peer = new Peer(
      session.id,
      formatEndpoint(session.remote),
      this.peers,
      (id) => void this.close(id),
    );
    const { signal } = target.options;
    const abort = (): void => peer.close();
    this.#handles.set(session.id, {
      peer,
      target,
      unhook: () => signal?.removeEventListener('abort', abort),
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    return peer;
  }

  /** Somebody else may have dialled that address in the meantime, or taken the last slot. */
  #redial(target: Target): void {
    try {
      this.#handleOf(this.#dial(target), target);
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      this.#again(target, { code: error.code, facts: error.facts }, 0);
    }
  }

  #again(target: Target, reason: Reason, establishedfor: number): void {
    if (!target.options.persistent || target.options.signal?.aborted || this.#stopping) return;
    const addr = formatEndpoint(target.endpoints[0]);
    const delay = this.#redials.ended(target, reason, establishedfor);
    if (delay === undefined) this.emit('abandoned', { addr, reason });
    else this.emit('redial', { addr, delay, failures: target.failures, reason });
  }

  #accept(link: Link): void {
    const { session, refusal } = this.#ask({
      remote: link.remote,
      connection_type: 'inbound',
      link,
      v2: this.#v2transport,
    });
    if (session) return;
    link.destroy();
    const code = refusal ?? 'ERR_LOCAL_CANCELLED';
    this.emit('refused', { addr: formatEndpoint(link.remote), reason: { code, facts: {} } });
  }

  #listener(): PoolListener {
    return {
      moved: (session, from, to) => this.#moved(session, from, to),
      ended: (session, last) => this.#ended(session, last),
      dropped: (session, code, command) => this.emit('dropped', { ...nameOf(session), code, command }),
      jumped: (ms, clock) => this.emit('jump', { ms, clock }),
      message: (session, direction, command, payload) => {
        if (this.listenerCount('message') === 0) return;
        this.emit('message', { ...nameOf(session), direction, command, payload, at: this.#env.clock.now() });
      },
    };
  }

  #moved(session: Session, from: PeerState, to: PeerState): void {
    if (this.listenerCount('transition') > 0) {
      this.emit('transition', {
        ...nameOf(session),
        inbound: session.inbound,
        from,
        to,
        at: session.stateat,
      });
    }
    if (to !== 'established') return;
    const handle = this.#handles.get(session.id);
    if (!handle && this.listenerCount('established') === 0) return;
    const info = this.#pool.tracker.get(session.id);
    if (!info) return;
    handle?.peer.tellEstablished(info);
    this.emit('established', info);
  }

  #ended(session: Session, last: PeerInfo): void {
    this.#supervisor.send({ type: 'peer.ended', id: session.id, inbound: session.inbound });
    const handle = this.#handles.get(session.id);
    this.#handles.delete(session.id);
    if (handle && last.lastreason?.facts.retry === 'v1' && this.#fallBack(handle, last)) return;
    if (handle) return this.#settle(handle, session, last);
    this.emit('ended', last);
  }

  /** A dialled connection is over, and not to be tried again as v1. */
  #settle({ peer, target, unhook }: Handle, session: Session, last: PeerInfo): void {
    const said = target.v1 ? afterV2(last) : last;
    if (said.lastreason?.facts.speaks === 'v1') target.v1 = true;
    this.emit('ended', said);
    peer.tellEnded(said);
    unhook();
    const { establishedat } = session.context;
    const establishedfor = establishedat < 0 ? 0 : this.#env.clock.now() - establishedat;
    if (said.lastreason) this.#again(target, said.lastreason, establishedfor);
  }

  /** Once, on a new connection to the same address (BIP324; Core: ReconnectV1). The handle goes on with it. */
  #fallBack(handle: Handle, last: PeerInfo): boolean {
    const { target } = handle;
    if (this.#stopping || target.v1 || target.options.signal?.aborted) return false;
    target.v1 = true;
    target.tries--;
    try {
      const session = this.#dial(target);
      handle.peer.follow(session.id);
      this.#handles.set(session.id, handle);
      this.emit('fallback', last);
      return true;
    } catch (error) {
      if (error instanceof VerackError) return false;
      throw error;
    }
  }
}

/** Some nodes ban who tries v2: then the v1 connection behind it ends at once, and the facts say what came before. */
function afterV2(last: PeerInfo): PeerInfo {
  const { lastreason } = last;
  if (!lastreason || REASONS[lastreason.code].family !== 'link') return last;
  return { ...last, lastreason: { ...lastreason, facts: { ...lastreason.facts, afterv2: true } } };
}

const nameOf = (session: Session) => ({ id: session.id, addr: formatEndpoint(session.remote) });

const asList = (to: Endpoint | readonly [Endpoint, ...Endpoint[]]): readonly [Endpoint, ...Endpoint[]] =>
  'host' in to ? [to] : to;
