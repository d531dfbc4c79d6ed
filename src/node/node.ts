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
import { formatEndpoint, parseEndpoint } from '../net/endpoint.js';
import type { Endpoint, Link, Listener } from '../net/link.js';
import { sourceOf } from '../net/source-network.js';
import { tcpNet } from '../net/tcp.js';
import type { Chain } from '../networks.js';
import { isLinkCode, type Reason, VerackError } from '../reasons.js';
import { compile } from '../xstate/compile.js';
import { type Env, throwLater, systemClock, systemRandom } from '../net/environment.js';
import type { NodeEvents } from './events.js';
import { chainOf, checkOptions, type DialOptions, identityOf, type NodeOptions } from './options.js';
import { Peer } from './peer.js';
import { PeerPool, type PoolListener } from './peer-pool.js';
import { Redials, type Target } from './redial.js';
import type { Connection } from '../connection/connection.js';
import type { PeerInfo } from './peerinfo.js';
import type { PeerState } from '../connection/peer-record.js';
import type { EndedPeer, PeerTracker } from './tracker.js';
import type { Message, UnknownMessage } from '../wire/index.js';

interface Request {
  readonly remote: Endpoint;
  readonly connection_type: ConnectionType;
  readonly link?: Link;
  readonly v2: boolean;
  session?: Connection;
  refusal?: RefusalCode;
}

/** Makes a node; nothing is dialled or listened to before it is asked. */
export const createNode = (options: NodeOptions = {}): BitcoinNode => new BitcoinNode(options);

/** A node that runs; made by {@link createNode}. Its events are those of {@link NodeEvents}. */
export class BitcoinNode extends EventEmitter<NodeEvents> implements AsyncDisposable {
  readonly chain: Chain;
  /** The registry of live peers, read-only. */
  readonly peers: PeerTracker;
  readonly #env: Env;
  readonly #pool: PeerPool;
  readonly #redials: Redials;
  readonly #supervisor: ActorRefFrom<typeof supervisorMachine>;
  readonly #listeners = new Set<Listener>();
  readonly #requests = new Map<number, Request>();
  /** Who was dialled, by the id of the connection that lives. */
  readonly #targets = new Map<number, Target>();
  readonly #v2transport: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.stop();
  #lastticket = 0;
  #stopping = false;

  constructor(options: NodeOptions) {
    super();
    checkOptions(options);
    this.setMaxListeners(0);
    this.chain = chainOf(options.chain ?? 'main');
    this.#env = envOf(options);
    const rules = { ...CORE_RULES, ...options.rules };
    const identity = identityOf(options, rules);
    const { v2transport = false, v2only = false } = options;
    this.#v2transport = v2transport || v2only;
    const parts = { ...options, env: this.#env, chain: this.chain, identity, rules };
    this.#pool = new PeerPool(parts, this.#listener());
    this.peers = this.#pool.tracker.view;
    this.#redials = new Redials(this.#env, (target) => this.#redial(target));
    this.#supervisor = this.#supervise(options);
    this.#signal = options.signal;
    if (this.#signal?.aborted) void this.stop();
    else this.#signal?.addEventListener('abort', this.#abort, { once: true });
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
    const endpoints =
      typeof to === 'string' ? ([parseEndpoint(to, this.chain.port)] as const) : checked(asList(to));
    const target: Target = { endpoints, failures: 0, tries: 0, v1: false, closed: false, options };
    const peer = new Peer(formatEndpoint(endpoints[0]), this.peers, () => this.giveUp(target));
    target.peer = peer;
    target.abort = () => peer.close();
    this.#launch(target);
    if (options.signal?.aborted) peer.close();
    else options.signal?.addEventListener('abort', target.abort, { once: true });
    return peer;
  }

  /**
   * Accepts peers at `host:port`; port 0 lets the system choose. Rejects with `ERR_LOCAL_LIMIT` when it cannot,
   * with `ERR_LOCAL_CANCELLED` when the node is stopping or the signal has aborted.
   */
  async listen(at: Endpoint, { signal }: { signal?: AbortSignal } = {}): Promise<Listener> {
    if (this.#isOver(signal)) throw cancelled(at);
    const listener = await this.#env.net.listen(
      at,
      (link) => this.#accept(link),
      (facts) =>
        this.emit('refused', { addr: formatEndpoint(at), reason: { code: 'ERR_LOCAL_LIMIT', facts } }),
    );
    if (this.#isOver(signal)) {
      await listener.close();
      throw cancelled(at);
    }
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

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#stopping || signal?.aborted === true;
  }

  /** Ends the connection with that id in order. False when there is none. */
  close(id: number): boolean {
    const session = this.#pool.get(id);
    session?.actor.send({ type: 'user.close' });
    return session !== undefined;
  }

  /**
   * Sends messages to an established peer, in one write. False when there is no such peer, or its handshake is not over:
   * what comes before `verack` is the machine's business. False too, and nothing is sent, while more than `maxsendbuffer` bytes
   * have waited for that peer and are not all taken yet: the event `drained` says when they are. Throws `ERR_LOCAL_ARGUMENT` for a value that does not fit its field.
   */
  send(id: number, ...messages: readonly (Message | UnknownMessage)[]): boolean {
    const session = this.#pool.get(id);
    if (session?.state !== 'established' || session.isFull) return false;
    session.transmit(messages);
    return true;
  }

  /** Tells the listeners. One that throws is the process's problem (`uncaughtException`), not the node's. */
  override emit<K extends keyof NodeEvents>(event: K, ...payload: NodeEvents[K]): boolean {
    try {
      return (super.emit as (event: K, ...payload: NodeEvents[K]) => boolean).call(this, event, ...payload);
    } catch (error) {
      throwLater(error);
      return true;
    }
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
    const {
      maxinbound = 114,
      maxoutbound = 11,
      drainTimeout = DRAIN_TIMEOUT,
      inspect,
      compiled = true,
    } = options;
    const input = { maxinbound, maxoutbound, drainTimeout };
    const clock = this.#env.clock;
    return createActor(compiled ? compile(machine) : machine, {
      id: 'supervisor',
      input,
      clock,
      ...(inspect && { inspect }),
    }).start();
  }

  /** Asks the supervisor, which answers before this returns. */
  #ask(request: Request): Request {
    const ticket = ++this.#lastticket;
    this.#requests.set(ticket, request);
    const { link, remote } = request;
    this.#supervisor.send(
      link
        ? { type: 'link.accepted', ticket, crowded: this.#pool.pending.isCrowded(remote.host) }
        : { type: 'dial.requested', ticket, known: this.#pool.isKnown(formatEndpoint(remote)) },
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

  #dial(target: Target): Connection {
    const { connection_type = 'manual', v2transport = this.#v2transport } = target.options;
    const remote = target.endpoints[target.tries++ % target.endpoints.length] ?? target.endpoints[0];
    const { session, refusal } = this.#ask({ remote, connection_type, v2: v2transport && !target.v1 });
    if (!session) throw new VerackError(refusal ?? 'ERR_LOCAL_CANCELLED', { addr: formatEndpoint(remote) });
    return session;
  }

  /** The next connection to a target; its handle goes on with it. */
  #launch(target: Target): void {
    const session = this.#dial(target);
    target.peer?.follow(session.id);
    // A net may fail before its dial returns.
    if (this.#pool.get(session.id)) this.#targets.set(session.id, target);
    else this.#settle(target, session, this.#pool.tracker.latest?.info);
  }

  /** Somebody else may have dialled that address in the meantime, or taken the last slot. */
  #redial(target: Target): void {
    try {
      this.#launch(target);
    } catch (error) {
      if (!(error instanceof VerackError)) throw error;
      this.#again(target, { code: error.code, facts: error.facts }, 0);
    }
  }

  /** The caller wants no more of it. @internal */
  protected giveUp(target: Target): void {
    target.closed = true;
    this.#redials.cancel(target);
    this.#release(target);
    if (target.peer) this.close(target.peer.id);
  }

  /** Lets go of the caller's abort signal. */
  #release({ options, abort }: Target): void {
    if (abort) options.signal?.removeEventListener('abort', abort);
  }

  #again(target: Target, reason: Reason, establishedfor: number): void {
    if (!target.options.persistent || target.closed || this.#stopping) return this.#release(target);
    const addr = formatEndpoint(target.endpoints[0]);
    const delay = this.#redials.ended(target, reason, establishedfor);
    if (delay !== undefined)
      return void this.emit('redial', { addr, delay, failures: target.failures, reason });
    this.#release(target);
    this.emit('abandoned', { addr, reason });
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
    const facts =
      code === 'ERR_POLICY_PENDING'
        ? { source: sourceOf(link.remote.host), limit: this.#pool.pending.limit }
        : {};
    this.emit('refused', { addr: formatEndpoint(link.remote), reason: { code, facts } });
  }

  #listener(): PoolListener {
    return {
      moved: (session, from, to) => this.#moved(session, from, to),
      ended: (session, last) => this.#ended(session, last),
      drained: (session) => this.emit('drained', nameOf(session)),
      dropped: (session, code, command) => this.emit('dropped', { ...nameOf(session), code, command }),
      ponged: (session) => {
        if (this.listenerCount('pong') === 0) return;
        this.emit('pong', { ...nameOf(session), pingtime: session.context.pingtime / 1_000 });
      },
      jumped: (ms, clock) => this.emit('jump', { ms, clock }),
      message: (session, direction, command, payload) => {
        if (this.listenerCount('message') === 0) return;
        // Written out: for every message, a spread here costs more than all the rest of the telling.
        const [id, addr, at] = [session.id, formatEndpoint(session.remote), this.#env.clock.now()];
        this.emit('message', { id, addr, direction, command, payload, at });
      },
    };
  }

  #moved(session: Connection, from: PeerState, to: PeerState): void {
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
    const peer = this.#targets.get(session.id)?.peer;
    if (!peer && this.listenerCount('established') === 0) return;
    const info = this.#pool.tracker.get(session.id);
    if (!info) return;
    peer?.tellEstablished(info);
    this.emit('established', info);
  }

  #ended(session: Connection, ended: EndedPeer): void {
    this.#supervisor.send({ type: 'peer.ended', id: session.id, inbound: session.inbound });
    const target = this.#targets.get(session.id);
    this.#targets.delete(session.id);
    if (target && ended.reason.facts.retry === 'v1' && this.#fallBack(target, ended)) return;
    if (!target && this.listenerCount('ended') === 0) return;
    const said = target?.v1 ? afterV2(ended.info) : ended.info;
    this.emit('ended', said);
    if (target) this.#settle(target, session, said);
  }

  /** A dialled connection is over, and not to be tried again as v1. */
  #settle(target: Target, session: Connection, last: PeerInfo | undefined): void {
    if (!last?.lastreason) return;
    if (last.lastreason.facts.speaks === 'v1') target.v1 = true;
    target.peer?.tellEnded(last);
    const { establishedat } = session.context;
    const establishedfor = establishedat < 0 ? 0 : this.#env.clock.now() - establishedat;
    this.#again(target, last.lastreason, establishedfor);
  }

  /** Once, on a new connection to the same address (BIP324; Core: ReconnectV1). */
  #fallBack(target: Target, ended: EndedPeer): boolean {
    if (this.#stopping || target.v1 || target.closed) return false;
    target.v1 = true;
    target.tries--;
    try {
      this.#launch(target);
      this.emit('fallback', ended.info);
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
  if (!lastreason || !isLinkCode(lastreason.code)) return last;
  return { ...last, lastreason: { ...lastreason, facts: { ...lastreason.facts, afterv2: true } } };
}

/** A caller's mistake is told at once. */
function checked(endpoints: readonly [Endpoint, ...Endpoint[]]): readonly [Endpoint, ...Endpoint[]] {
  if (endpoints.length === 0)
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: '[]', why: 'no address to dial' });
  for (const { host, port } of endpoints) {
    if (host !== '' && Number.isInteger(port) && port >= 1 && port <= 65_535) continue;
    throw new VerackError('ERR_LOCAL_ARGUMENT', {
      value: `${host}:${port}`,
      why: 'a host, and a port from 1 to 65535',
    });
  }
  return endpoints;
}

const envOf = ({ clock = systemClock, random = systemRandom, net = tcpNet() }: NodeOptions): Env => ({
  clock,
  random,
  net,
});

const cancelled = (at: Endpoint): VerackError =>
  new VerackError('ERR_LOCAL_CANCELLED', { addr: formatEndpoint(at) });

const nameOf = (session: Connection) => ({ id: session.id, addr: formatEndpoint(session.remote) });

const asList = (to: Endpoint | readonly [Endpoint, ...Endpoint[]]): readonly [Endpoint, ...Endpoint[]] =>
  'host' in to ? [to] : to;
