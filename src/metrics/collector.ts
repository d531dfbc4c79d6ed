/** Keeps the series of one node true. What the node counts already is read at the scrape; the rest is counted as it is told. */
import type { Registry } from 'prom-client';
import { parseEndpoint } from '../net/endpoint.js';
import type { NodeEvents } from '../node/events.js';
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { VERSION } from '../version.js';
import { xstateVersion } from '../xstate/version.js';
import { isKnownCommand, networkOfAddress } from '../wire/index.js';
import { type Series, seriesIn } from './series.js';

/** Milliseconds between two looks at the event loop. */
const LOOK = 500;

const DIRECTIONS = ['sent', 'received'] as const;

/** Bytes by command. */
type Bytes = Map<string, number>;

/** What is left to do with the series of a node: end them. */
export interface NodeMetrics {
  /** Lets go of the node and of the timer; the series stay in the registry as they are. Idempotent. */
  stop(): void;
}

/**
 * Puts the series of a node into a registry of prom-client:
 *
 *   const registry = new Registry();
 *   nodeMetrics(node, registry);
 *   console.log(await registry.metrics());
 *
 * Call it before the node dials or listens, or what happened before is missing. One node per registry: the names exist
 * once (prom-client throws).
 */
export const nodeMetrics = (node: BitcoinNode, registry: Registry): NodeMetrics =>
  new Collector(node, registry);

class Collector implements NodeMetrics {
  readonly #series: Series;
  /** What connections that are over have carried. */
  readonly #gone = { sent: new Map<string, number>(), received: new Map<string, number>() };
  /** Label values of `verack_peers` that were ever above 0: they go down to 0 instead of away. */
  readonly #groups = new Set<string>();
  readonly #lagTimer: NodeJS.Timeout;
  #lookedat = performance.now();
  #isOver = false;

  constructor(
    private readonly node: BitcoinNode,
    registry: Registry,
  ) {
    this.#series = seriesIn(registry, () => this.#collect());
    this.#series.build.set({ version: VERSION, xstate: xstateVersion(), node: process.versions.node }, 1);
    this.#lagTimer = setInterval(() => this.#look(), LOOK).unref();
    this.#hear('on');
  }

  stop(): void {
    if (this.#isOver) return;
    this.#collect();
    this.#isOver = true;
    clearInterval(this.#lagTimer);
    this.#hear('off');
  }

  #hear(change: 'on' | 'off'): void {
    this.node[change]('transition', this.#moved);
    this.node[change]('established', this.#established);
    this.node[change]('ended', this.#over);
    this.node[change]('fallback', this.#over);
    this.node[change]('refused', this.#refused);
    this.node[change]('message', this.#message);
    this.node[change]('pong', this.#ponged);
  }

  readonly #moved = ({ from, to }: NodeEvents['transition'][0]): void =>
    this.#series.transitions.inc({ from, to });

  readonly #established = (peer: PeerInfo): void => {
    this.#count('ok', peer);
    this.#time(peer);
  };

  /** What ends after its handshake was counted then. */
  readonly #over = (peer: PeerInfo): void => {
    addBytes(this.#gone, peer);
    if (peer.phases.verack !== undefined) return;
    this.#count(peer.lastreason?.code ?? 'ERR_LOCAL_BUG', peer);
    this.#time(peer);
  };

  /** Turned away before its first byte could tell the transport. */
  readonly #refused = ({ addr, reason }: NodeEvents['refused'][0]): void => {
    const network = networkOfAddress(parseEndpoint(addr, 0, { allowZero: true }).host);
    this.#count(reason.code, { network, transport_protocol_type: 'detecting' });
  };

  readonly #message = ({ command, direction }: NodeEvents['message'][0]): void =>
    this.#series.messages.inc({ command: labelOf(command), direction });

  readonly #ponged = ({ pingtime }: NodeEvents['pong'][0]): void => this.#series.pings.observe(pingtime);

  #count(
    outcome: string,
    { network, transport_protocol_type: transport }: Pick<PeerInfo, 'network' | 'transport_protocol_type'>,
  ): void {
    this.#series.handshakes.inc({ outcome, network, transport });
  }

  /** The phases it got through. An accepted connection was open from the start. */
  #time({ inbound, phases }: PeerInfo): void {
    for (const phase of ['connect', 'version', 'verack'] as const) {
      const ms = phases[phase];
      if (ms === undefined || (inbound && phase === 'connect')) continue;
      this.#series.durations.observe({ phase }, ms / 1_000);
    }
  }

  #look(): void {
    const now = performance.now();
    this.#series.lag.observe(Math.max(0, now - this.#lookedat - LOOK) / 1_000);
    this.#lookedat = now;
  }

  /** Once a scrape: one look at all peers serves the three series that rest on it. */
  #collect(): void {
    if (this.#isOver) return;
    const peers = this.node.peers.list();
    const isDialled = ({ inbound, state }: PeerInfo): boolean => !inbound && state === 'connecting';
    this.#series.dials.set(peers.filter(isDialled).length);
    this.#collectPeers(peers);
    this.#collectBytes(peers);
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
    const { sent, received } = this.#gone;
    const all = { sent: new Map(sent), received: new Map(received) };
    for (const peer of peers) addBytes(all, peer);
    this.#series.bytes.reset();
    for (const direction of DIRECTIONS) {
      for (const [command, bytes] of all[direction]) this.#series.bytes.inc({ command, direction }, bytes);
    }
  }
}

/** In the order of the labels of `verack_peers`; none of the words has a blank. */
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
