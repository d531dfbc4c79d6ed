/**
 * Runs a plan: a network of real nodes on one virtual clock, with a monitor for each.
 *
 * A step is one timer of the clock. After each one, the nodes that it reached are checked for slots, counts and messages
 * (nothing changes a node but its timers, its links and the actions). Every {@link CHECK_INTERVAL} of virtual time every node is
 * checked, with the deadline of every peer, and both ends of every connection are compared.
 */
import { createHash } from 'node:crypto';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import {
  type BitcoinNode,
  type Clock,
  createNode,
  type Net,
  type PeerInfo,
  VerackError,
  VirtualClock,
} from '../../src/index.js';
import { parseFault } from '../../src/net/faults/faults.js';
import { faultyNet } from '../../src/net/faults/faulty-net.js';
import { Agreement } from './agreement.js';
import { Chance } from './seeded-random.js';
import { type PlannedAction, LONGEST_PARTITION, type Plan, type NodePlan } from './plan.js';
import { NodeMonitor } from './invariants.js';
import { LONGEST_DELAY, NetworkConditions } from './network-conditions.js';

/** Milliseconds of virtual time between two checks of all nodes. */
export const CHECK_INTERVAL = 20_000;
const PORT = 18444;
/** Draining and lingering take 2 s each; bytes may be held by a partition. */
const DRAIN_TIME = 2 * LONGEST_PARTITION + 4 * LONGEST_DELAY + 10_000;

export interface Outcome {
  /** The first rule that was broken, with the moment and the host. */
  readonly violation: string | undefined;
  /** Of every transition, message and end, in order. */
  readonly hash: string;
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly ms: number;
  readonly established: number;
  /** Of these, over v2. */
  readonly encrypted: number;
  /** Dials that fell back to v1. */
  readonly fallbacks: number;
  readonly reasons: ReadonlyMap<string, number>;
  /** The last lines of the trace. */
  readonly tail: readonly string[];
}

/** Faults that break one rule each, to test the checks: in the environment of the nodes, or a stricter rule. */
export interface InjectedFaults {
  /** The nodes' clock drops timers of this many milliseconds. */
  readonly droppedTimeout?: number;
  /** Closing a link leaves it open. */
  readonly leaks?: true;
  /** The check expects so many inbound slots fewer than the nodes have. */
  readonly missingSlots?: number;
  /** Milliseconds that two ends may disagree. */
  readonly maxDisagreement?: number;
  /** A command that no node may send before verack. */
  readonly forbiddenCommand?: string;
  /** The only transport that is allowed. */
  readonly onlyTransport?: string;
  /** No node may fall back to v1. */
  readonly forbidsFallback?: true;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

export class Simulation {
  readonly clock = new VirtualClock();
  readonly conditions: NetworkConditions;
  readonly #chance: Chance;
  readonly #monitors: NodeMonitor[] = [];
  /** The node of a host, and earlier ones that may still be stopping. */
  readonly #byHost = new Map<string, NodeMonitor[]>();
  /** The running nodes, by index in the plan. */
  readonly #running = new Map<number, NodeMonitor>();
  readonly #touched = new Set<string>();
  readonly #stops: Promise<void>[] = [];
  readonly #halfOpen = new Map<string, number>();
  readonly #agreement = new Agreement();
  readonly #hash = createHash('sha256');
  readonly #tail: string[] = [];
  /** Active actors of peers and transports, with their node; for every tenth seed, because inspection is slow. */
  readonly #actors = new Map<AnyActorRef, () => BitcoinNode>();
  #violation: string | undefined;
  #steps = 0;
  #stopped = 0;

  constructor(
    readonly plan: Plan,
    readonly injected: InjectedFaults = {},
  ) {
    this.#chance = new Chance(plan.seed).fork(1);
    const timers = this.#stepping(() => this.#checkTouched());
    this.conditions = new NetworkConditions({
      timers,
      now: () => this.clock.now(),
      chance: this.#chance.fork(2),
      touch: (host) => this.#touched.add(host),
      leaks: injected.leaks ?? false,
    });
  }

  async run(): Promise<Outcome> {
    for (const action of this.plan.actions) {
      this.#passUntil(action.at);
      if (this.#violation) return this.#outcome();
      this.#do(action);
      await settle();
      for (const monitor of this.#running.values()) monitor.check();
      this.#checkActors();
    }
    this.#passUntil(this.plan.quietat + this.#limit());
    if (!this.#violation) await this.#end();
    return this.#outcome();
  }

  /** Stops every node; anything that remains is a leak. */
  async #end(): Promise<void> {
    for (const node of [...this.#running.keys()]) this.#stop(node);
    await settle();
    this.#passUntil(this.clock.now() + DRAIN_TIME);
    await settle();
    for (const monitor of this.#monitors) monitor.checkGone();
    if (this.#stopped < this.#stops.length) this.#fail('', 'leftover: a stop did not resolve');
    this.#checkActors();
    if (this.clock.armed > 0) this.#fail('', `leftover: ${this.clock.armed} timers`);
    if (this.conditions.net.links.size > 0)
      this.#fail('', `leftover: ${this.conditions.net.links.size} links`);
  }

  /** The longest that two ends may disagree: every limit of the machine in a row, then the path. */
  #limit(): number {
    const { connectTimeout, handshakeTimeout, pingInterval, pongTimeout, idleTimeout } = this.plan.rules;
    const limit = Math.max(handshakeTimeout, pingInterval + pongTimeout, idleTimeout);
    return connectTimeout + limit + 2 * LONGEST_PARTITION + 4 * LONGEST_DELAY + CHECK_INTERVAL;
  }

  #passUntil(moment: number): void {
    while (this.clock.now() < moment && !this.#violation) {
      const next = Math.min(moment, (Math.floor(this.clock.now() / CHECK_INTERVAL) + 1) * CHECK_INTERVAL);
      this.clock.advance(next - this.clock.now());
      if (next % CHECK_INTERVAL === 0) this.#checkAll();
    }
  }

  #checkAll(): void {
    for (const monitor of this.#monitors) monitor.check();
    for (const monitor of this.#running.values()) monitor.checkDeadlines(this.clock.now());
    this.#checkActors();
    this.#compareEnds();
  }

  /** No actor outlives its connection. */
  #checkActors(): void {
    for (const [actor, owner] of this.#actors) {
      const known = owner().peers.get(Number(actor.id.split('.')[1])) !== undefined;
      if (!isActive(actor)) this.#actors.delete(actor);
      else if (!known) this.#fail('', `leftover: ${actor.id} is active without its connection`);
    }
  }

  /** No connection stays established at one end only for longer than the limit. */
  #compareEnds(): void {
    const maxDisagreement = this.injected.maxDisagreement ?? this.#limit();
    const rows = this.#monitors.flatMap((monitor) => [...monitor.rows.values()]);
    const established = rows.filter(({ state }) => state === 'established');
    const paths = new Set(established.map(({ path }) => path));
    const alone = new Set(established.filter(({ twin }) => !paths.has(twin)).map(({ path }) => path));
    for (const path of this.#halfOpen.keys()) if (!alone.has(path)) this.#halfOpen.delete(path);
    for (const path of alone) {
      const since = this.#halfOpen.get(path) ?? this.clock.now();
      this.#halfOpen.set(path, since);
      if (this.clock.now() - since > maxDisagreement) this.#fail(path, `half-open: since ${since}`);
    }
  }

  #do(action: PlannedAction): void {
    if (action.kind === 'sever') this.conditions.sever(action.share);
    else if (action.kind === 'silence') this.conditions.silence(action.share);
    else if (action.kind === 'partition')
      this.conditions.partition(
        action.side.map((node) => this.#host(node)),
        action.ms,
      );
    else if (action.kind === 'start') this.#start(action.node);
    else if (action.kind === 'dial') this.#dial(action);
    else this.#stopOrClose(action);
  }

  #stopOrClose({ kind, node }: Extract<PlannedAction, { kind: 'stop' | 'crash' | 'close' }>): void {
    if (kind === 'crash') this.conditions.severAll(this.#host(node));
    if (kind !== 'close') return this.#stop(node);
    const monitor = this.#running.get(node);
    const [oldest] = monitor?.node.peers.list().map(({ id }) => id) ?? [];
    if (oldest !== undefined) monitor?.node.close(oldest);
  }

  #start(place: number): void {
    if (this.#running.has(place)) return;
    const nodePlan = this.plan.nodePlans[place]!;
    const clock = this.#stepping(() => monitor.check(), this.injected.droppedTimeout);
    const monitor: NodeMonitor = this.#monitorFor(
      nodePlan,
      this.#node(nodePlan, clock, (what) => monitor[what]()),
    );
    this.#monitors.push(monitor);
    this.#byHost.set(nodePlan.host, [...(this.#byHost.get(nodePlan.host) ?? []), monitor]);
    this.#running.set(place, monitor);
    void monitor.node.listen({ host: nodePlan.host, port: PORT });
  }

  #node({ host, fault, relay, ...options }: NodePlan, clock: Clock, onLink: OnLink): BitcoinNode {
    const path = counting(this.conditions.at(host), onLink);
    const inspect = ({ type, actorRef }: InspectionEvent) => {
      const { id } = actorRef as AnyActorRef;
      if (type === '@xstate.actor' && /^(?:peer|transport)\./.test(id))
        this.#actors.set(actorRef as AnyActorRef, () => node);
    };
    const source = this.#chance.fork(1_000 + this.#monitors.length);
    const node = createNode({
      ...options,
      chain: 'regtest',
      clock,
      net: fault === '' ? path : faultyNet(path, parseFault(fault), clock),
      random: (count) => source.bytes(count),
      rules: { ...this.plan.rules, relay },
      ...(this.plan.seed % 10 === 5 && { inspect }),
    });
    return node;
  }

  #monitorFor(nodePlan: NodePlan, node: BitcoinNode): NodeMonitor {
    const { missingSlots = 0, forbiddenCommand, onlyTransport, forbidsFallback } = this.injected;
    const slots = { ...nodePlan, maxinbound: nodePlan.maxinbound - missingSlots };
    const log = (line: string) => this.#log(line);
    const fail = (what: string) => this.#fail(nodePlan.host, what);
    const reported = (info: PeerInfo) => {
      const wrong = this.#agreement.report(info);
      if (wrong !== '') fail(`transport: ${wrong}`);
    };
    return new NodeMonitor(node, slots, {
      log,
      fail,
      reported,
      forbiddenCommand,
      onlyTransport,
      forbidsFallback,
    });
  }

  #stop(place: number): void {
    const monitor = this.#running.get(place);
    if (!monitor) return;
    this.#running.delete(place);
    this.#stops.push(monitor.node.stop().then(() => void this.#stopped++));
    monitor.checkStopping();
  }

  /** A refused dial has its reason at once. */
  #dial({ node, to, type, persistent }: Extract<PlannedAction, { kind: 'dial' }>): void {
    const monitor = this.#running.get(node);
    const at = { host: this.#host(to), port: PORT };
    try {
      monitor?.holds(monitor.node.dial(at, { connection_type: type, persistent }));
    } catch (error) {
      if (!(error instanceof VerackError)) this.#fail(this.#host(node), `dial: threw ${String(error)}`);
      else this.#log(`${this.#host(node)} ${error.code}`);
    }
  }

  #host(place: number): string {
    return this.plan.nodePlans[place]!.host;
  }

  /** A clock that calls `after` after each of its timers. */
  #stepping(after: () => void, droppedTimeout?: number): Clock {
    const { clock } = this;
    const run = (fn: () => void) => () => {
      this.#steps += 1;
      fn();
      after();
    };
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      setTimeout: (fn, ms) => clock.setTimeout(ms === droppedTimeout ? () => undefined : run(fn), ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
  }

  #checkTouched(): void {
    for (const host of this.#touched) for (const monitor of this.#byHost.get(host) ?? []) monitor.check();
    this.#touched.clear();
  }

  #log(line: string): void {
    this.#hash.update(line);
    this.#tail.push(line);
    if (this.#tail.length > 400) this.#tail.splice(0, 380);
  }

  #fail(where: string, what: string): void {
    this.#violation ??= `${what} (${where} at ${this.clock.now()})`;
  }

  #sum(countOf: (monitor: NodeMonitor) => number): number {
    return this.#monitors.reduce((sum, monitor) => sum + countOf(monitor), 0);
  }

  #outcome(): Outcome {
    const reasons = new Map<string, number>();
    for (const monitor of this.#monitors)
      for (const [code, count] of monitor.reasons) reasons.set(code, (reasons.get(code) ?? 0) + count);
    return {
      violation: this.#violation,
      hash: this.#hash.digest('hex'),
      steps: this.#steps,
      ms: this.clock.now(),
      established: this.#sum(({ established }) => established),
      encrypted: this.#sum(({ encrypted }) => encrypted),
      fallbacks: this.#sum(({ fallbacks }) => fallbacks),
      reasons,
      tail: this.#tail.slice(-20),
    };
  }
}

type OnLink = (what: 'dialled' | 'accepted') => void;

/** The same net; reports each dial and each link that it returns. */
const counting = (net: Net, onLink: OnLink): Net => ({
  dial: (to, handler) => {
    onLink('dialled');
    return net.dial(to, handler);
  },
  listen: (at, accepted) =>
    net.listen(at, (link) => {
      onLink('accepted');
      accepted(link);
    }),
});

const isActive = (actor: AnyActorRef): boolean =>
  (actor.getSnapshot() as { status: string }).status === 'active';

/** Runs a plan from start to end, or to the first rule that is broken. */
export const run = (plan: Plan, injected?: InjectedFaults): Promise<Outcome> =>
  new Simulation(plan, injected).run();
