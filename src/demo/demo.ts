/**
 * The demo: a small network on loopback around one node. The node dials healthy and faulty listeners, other nodes dial it,
 * and each connection must end as {@link SCENARIOS} expects.
 */
import {
  type Endpoint,
  faultyNet,
  formatEndpoint,
  type Link,
  type Net,
  parseFault,
  tcpNet,
} from '../net/index.js';
import { type BitcoinNode, createNode, type NodeOptions, type PeerInfo, VerackError } from '../index.js';
import { servicesOf } from '../wire/index.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

/** The outcome of one scenario. */
export interface Outcome {
  readonly scenario: Scenario;
  /** The peer as the node in the middle sees it; absent when there was no connection. */
  readonly peer?: PeerInfo;
  readonly asExpected: boolean;
}

/** Options of the demo. */
export interface DemoOptions {
  /** Milliseconds for a handshake. Default 3,000. */
  readonly handshakeTimeout?: number;
  /** Milliseconds after which the outcomes are taken, even if connections are still open. Default 10,000. */
  readonly maxWait?: number;
  /** As in `createNode`, for the node in the middle. */
  readonly inspect?: NodeOptions['inspect'];
  /** Creates the node in the middle. Default {@link createNode}. */
  readonly create?: (options: NodeOptions) => BitcoinNode;
  /** Takes the outcomes when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with the node before it dials; `nameOf` returns the name of the scenario with an address. */
  readonly watch?: (node: BitcoinNode, nameOf: (addr: string) => string | undefined) => void;
}

/** A running demo. */
export interface Demo {
  readonly node: BitcoinNode;
  /** The address on which the node listens. */
  readonly local: Endpoint;
  /** In the order of {@link SCENARIOS}; resolves when all outcomes are known, or after `maxWait`. */
  readonly outcomes: Promise<Outcome[]>;
  /** Stops all nodes. */
  stop(): Promise<void>;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const DEFAULT_OPTIONS = { services: servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED') };
/** Milliseconds between two checks of the state. */
const POLL_MS = 50;

/** Starts the demo. Everything runs on 127.0.0.1, on ports that the system chooses. */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const network = new DemoNetwork(options);
  const local = await network.open();
  return { node: network.node, local, outcomes: network.outcomes(), stop: () => network.close() };
}

class DemoNetwork {
  readonly node: BitcoinNode;
  readonly #others: BitcoinNode[] = [];
  /** Scenarios by the address of the peer as the node sees it. */
  readonly #scenarios = new Map<string, Scenario>();
  readonly #net = tcpNet();
  /** The ends of the connection that keeps the closed port. */
  readonly #held: Link[] = [];

  constructor(private readonly options: DemoOptions) {
    const { handshakeTimeout = 3_000, inspect, create = createNode } = options;
    this.node = create({
      chain: 'regtest',
      maxoutbound: 64,
      v2transport: true,
      rules: { handshakeTimeout },
      net: this.#net,
      ...(inspect && { inspect }),
    });
  }

  async open(): Promise<Endpoint> {
    const { local } = await this.node.listen(LOOPBACK);
    this.options.watch?.(this.node, (addr) => this.#scenarios.get(addr)?.name);
    for (const scenario of SCENARIOS) await this.#start(scenario, local);
    return local;
  }

  /** Polls until all outcomes are final, or `maxWait` has passed. */
  async outcomes(): Promise<Outcome[]> {
    const end = performance.now() + (this.options.maxWait ?? 10_000);
    while (performance.now() < end && !this.options.signal?.aborted && !this.#settled()) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return SCENARIOS.map((scenario) => this.#outcomeOf(scenario));
  }

  async close(): Promise<void> {
    for (const link of this.#held) link.destroy();
    await Promise.all([this.node, ...this.#others].map((node) => node.stop()));
  }

  async #start(scenario: Scenario, ours: Endpoint): Promise<void> {
    if (scenario.part === 'self') return this.#dial(scenario, ours);
    if (scenario.part === 'closed-port') return this.#dial(scenario, await this.#closedPort());
    const uacomment = [scenario.name];
    const other = createNode({
      chain: 'regtest',
      uacomment,
      ...DEFAULT_OPTIONS,
      ...scenario.node,
      net: this.#netOf(scenario),
    });
    this.#others.push(other);
    if (scenario.part === 'listens') return this.#dial(scenario, (await other.listen(LOOPBACK)).local);
    this.#dialFrom(scenario, other, ours);
  }

  #dial(scenario: Scenario, at: Endpoint): void {
    this.#scenarios.set(formatEndpoint(at), scenario);
    const { connection_type = 'outbound-full-relay', v2 = false } = scenario;
    this.node.dial(at, { connection_type, v2transport: v2 });
  }

  /** Makes another node dial. The accepted connection is recognised by the local port of the dialling node. */
  #dialFrom(scenario: Scenario, other: BitcoinNode, ours: Endpoint): void {
    const stop = other.peers.subscribe(({ peer }) => {
      if (peer.addrbind === '') return;
      this.#scenarios.set(peer.addrbind, scenario);
      stop();
    });
    other.dial(ours);
  }

  #netOf(scenario: Scenario): Net {
    return scenario.fault === undefined ? this.#net : faultyNet(this.#net, parseFault(scenario.fault));
  }

  /** A port without a listener that no other socket can get meanwhile: the local port of an open connection. */
  async #closedPort(): Promise<Endpoint> {
    const listener = await this.#net.listen(LOOPBACK, (link) => this.#held.push(link));
    const link = await new Promise<Link>((opened, reject) => {
      this.#net.dial(listener.local, { opened, failed: (code) => reject(new VerackError(code)) });
    });
    this.#held.push(link);
    await listener.close();
    return link.local;
  }

  #peers(): Map<Scenario | undefined, PeerInfo> {
    const all = [...this.node.peers.recent(), ...this.node.peers.list()];
    // The connection to the node itself has two ends; the dialling one has the address of the listener.
    return new Map(all.map((peer) => [this.#scenarios.get(peer.addr), peer]));
  }

  #outcomeOf(scenario: Scenario): Outcome {
    const peer = this.#peers().get(scenario);
    return { scenario, ...(peer && { peer }), asExpected: peer !== undefined && isExpected(scenario, peer) };
  }

  /** Waits for the first pong of established peers, to show the ping time. Before protocol 60001 (BIP31) there are no pongs. */
  #settled(): boolean {
    const peers = this.#peers();
    return SCENARIOS.every((scenario) => {
      const peer = peers.get(scenario);
      if (!peer) return false;
      if (peer.state === 'failed' || peer.state === 'closed') return true;
      return peer.state === 'established' && isExpected(scenario, peer) && peer.pingwait === undefined;
    });
  }
}

/** Whether a peer ended as its scenario expects; its reason may have further facts. */
export function isExpected({ expected }: Scenario, peer: PeerInfo): boolean {
  if (expected.code === 'established') return peer.state === 'established';
  const { code, facts = {} } = peer.lastreason ?? {};
  return (
    code === expected.code &&
    Object.entries(expected.facts ?? {}).every(([key, value]) => facts[key] === value)
  );
}
