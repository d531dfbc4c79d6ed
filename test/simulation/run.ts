/**
 * Runs a plan: a whole network of real nodes on one virtual clock, watched.
 *
 * A step is one timer of the clock. After each one, the nodes that it reached are checked for slots, counts and messages
 * (nothing changes a node but its timers, its links and the acts). Every {@link GLANCE} of virtual time every node is
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
import { Accord } from './agreement.js';
import { Chance } from './seeded-random.js';
import { type Act, LONGEST_PART, type Plan, type Resident } from './plan.js';
import { Watch } from './invariants.js';
import { LONGEST_DELAY, Weather } from './network-conditions.js';

/** Milliseconds of virtual time between two looks at everything. */
export const GLANCE = 20_000;
const PORT = 18444;
/** Draining and lingering take 2 s each; bytes may be held by a partition. */
const AFTERMATH = 2 * LONGEST_PART + 4 * LONGEST_DELAY + 10_000;

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
  /** Dials that went on as v1. */
  readonly fallbacks: number;
  readonly reasons: ReadonlyMap<string, number>;
  /** The last lines of the trace. */
  readonly tail: readonly string[];
}

/** Ways to see each rule bite: breaks in the world around the nodes, or a rule that asks for too much. */
export interface Sabotage {
  /** The nodes' clock forgets timers of this many milliseconds. */
  readonly forgets?: number;
  /** Closing a link leaves it open. */
  readonly leaks?: true;
  /** So many inbound slots fewer than the nodes have. */
  readonly fewer?: number;
  /** Milliseconds that two ends may disagree. */
  readonly patience?: number;
  /** A command that nobody may send before verack. */
  readonly forbids?: string;
  /** The only transport that anybody may speak. */
  readonly demands?: string;
  /** Nobody may try again as v1. */
  readonly stubborn?: true;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

export class World {
  readonly clock = new VirtualClock();
  readonly weather: Weather;
  readonly #chance: Chance;
  readonly #watches: Watch[] = [];
  /** Who lives on a host, and who lived there and may still be leaving. */
  readonly #byHost = new Map<string, Watch[]>();
  /** By place in the plan: who lives there now. */
  readonly #living = new Map<number, Watch>();
  readonly #touched = new Set<string>();
  readonly #stops: Promise<void>[] = [];
  readonly #halfOpen = new Map<string, number>();
  readonly #accord = new Accord();
  readonly #hash = createHash('sha256');
  readonly #tail: string[] = [];
  /** Actors of peers and of transports that may be active, and who has them; for every tenth seed: inspection is slow. */
  readonly #actors = new Map<AnyActorRef, () => BitcoinNode>();
  #violation: string | undefined;
  #steps = 0;
  #stopped = 0;

  constructor(
    readonly plan: Plan,
    readonly sabotage: Sabotage = {},
  ) {
    this.#chance = new Chance(plan.seed).fork(1);
    const timers = this.#stepping(() => this.#checkTouched());
    this.weather = new Weather({
      timers,
      now: () => this.clock.now(),
      chance: this.#chance.fork(2),
      touch: (host) => this.#touched.add(host),
      leaks: sabotage.leaks ?? false,
    });
  }

  async run(): Promise<Outcome> {
    for (const act of this.plan.acts) {
      this.#passUntil(act.at);
      if (this.#violation) return this.#outcome();
      this.#do(act);
      await settle();
      for (const watch of this.#living.values()) watch.check();
      this.#checkActors();
    }
    this.#passUntil(this.plan.calmat + this.#limit());
    if (!this.#violation) await this.#end();
    return this.#outcome();
  }

  /** Everything stops; what is left then was forgotten. */
  async #end(): Promise<void> {
    for (const node of [...this.#living.keys()]) this.#stop(node);
    await settle();
    this.#passUntil(this.clock.now() + AFTERMATH);
    await settle();
    for (const watch of this.#watches) watch.checkGone();
    if (this.#stopped < this.#stops.length) this.#fail('', 'leftover: a stop has not come back');
    this.#checkActors();
    if (this.clock.armed > 0) this.#fail('', `leftover: ${this.clock.armed} timers`);
    if (this.weather.net.links.size > 0) this.#fail('', `leftover: ${this.weather.net.links.size} links`);
  }

  /** The longest that two ends may disagree: every limit of the machine in a row, then the path. */
  #limit(): number {
    const { connectTimeout, handshakeTimeout, pingInterval, pongTimeout, idleTimeout } = this.plan.rules;
    const limit = Math.max(handshakeTimeout, pingInterval + pongTimeout, idleTimeout);
    return connectTimeout + limit + 2 * LONGEST_PART + 4 * LONGEST_DELAY + GLANCE;
  }

  #passUntil(moment: number): void {
    while (this.clock.now() < moment && !this.#violation) {
      const next = Math.min(moment, (Math.floor(this.clock.now() / GLANCE) + 1) * GLANCE);
      this.clock.advance(next - this.clock.now());
      if (next % GLANCE === 0) this.#glance();
    }
  }

  #glance(): void {
    for (const watch of this.#watches) watch.check();
    for (const watch of this.#living.values()) watch.checkDeadlines(this.clock.now());
    this.#checkActors();
    this.#compareEnds();
  }

  /** No actor outlives its connection. */
  #checkActors(): void {
    for (const [actor, owner] of this.#actors) {
      const known = owner().peers.get(Number(actor.id.split('.')[1])) !== undefined;
      if (!isActive(actor)) this.#actors.delete(actor);
      else if (!known) this.#fail('', `leftover: ${actor.id} goes on without its connection`);
    }
  }

  /** Nobody believes in a connection for long that the other end does not believe in. */
  #compareEnds(): void {
    const patience = this.sabotage.patience ?? this.#limit();
    const rows = this.#watches.flatMap((watch) => [...watch.rows.values()]);
    const established = rows.filter(({ state }) => state === 'established');
    const paths = new Set(established.map(({ path }) => path));
    const alone = new Set(established.filter(({ twin }) => !paths.has(twin)).map(({ path }) => path));
    for (const path of this.#halfOpen.keys()) if (!alone.has(path)) this.#halfOpen.delete(path);
    for (const path of alone) {
      const since = this.#halfOpen.get(path) ?? this.clock.now();
      this.#halfOpen.set(path, since);
      if (this.clock.now() - since > patience) this.#fail(path, `half-open: since ${since}`);
    }
  }

  #do(act: Act): void {
    if (act.does === 'sever') this.weather.sever(act.share);
    else if (act.does === 'deaden') this.weather.deaden(act.share);
    else if (act.does === 'part')
      this.weather.part(
        act.side.map((node) => this.#host(node)),
        act.ms,
      );
    else if (act.does === 'start') this.#start(act.node);
    else if (act.does === 'dial') this.#dial(act);
    else this.#depart(act);
  }

  #depart({ does, node }: Extract<Act, { does: 'stop' | 'crash' | 'close' }>): void {
    if (does === 'crash') this.weather.severAll(this.#host(node));
    if (does !== 'close') return this.#stop(node);
    const watch = this.#living.get(node);
    const [oldest] = watch?.node.peers.list().map(({ id }) => id) ?? [];
    if (oldest !== undefined) watch?.node.close(oldest);
  }

  #start(place: number): void {
    if (this.#living.has(place)) return;
    const resident = this.plan.residents[place]!;
    const clock = this.#stepping(() => watch.check(), this.sabotage.forgets);
    const watch: Watch = this.#watch(
      resident,
      this.#node(resident, clock, (what) => watch[what]()),
    );
    this.#watches.push(watch);
    this.#byHost.set(resident.host, [...(this.#byHost.get(resident.host) ?? []), watch]);
    this.#living.set(place, watch);
    void watch.node.listen({ host: resident.host, port: PORT });
  }

  #node({ host, fault, relay, ...options }: Resident, clock: Clock, told: Told): BitcoinNode {
    const path = counting(this.weather.at(host), told);
    const inspect = ({ type, actorRef }: InspectionEvent) => {
      const { id } = actorRef as AnyActorRef;
      if (type === '@xstate.actor' && /^(?:peer|transport)\./.test(id))
        this.#actors.set(actorRef as AnyActorRef, () => node);
    };
    const source = this.#chance.fork(1_000 + this.#watches.length);
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

  #watch(resident: Resident, node: BitcoinNode): Watch {
    const { fewer = 0, forbids, demands, stubborn } = this.sabotage;
    const slots = { ...resident, maxinbound: resident.maxinbound - fewer };
    const say = (line: string) => this.#say(line);
    const fail = (what: string) => this.#fail(resident.host, what);
    const told = (info: PeerInfo) => {
      const wrong = this.#accord.hear(info);
      if (wrong !== '') fail(`transport: ${wrong}`);
    };
    return new Watch(node, slots, { say, fail, told, forbids, demands, stubborn });
  }

  #stop(place: number): void {
    const watch = this.#living.get(place);
    if (!watch) return;
    this.#living.delete(place);
    this.#stops.push(watch.node.stop().then(() => void this.#stopped++));
    watch.checkStopping();
  }

  /** A dial that is turned down has its one reason at once. */
  #dial({ node, to, type, persistent }: Extract<Act, { does: 'dial' }>): void {
    const watch = this.#living.get(node);
    const at = { host: this.#host(to), port: PORT };
    try {
      watch?.holds(watch.node.dial(at, { connection_type: type, persistent }));
    } catch (error) {
      if (!(error instanceof VerackError)) this.#fail(this.#host(node), `dial: threw ${String(error)}`);
      else this.#say(`${this.#host(node)} ${error.code}`);
    }
  }

  #host(place: number): string {
    return this.plan.residents[place]!.host;
  }

  /** The clock as one party sees it: `after` runs behind each of its timers. */
  #stepping(after: () => void, forgets?: number): Clock {
    const { clock } = this;
    const run = (fn: () => void) => () => {
      this.#steps += 1;
      fn();
      after();
    };
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      setTimeout: (fn, ms) => clock.setTimeout(ms === forgets ? () => undefined : run(fn), ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
  }

  #checkTouched(): void {
    for (const host of this.#touched) for (const watch of this.#byHost.get(host) ?? []) watch.check();
    this.#touched.clear();
  }

  #say(line: string): void {
    this.#hash.update(line);
    this.#tail.push(line);
    if (this.#tail.length > 400) this.#tail.splice(0, 380);
  }

  #fail(where: string, what: string): void {
    this.#violation ??= `${what} (${where} at ${this.clock.now()})`;
  }

  #sum(countOf: (watch: Watch) => number): number {
    return this.#watches.reduce((sum, watch) => sum + countOf(watch), 0);
  }

  #outcome(): Outcome {
    const reasons = new Map<string, number>();
    for (const watch of this.#watches)
      for (const [code, count] of watch.reasons) reasons.set(code, (reasons.get(code) ?? 0) + count);
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

type Told = (what: 'dialled' | 'accepted') => void;

/** The same net; reports each dial and each link that it returns. */
const counting = (net: Net, told: Told): Net => ({
  dial: (to, handler) => {
    told('dialled');
    return net.dial(to, handler);
  },
  listen: (at, accepted) =>
    net.listen(at, (link) => {
      told('accepted');
      accepted(link);
    }),
});

const isActive = (actor: AnyActorRef): boolean =>
  (actor.getSnapshot() as { status: string }).status === 'active';

/** Runs a plan from start to end, or to the first rule that is broken. */
export const run = (plan: Plan, sabotage?: Sabotage): Promise<Outcome> => new World(plan, sabotage).run();
