/**
 * The lab: a healthy node of ours and, at its other end, peers that misbehave as somebody at the page commands. Everything
 * is in memory, on a clock of the lab's own that can be held, moved step by step and set forward; no byte leaves the process.
 */
import { FAULT_NAMES, FAULTS, parseFault } from '../net/faults/faults.js';
import { faultyNet } from '../net/faults/faulty-net.js';
import type { Link, Net } from '../net/link.js';
import { memoryNet } from '../net/memory.js';
import { VirtualClock } from '../net/virtual-clock.js';
import { systemRandom } from '../net/environment.js';
import { type BitcoinNode, createNode } from '../node/node.js';
import type { NodeOptions } from '../node/options.js';
import { isV2Fault, V2_FAULT_NAMES, V2_FAULTS } from '../connection/v2-faults.js';
import { VerackError } from '../reasons.js';
import { hexOf, servicesOf } from '../wire/index.js';
import type { ObservedNode, ObserveOptions } from './observed-node.js';
import { CANNED_MESSAGES, cannedMessageOf } from './canned-messages.js';
import type { LabCommand, LabMenu, LabPeer, LabState } from './page/feed-messages.js';

/** Peers at a time; the oldest gives way. */
export const PEERS = 24;
/** Of a message on its way, milliseconds: slow enough to be seen. */
const LATENCY = 150;
const HANDSHAKE = 20_000;
/** Between two looks at the real clock, milliseconds. */
const PACE = 25;
/** What one step may skip until something is said, milliseconds. */
const FAR = 300_000;
const PORT = 18_444;

/** Little, so that what a fault comes to does not depend on chance. */
const PADDING = { garbage: 16, decoys: [] };

const HEALTHY = 'healthy';
const BY_HAND = 'by hand';
/** Faults that need a value get one that is easy to watch. */
const VALUES: Readonly<Record<string, string>> = { split: 'split=1', slow: 'slow=1000' };

interface Pupil {
  readonly n: number;
  readonly actor: string;
  readonly dialled: boolean;
  readonly host: string;
  readonly node?: BitcoinNode;
  /** Its end. */
  link?: Link;
  key?: string;
  paused: boolean;
}

/** Where the lab's node is seen. */
export interface Window {
  readonly inspect: NonNullable<NodeOptions['inspect']>;
  follow(node: ObservedNode, options: ObserveOptions): void;
}

export class Lab {
  readonly menu: LabMenu = {
    token: hexOf(systemRandom(16)),
    actors: [
      { name: HEALTHY, about: 'does everything right', expect: 'established' },
      { name: BY_HAND, about: 'says only what you send', expect: 'ERR_TIME_HANDSHAKE' },
      ...FAULT_NAMES.map((name) => ({ name, about: FAULTS[name].about, expect: FAULTS[name].expect })),
      ...V2_FAULT_NAMES.map((name) => ({ name, ...V2_FAULTS[name] })),
    ],
    messages: CANNED_MESSAGES.map(({ name, about }) => ({ name, about })),
  };
  readonly #clock = new VirtualClock(Date.now());
  readonly #net = memoryNet({ timers: this.#clock, latency: LATENCY });
  readonly #pupils = new Map<number, Pupil>();
  #last = 0;
  #held = false;
  #complaint = '';
  #timer: NodeJS.Timeout | undefined;
  #sawat = 0;
  #said = 0;

  /** The healthy ones, by the name in front of their peers' ids: one without BIP324, which sees less, and one with it. */
  readonly #mine = new Map<string, BitcoinNode>();

  /** Nothing runs before the first command. */
  constructor(private readonly window: Window) {}

  /** Does what was asked for, or complains in the next report. */
  obey(command: LabCommand): void {
    this.#complaint = '';
    this.#timer ??= this.#run();
    try {
      this.#do(command);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    if (!(error instanceof VerackError)) throw error;
    this.#complaint = `${error.code} ${String(error.facts.why ?? '')}`.trim();
  }

  report(): LabState {
    const peers = [...this.#pupils.values()].map((pupil) => this.#portray(pupil));
    return { held: this.#held, now: Math.round(this.#clock.now()), peers, complaint: this.#complaint };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { node } of this.#pupils.values()) void node?.stop();
    for (const node of this.#mine.values()) void node.stop();
    this.#clock.advance(HANDSHAKE);
  }

  /** The healthy node that an actor gets, seen before it listens. */
  #partner(actor: string): BitcoinNode {
    const [name, v2transport] = [nameOf(actor), isV2Fault(actor)];
    const known = this.#mine.get(name);
    if (known) return known;
    const at = ours(actor);
    const node = createNode({
      ...{ chain: 'regtest', v2transport, uacomment: ['lab'], inspect: this.window.inspect },
      // Those that gave way hold their slots until our node hears of it; all come from one /24.
      ...{ clock: this.#clock, net: this.#net.at(at.host), maxoutbound: 2 * PEERS, maxpending: 0 },
      rules: { handshakeTimeout: HANDSHAKE },
    });
    this.#mine.set(name, node);
    this.window.follow(node, { name, now: () => this.#clock.now(), held: () => this.#held });
    node.on('message', () => (this.#said += 1));
    node.on('transition', () => (this.#said += 1));
    void node.listen(at);
    return node;
  }

  /** The lab's clock follows the real one, except where it is held. */
  #run(): NodeJS.Timeout {
    this.#sawat = performance.now();
    return setInterval(() => {
      const now = performance.now();
      if (!this.#held) this.#clock.advance(now - this.#sawat);
      this.#sawat = now;
    }, PACE).unref();
  }

  #do(command: LabCommand): void {
    switch (command.do) {
      case 'start':
        return this.#start(command.actor, command.dialled);
      case 'send':
        return this.#send(this.#pupil(command.n), command.message);
      case 'hold':
      case 'run':
        this.#held = command.do === 'hold';
        return;
      case 'step':
        return this.#step();
      case 'skip':
        return this.#clock.advance(command.ms);
      default:
        return this.#handle(command.do, this.#pupil(command.n));
    }
  }

  #handle(what: 'close' | 'disconnect' | 'pause' | 'resume', pupil: Pupil): void {
    if (what === 'close') pupil.link?.end();
    if (what === 'disconnect') this.#partner(pupil.actor).close(this.#idOf(pupil) ?? 0);
    if (what === 'pause') pupil.link?.pause();
    if (what === 'resume') pupil.link?.resume();
    if (what === 'pause' || what === 'resume') pupil.paused = what === 'pause';
  }

  /** Lets time pass until a message crosses or a state changes. */
  #step(): void {
    this.#held = true;
    const before = this.#said;
    for (let ms = 0; ms < FAR && this.#said === before; ms += LATENCY / 10) this.#clock.advance(LATENCY / 10);
  }

  #start(actor: string, dialled: boolean): void {
    if (!this.menu.actors.some(({ name }) => name === actor))
      throw new VerackError('ERR_LOCAL_ARGUMENT', { value: actor, why: 'the lab has no such peer' });
    const partner = this.#partner(actor);
    const n = ++this.#last;
    const host = `10.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    this.#makeRoom();
    const net = this.#tapped(n, host);
    const node = actor === BY_HAND ? undefined : this.#nodeOf(actor, net);
    this.#pupils.set(n, { n, actor, dialled, host, paused: false, ...(node && { node }) });
    const at = { host, port: PORT };
    const waits = { opened: mute, failed: () => undefined };
    if (!dialled) return void (node ? node.dial(ours(actor)) : net.dial(ours(actor), waits));
    (node ? node.listen(at) : net.listen(at, mute))
      .then(() => void partner.dial(at))
      .catch((error: unknown) => this.#complain(error));
  }

  #makeRoom(): void {
    const oldest = this.#pupils.size >= PEERS ? this.#pupils.values().next().value : undefined;
    if (!oldest) return;
    this.#pupils.delete(oldest.n);
    oldest.link?.destroy();
    void oldest.node?.stop();
  }

  #nodeOf(actor: string, net: Net): BitcoinNode {
    const usual = {
      ...{ chain: 'regtest', clock: this.#clock, uacomment: [actor.replaceAll('=', ' ')] },
      services: servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED'),
    };
    if (actor === HEALTHY) return createNode({ ...usual, net });
    if (isV2Fault(actor))
      return createNode({ ...usual, net, v2transport: true, v2fault: actor, padding: PADDING });
    const fault = parseFault(VALUES[actor] ?? actor);
    return createNode({ ...usual, net: faultyNet(net, fault, this.#clock) });
  }

  /** The net of one peer, which lets us at its end of the link. */
  #tapped(n: number, host: string): Net {
    const net = this.#net.at(host);
    const tap = (link: Link): Link => {
      const pupil = this.#pupils.get(n);
      if (pupil) pupil.link = link;
      return link;
    };
    return {
      dial: (to, handler) =>
        net.dial(to, {
          opened: (link) => handler.opened(tap(link)),
          failed: (code, facts) => handler.failed(code, facts),
        }),
      listen: (at, accepted) => net.listen(at, (link) => accepted(tap(link))),
    };
  }

  #send({ link }: Pupil, name: string): void {
    const missive = cannedMessageOf(name);
    if (!missive)
      throw new VerackError('ERR_LOCAL_ARGUMENT', { value: name, why: 'the lab has no such message' });
    if (!link) throw new VerackError('ERR_LOCAL_ARGUMENT', { value: name, why: 'its link is not open yet' });
    link.write([missive.frame()]);
  }

  #pupil(n: number): Pupil {
    const pupil = this.#pupils.get(n);
    if (!pupil) throw new VerackError('ERR_LOCAL_ARGUMENT', { value: String(n), why: 'that peer is gone' });
    return pupil;
  }

  /** Our node knows it by its address. */
  #idOf({ actor, host }: Pupil): number | undefined {
    return this.#partner(actor)
      .peers.list()
      .findLast(({ addr }) => addr.startsWith(`${host}:`))?.id;
  }

  #portray(pupil: Pupil): LabPeer {
    const { n, actor, dialled, paused } = pupil;
    const id = this.#idOf(pupil);
    if (id !== undefined) pupil.key = `${nameOf(actor)}.${id}`;
    const isOver = pupil.key !== undefined && id === undefined;
    const speaks = !isV2Fault(actor);
    return { n, actor, dialled, paused, open: !isOver, speaks, ...(pupil.key && { key: pupil.key }) };
  }
}

/** The name of the healthy node that an actor gets. */
const nameOf = (actor: string): string => (isV2Fault(actor) ? 'labv2' : 'lab');

/** Where it listens. */
const ours = (actor: string) => ({ host: isV2Fault(actor) ? '10.0.0.2' : '10.0.0.1', port: PORT });

/** Reads everything and answers nothing. */
const mute = (link: Link): void => link.attach({ data: () => undefined, closed: () => undefined });
