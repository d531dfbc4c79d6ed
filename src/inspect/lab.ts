/**
 * The lab: a node, and peers with a chosen behaviour or fault that connect to it, all in memory. The page starts the peers
 * and sends messages in their name. The lab has its own clock, which can be held, advanced step by step and set forward. No
 * byte leaves the process.
 */
import {
  type BitcoinNode,
  createNode,
  faultyNet,
  type Link,
  memoryNet,
  type Net,
  type NodeOptions,
  systemRandom,
  VerackError,
} from '../index.js';
import { FAULT_NAMES, FAULTS, parseFault } from '../net/index.js';
import { isV2Fault, V2_FAULT_NAMES, V2_FAULTS } from '../connection/index.js';
import { hexOf, servicesOf } from '../wire/index.js';
import { CANNED_MESSAGES, cannedMessageOf } from './canned-messages.js';
import { LabClock } from './lab-clock.js';
import type { InspectedNode, ObserveOptions } from './inspected-node.js';
import type { LabCommand, LabMenu, LabPeer, LabState } from './page/feed-messages.js';

/** Most peers at a time; a further one replaces the oldest. */
export const PEERS = 24;
/** All lab peers have addresses in a few networks, so limits per source network are off. */
const NO_SOURCE_LIMITS = { maxpending: 0, maxpersource: 0, acceptrate: 0 };
/** Latency of a message in milliseconds, long enough to be visible on the page. */
const LATENCY = 150;
/** Virtual milliseconds that the nodes get to stop. */
const STOP_TIME = 20_000;
const PORT = 18_444;

/** Small, so that the outcome of a fault does not depend on random lengths. */
const PADDING = { garbage: 16, decoys: [] };

/** Codes of failures to start a peer, which are reported on the page. */
const START_ERRORS: readonly string[] = ['ERR_POLICY_FULL', 'ERR_LOCAL_ADDRESS', 'ERR_LOCAL_LIMIT'];

const HEALTHY = 'healthy';
export const BY_HAND = 'by hand';
/** Values of the faults that need one. */
const VALUES: Readonly<Record<string, string>> = { split: 'split=1', slow: 'slow=1000' };

interface SimulatedPeer {
  readonly n: number;
  readonly behaviour: string;
  readonly dialled: boolean;
  readonly host: string;
  readonly node?: BitcoinNode;
  /** The peer's end of the connection. */
  link?: Link;
  key?: string;
  paused: boolean;
}

/** The inspector that shows the node of the lab. */
export interface LabObserver {
  readonly inspect: NonNullable<NodeOptions['inspect']>;
  observe(node: InspectedNode, options: ObserveOptions): void;
}

/** The nodes, peers and clock of the lab. */
export class Lab {
  readonly menu: LabMenu = {
    token: hexOf(systemRandom(16)),
    behaviours: [
      { name: HEALTHY, about: 'follows the protocol', expect: 'established' },
      {
        name: BY_HAND,
        about: 'sends only the messages that you select',
        expect: 'ERR_TIME_HANDSHAKE',
        condition: 'depends on what you send; without messages ',
      },
      ...FAULT_NAMES.map((name) => ({ name, about: FAULTS[name].about, expect: FAULTS[name].expect })),
      ...V2_FAULT_NAMES.map((name) => ({ name, ...V2_FAULTS[name] })),
    ],
    messages: CANNED_MESSAGES.map(({ name, about }) => ({ name, about })),
  };
  readonly #time = new LabClock();
  readonly #net = memoryNet({ timers: this.#time.clock, latency: LATENCY });
  readonly #peers = new Map<number, SimulatedPeer>();
  #last = 0;
  #error = '';
  /** The number of messages and changes of state so far. */
  #events = 0;

  /** The nodes of the lab by name: one with v1 only, and one with BIP324. */
  readonly #nodes = new Map<string, BitcoinNode>();

  /** The lab starts with the first command. */
  constructor(private readonly observer: LabObserver) {}

  /** Executes a command; the next report has the error if it fails. */
  execute(command: LabCommand): void {
    this.#error = '';
    this.#time.start();
    try {
      this.#do(command);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reports that a command was not executed. */
  reject(why: string): void {
    this.#error = why;
  }

  /** Reports a peer that could not be started. A failed handshake is not reported, since many behaviours cause it on purpose. */
  #failStart(error: unknown): void {
    if (error instanceof VerackError && !START_ERRORS.includes(error.code)) return;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (!(error instanceof VerackError)) throw error;
    this.#error = `${error.code} ${String(error.facts.why ?? '')}`.trim();
  }

  report(): LabState {
    const peers = [...this.#peers.values()].map((peer) => this.#reportOf(peer));
    const { held, isBusy: busy, clock } = this.#time;
    return { held, busy, now: Math.round(clock.now()), peers, error: this.#error };
  }

  close(): void {
    this.#time.stop();
    for (const { node } of this.#peers.values()) void node?.stop();
    for (const node of this.#nodes.values()) void node.stop();
    this.#time.clock.advance(STOP_TIME);
  }

  /** The node for a behaviour, which is observed before it listens. */
  #nodeFor(behaviour: string): BitcoinNode {
    const [name, v2transport] = [nameOf(behaviour), isV2Fault(behaviour)];
    const known = this.#nodes.get(name);
    if (known) return known;
    const at = addressOf(behaviour);
    const { clock } = this.#time;
    const node = createNode({
      chain: 'regtest',
      v2transport,
      uacomment: ['lab'],
      inspect: this.observer.inspect,
      // Twice the slots, since a replaced peer has its slot until the node notices the end of its connection.
      clock,
      net: this.#net.at(at.host),
      maxoutbound: 2 * PEERS,
      ...NO_SOURCE_LIMITS,
    });
    this.#nodes.set(name, node);
    this.observer.observe(node, { name, now: () => clock.now(), held: () => this.#time.held });
    node.on('message', () => (this.#events += 1));
    node.on('dropped', () => (this.#events += 1));
    node.on('transition', () => (this.#events += 1));
    node.listen(at).catch((error: unknown) => this.#failStart(error));
    return node;
  }

  #do(command: LabCommand): void {
    switch (command.do) {
      case 'start':
        if (command.held) this.#time.held = true;
        return this.#start(command.behaviour, command.dialled);
      case 'send':
        return this.#send(this.#peer(command.n), command.message);
      case 'hold':
      case 'run':
        this.#time.held = command.do === 'hold';
        return;
      case 'step':
        return this.#step();
      case 'skip':
        return this.#time.skip(command.ms);
      default:
        return this.#control(command.do, this.#peer(command.n));
    }
  }

  #control(what: 'close' | 'disconnect' | 'pause' | 'resume', peer: SimulatedPeer): void {
    if (what === 'close') peer.link?.end();
    if (what === 'disconnect') this.#nodeFor(peer.behaviour).close(this.#idOf(peer) ?? 0);
    if (what === 'pause') peer.link?.pause();
    if (what === 'resume') peer.link?.resume();
    if (what === 'pause' || what === 'resume') peer.paused = what === 'pause';
  }

  /** Lets time pass until there is a message or a change of state. */
  #step(): void {
    const before = this.#events;
    this.#time.runUntil(() => this.#events !== before);
  }

  #start(behaviour: string, dialled: boolean): void {
    if (!this.menu.behaviours.some(({ name }) => name === behaviour))
      throw new VerackError('ERR_LOCAL_ARGUMENT', { value: behaviour, why: 'the lab has no such behaviour' });
    const ours = this.#nodeFor(behaviour);
    const n = ++this.#last;
    const host = `10.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    this.#makeRoom();
    const net = this.#netOf(n, host);
    const node = behaviour === BY_HAND ? undefined : this.#simulatedNode(behaviour, net);
    this.#peers.set(n, { n, behaviour, dialled, host, paused: false, ...(node && { node }) });
    const at = { host, port: PORT };
    const handler = { opened: ignoreAll, failed: () => undefined };
    if (!dialled)
      return void (node ? node.dial(addressOf(behaviour)) : net.dial(addressOf(behaviour), handler));
    (node ? node.listen(at) : net.listen(at, ignoreAll))
      .then(() => ours.dial(at).established())
      .catch((error: unknown) => this.#failStart(error));
  }

  #makeRoom(): void {
    const oldest = this.#peers.size >= PEERS ? this.#peers.values().next().value : undefined;
    if (!oldest) return;
    this.#peers.delete(oldest.n);
    oldest.link?.destroy();
    void oldest.node?.stop();
  }

  #simulatedNode(behaviour: string, net: Net): BitcoinNode {
    const common = {
      chain: 'regtest',
      clock: this.#time.clock,
      uacomment: [behaviour.replaceAll('=', ' ')],
      services: servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED'),
    };
    if (behaviour === HEALTHY) return createNode({ ...common, net });
    if (isV2Fault(behaviour))
      return createNode({ ...common, net, v2transport: true, v2fault: behaviour, padding: PADDING });
    const fault = parseFault(VALUES[behaviour] ?? behaviour);
    return createNode({ ...common, net: faultyNet(net, fault, this.#time.clock) });
  }

  /** The net of one peer; it keeps the peer's end of the connection. */
  #netOf(n: number, host: string): Net {
    const net = this.#net.at(host);
    const keep = (link: Link): Link => {
      const peer = this.#peers.get(n);
      if (peer) peer.link = link;
      return link;
    };
    return {
      dial: (to, handler) =>
        net.dial(to, {
          opened: (link) => handler.opened(keep(link)),
          failed: (code, facts) => handler.failed(code, facts),
        }),
      listen: (at, accepted) => net.listen(at, (link) => accepted(keep(link))),
    };
  }

  #send({ link }: SimulatedPeer, name: string): void {
    const message = cannedMessageOf(name);
    if (!message)
      throw new VerackError('ERR_LOCAL_ARGUMENT', { value: name, why: 'the lab has no such message' });
    if (!link)
      throw new VerackError('ERR_LOCAL_ARGUMENT', {
        value: name,
        why: 'the connection is not open yet: let time pass (step or run)',
      });
    link.write([message.frame()]);
  }

  #peer(n: number): SimulatedPeer {
    const peer = this.#peers.get(n);
    if (!peer)
      throw new VerackError('ERR_LOCAL_ARGUMENT', {
        value: String(n),
        why: 'the peer does not exist any more',
      });
    return peer;
  }

  /** The id of the peer at the node, found by its address; undefined before and after its connection. */
  #idOf({ behaviour, host }: SimulatedPeer): number | undefined {
    return this.#nodeFor(behaviour)
      .peers.list()
      .findLast(({ addr }) => addr.startsWith(`${host}:`))?.id;
  }

  #reportOf(peer: SimulatedPeer): LabPeer {
    const { n, behaviour, dialled, paused } = peer;
    const id = this.#idOf(peer);
    if (id !== undefined) peer.key = `${nameOf(behaviour)}.${id}`;
    const isOver = peer.key !== undefined && id === undefined;
    const [v1, connecting] = [!isV2Fault(behaviour), !peer.link && !isOver];
    const key = peer.key === undefined ? {} : { key: peer.key };
    return { n, behaviour, dialled, paused, open: !isOver, connecting, v1, ...key };
  }
}

/** The name of the node for a behaviour. */
const nameOf = (behaviour: string): string => (isV2Fault(behaviour) ? 'labv2' : 'lab');

/** The address on which this node listens. */
const addressOf = (behaviour: string) => ({
  host: isV2Fault(behaviour) ? '10.0.0.2' : '10.0.0.1',
  port: PORT,
});

/** Reads everything without an answer. */
const ignoreAll = (link: Link): void => link.attach({ data: () => undefined, closed: () => undefined });
