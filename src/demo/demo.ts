/**
 * The demo: a small network on loopback, with one node of ours in its middle. It dials healthy and failing listeners, a
 * few nodes dial it, and every connection must end as {@link SCENARIOS} expects.
 */
import { type Endpoint, faultyNet, formatEndpoint, type Net, parseFault, tcpNet } from '../net/index.js';
import { type BitcoinNode, createNode, type NodeOptions, type PeerInfo } from '../index.js';
import { servicesOf } from '../wire/index.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

/** How one scenario ended, beside what was expected. */
export interface Outcome {
  readonly scenario: Scenario;
  /** Our node's view of the connection; absent when there never was one. */
  readonly peer?: PeerInfo;
  readonly asExpected: boolean;
}

export interface DemoOptions {
  /** Milliseconds for a handshake. Default 3,000. */
  readonly handshakeTimeout?: number;
  /** Milliseconds after which what is open counts as it stands. Default 10,000. */
  readonly maxWait?: number;
  readonly inspect?: NodeOptions['inspect'];
  /** Makes our node. Default {@link createNode}. */
  readonly create?: (options: NodeOptions) => BitcoinNode;
  readonly signal?: AbortSignal;
  /** Called with the node before anything is dialled. */
  readonly watch?: (node: BitcoinNode, nameOf: (addr: string) => string | undefined) => void;
}

export interface Demo {
  readonly node: BitcoinNode;
  /** Where our node listens. */
  readonly local: Endpoint;
  /** In the order of {@link SCENARIOS}; resolves when all ends are known, or `maxWait` is over. */
  readonly outcomes: Promise<Outcome[]>;
  stop(): Promise<void>;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const USUAL = { services: servicesOf('NETWORK', 'WITNESS', 'NETWORK_LIMITED') };
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
  /** Addresses as our node sees them. */
  readonly #scenarios = new Map<string, Scenario>();
  readonly #net = tcpNet();

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

  /** Polls until nothing more can change, or `maxWait` is over. */
  async outcomes(): Promise<Outcome[]> {
    const end = Date.now() + (this.options.maxWait ?? 10_000);
    while (Date.now() < end && !this.options.signal?.aborted && !this.#settled()) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return SCENARIOS.map((scenario) => this.#outcomeOf(scenario));
  }

  async close(): Promise<void> {
    await Promise.all([this.node, ...this.#others].map((node) => node.stop()));
  }

  async #start(scenario: Scenario, ours: Endpoint): Promise<void> {
    if (scenario.part === 'self') return this.#dial(scenario, ours);
    if (scenario.part === 'closed-port') return this.#dial(scenario, await this.#closedPort());
    const uacomment = [scenario.name];
    const other = createNode({
      chain: 'regtest',
      uacomment,
      ...USUAL,
      ...scenario.node,
      net: this.#netOf(scenario),
    });
    this.#others.push(other);
    if (scenario.part === 'listens') return this.#dial(scenario, (await other.listen(LOOPBACK)).local);
    this.#beDialled(scenario, other, ours);
  }

  #dial(scenario: Scenario, at: Endpoint): void {
    this.#scenarios.set(formatEndpoint(at), scenario);
    const { connection_type = 'outbound-full-relay', v2 = false } = scenario;
    this.node.dial(at, { connection_type, v2transport: v2 });
  }

  /** Which of our accepted connections is this one is decided by the dialler's own port. */
  #beDialled(scenario: Scenario, other: BitcoinNode, ours: Endpoint): void {
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

  /** A port that was free a moment ago. */
  async #closedPort(): Promise<Endpoint> {
    const listener = await this.#net.listen(LOOPBACK, (link) => link.destroy());
    await listener.close();
    return listener.local;
  }

  #peers(): Map<Scenario | undefined, PeerInfo> {
    const all = [...this.node.peers.recent(), ...this.node.peers.list()];
    // Dialling this node makes two ends; the dialled one carries the listener's address.
    return new Map(all.map((peer) => [this.#scenarios.get(peer.addr), peer]));
  }

  #outcomeOf(scenario: Scenario): Outcome {
    const peer = this.#peers().get(scenario);
    return { scenario, ...(peer && { peer }), asExpected: peer !== undefined && isExpected(scenario, peer) };
  }

  /** Established peers count once their first ping is back; the ancient one never answers. */
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

/** Whether the peer is where its scenario says, with the expected facts among its own. */
export function isExpected({ expected }: Scenario, peer: PeerInfo): boolean {
  if (expected.code === 'established') return peer.state === 'established';
  const { code, facts = {} } = peer.lastreason ?? {};
  return (
    code === expected.code &&
    Object.entries(expected.facts ?? {}).every(([key, value]) => facts[key] === value)
  );
}
