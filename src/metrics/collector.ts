/** Updates the series of one node: some are read from the node at each scrape, the others are counted from its events. */
import { type BitcoinNode, type NodeEvents, parseEndpoint, type PeerInfo, VERSION } from '../index.js';
import type { Registry } from 'prom-client';
import { checkOptionNames, sourceOf } from '../net/index.js';
import { xstateVersion } from '../xstate/index.js';
import { isKnownCommand, networkOfAddress } from '../wire/index.js';
import { EventLoopLag } from './event-loop-lag.js';
import { type Health, healthOf, slotsOf } from './health.js';
import { RefusalsBySource } from './refusals.js';
import { type Series, seriesIn } from './series.js';

const DIRECTIONS = ['sent', 'received'] as const;

/** Bytes by command. */
type Bytes = Map<string, number>;

/** Figures that the node does not have. Each is read at every scrape. */
export interface MetricsOptions {
  /** The number of log lines that could not be written since the start. Default 0. */
  readonly linesDropped?: () => number;
  /** The number of bytes in unfinished frames and send queues of the node. Default 0. */
  readonly bytesBuffered?: () => number;
}

const OPTION_NAMES: Readonly<Record<keyof MetricsOptions, true>> = {
  linesDropped: true,
  bytesBuffered: true,
};

/** The metrics of one node. */
export interface NodeMetrics {
  /** The body of `/healthz`. */
  health(): Health;
  /** Removes the listeners from the node and stops the timer. The series keep their last values. Idempotent. */
  stop(): void;
}

/**
 * Adds the series of a node to a registry of prom-client:
 *
 *   const registry = new Registry();
 *   nodeMetrics(node, registry);
 *   console.log(await registry.metrics());
 *
 * Call it before the node dials or listens, since earlier events are not counted. Each node needs its own registry:
 * prom-client throws if a name is registered twice.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export const nodeMetrics = (
  node: BitcoinNode,
  registry: Registry,
  options: MetricsOptions = {},
): NodeMetrics => {
  checkOptionNames(options, OPTION_NAMES);
  return new Collector(node, registry, options);
};

class Collector implements NodeMetrics {
  readonly #series: Series;
  /** Bytes of ended connections, by command. */
  readonly #ended = { sent: new Map<string, number>(), received: new Map<string, number>() };
  /** Label values of `verack_peers` that have been above 0. They are kept, so that a series drops to 0 instead of disappearing. */
  readonly #groups = new Set<string>();
  readonly #refusals = new RefusalsBySource();
  readonly #lag: EventLoopLag;
  #isOver = false;

  constructor(
    private readonly node: BitcoinNode,
    registry: Registry,
    private readonly options: MetricsOptions,
  ) {
    this.#series = seriesIn(registry, () => this.#collect());
    this.#series.build.set({ version: VERSION, xstate: xstateVersion(), node: process.versions.node }, 1);
    this.#lag = new EventLoopLag((seconds) => this.#series.lag.observe(seconds));
    this.#listen('on');
  }

  health(): Health {
    return healthOf(this.node, this.#lag);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#collect();
    this.#isOver = true;
    this.#lag.stop();
    this.#listen('off');
  }

  #listen(change: 'on' | 'off'): void {
    this.node[change]('transition', this.#onTransition);
    this.node[change]('established', this.#onEstablished);
    this.node[change]('ended', this.#onEnded);
    this.node[change]('fallback', this.#onEnded);
    this.node[change]('refused', this.#onRefused);
    this.node[change]('message', this.#onMessage);
    this.node[change]('pong', this.#onPong);
    this.node[change]('dropped', this.#onDropped);
  }

  readonly #onTransition = ({ from, to }: NodeEvents['transition'][0]): void =>
    this.#series.transitions.inc({ from, to });

  readonly #onEstablished = (peer: PeerInfo): void => {
    this.#count('ok', peer);
    this.#time(peer);
  };

  /** Counts only connections that end before their handshake completes; the others were counted as `ok`. */
  readonly #onEnded = (peer: PeerInfo): void => {
    addBytes(this.#ended, peer);
    if (peer.phases.verack !== undefined) return;
    this.#count(peer.lastreason?.code ?? 'ERR_LOCAL_BUG', peer);
    this.#time(peer);
  };

  /** The transport of a refused connection is not known. */
  readonly #onRefused = ({ addr, reason }: NodeEvents['refused'][0]): void => {
    const { host } = parseEndpoint(addr, 0, { allowZero: true });
    const network = networkOfAddress(host);
    this.#count(reason.code, { network, transport_protocol_type: 'detecting' });
    this.#series.refused.inc({ reason: reason.code, network });
    this.#refusals.add(sourceOf(host));
  };

  readonly #onDropped = ({ code }: NodeEvents['dropped'][0]): void => this.#series.dropped.inc({ code });

  readonly #onMessage = ({ command, direction }: NodeEvents['message'][0]): void =>
    this.#series.messages.inc({ command: labelOf(command), direction });

  readonly #onPong = ({ pingtime }: NodeEvents['pong'][0]): void => this.#series.pings.observe(pingtime);

  #count(
    outcome: string,
    { network, transport_protocol_type: transport }: Pick<PeerInfo, 'network' | 'transport_protocol_type'>,
  ): void {
    this.#series.handshakes.inc({ outcome, network, transport });
  }

  /** Observes the completed phases; an inbound connection has no phase `connect`. */
  #time({ inbound, phases }: PeerInfo): void {
    for (const phase of ['connect', 'version', 'verack'] as const) {
      const ms = phases[phase];
      if (ms === undefined || (inbound && phase === 'connect')) continue;
      this.#series.durations.observe({ phase }, ms / 1_000);
    }
  }

  /** Runs before each scrape. */
  #collect(): void {
    if (this.#isOver) return;
    const peers = this.node.peers.list();
    const isDialled = ({ inbound, state }: PeerInfo): boolean => !inbound && state === 'connecting';
    this.#series.dials.set(peers.filter(isDialled).length);
    this.#collectPeers(peers);
    this.#collectBytes(peers);
    this.#collectLimits();
  }

  #collectLimits(): void {
    const { slots, slotsUsed, refusedSources, refusedMost, buffered, linesDropped } = this.#series;
    for (const [direction, { used, max }] of Object.entries(slotsOf(this.node))) {
      slots.set({ direction }, max);
      slotsUsed.set({ direction }, used);
    }
    refusedSources.set(this.#refusals.sources);
    refusedMost.set(this.#refusals.most);
    buffered.set(this.options.bytesBuffered?.() ?? 0);
    linesDropped.reset();
    linesDropped.inc(this.options.linesDropped?.() ?? 0);
  }

  #collectPeers(peers: readonly PeerInfo[]): void {
    const counts = new Map<string, number>();
    for (const peer of peers) add(counts, groupOf(peer), 1);
    for (const group of counts.keys()) this.#groups.add(group);
    for (const group of this.#groups) {
      this.#series.peers.labels(...group.split(' ')).set(counts.get(group) ?? 0);
    }
  }

  #collectBytes(peers: readonly PeerInfo[]): void {
    const { sent, received } = this.#ended;
    const all = { sent: new Map(sent), received: new Map(received) };
    for (const peer of peers) addBytes(all, peer);
    this.#series.bytes.reset();
    for (const direction of DIRECTIONS) {
      for (const [command, bytes] of all[direction]) this.#series.bytes.inc({ command, direction }, bytes);
    }
  }
}

/** The label values of `verack_peers` in the order of its labels, separated by spaces. */
const groupOf = ({ state, inbound, network, transport_protocol_type }: PeerInfo): string =>
  [state, inbound ? 'inbound' : 'outbound', network, transport_protocol_type].join(' ');

const labelOf = (command: string): string => (isKnownCommand(command) ? command : 'other');

function addBytes(to: { sent: Bytes; received: Bytes }, peer: PeerInfo): void {
  for (const [command, bytes] of Object.entries(peer.bytessent_per_msg))
    add(to.sent, labelOf(command), bytes);
  for (const [command, bytes] of Object.entries(peer.bytesrecv_per_msg))
    add(to.received, labelOf(command), bytes);
}

const add = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};
