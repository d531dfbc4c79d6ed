/** The metrics: the figures agree with the events and the tracker of the node, and Prometheus can parse them. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { type NodeOptions, type PeerInfo, REASON_CODES } from '../src/index.js';
import { faultyNet, parseFault } from '../src/index.js';
import type { BitcoinNode, NodeEvents } from '../src/index.js';
import { crawlMetrics, type NodeMetrics, nodeMetrics } from '../src/metrics/index.js';
import { COMMANDS } from '../src/wire/index.js';
import { figures } from './support/prometheus-figures.js';
import { readExposition } from './support/prometheus-parser.js';
import { memoryNetwork } from './support/memory-nodes.js';

/** What a test opened; ended in the same order. */
const open: (BitcoinNode | NodeMetrics)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

/** Counts of the node's own, made beside the metrics from the same run. */
class Expected {
  readonly transitions: Record<string, number> = {};
  readonly messages: Record<string, number> = {};
  readonly outcomes: Record<string, number> = {};
  readonly over: PeerInfo[] = [];
  readonly pings: number[] = [];

  constructor(private readonly node: BitcoinNode) {
    const count = (to: Record<string, number>, ...words: string[]): void => {
      to[words.join(' ')] = (to[words.join(' ')] ?? 0) + 1;
    };
    const outcome = (code: string, { network, transport_protocol_type }: PeerInfo): void =>
      count(this.outcomes, code, network, transport_protocol_type);
    node.on('transition', ({ from, to }) => count(this.transitions, from, to));
    node.on('message', ({ command, direction }: NodeEvents['message'][0]) =>
      count(this.messages, (COMMANDS as readonly string[]).includes(command) ? command : 'other', direction),
    );
    node.on('pong', ({ pingtime }) => this.pings.push(pingtime));
    node.on('established', (peer) => outcome('ok', peer));
    const ended = (peer: PeerInfo): void => {
      this.over.push(peer);
      if (peer.phases.verack === undefined) outcome(peer.lastreason!.code, peer);
    };
    node.on('ended', ended);
    node.on('fallback', ended);
    node.on('refused', ({ reason }) => count(this.outcomes, reason.code, 'ipv4', 'detecting'));
  }

  get bytes(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const peer of [...this.over, ...this.node.peers.list()]) {
      for (const [direction, by] of [
        ['sent', peer.bytessent_per_msg],
        ['received', peer.bytesrecv_per_msg],
      ] as const)
        for (const [command, bytes] of Object.entries(by)) {
          const key = `${command.replaceAll('*', '')} ${direction}`;
          sums[key] = (sums[key] ?? 0) + bytes;
        }
    }
    return sums;
  }

  get phases(): Record<string, number> {
    const all = [...this.over, ...this.node.peers.list()];
    const having = (phase: keyof PeerInfo['phases'], of = all): number =>
      of.filter(({ phases }) => phases[phase] !== undefined).length;
    const dialled = all.filter(({ inbound }) => !inbound);
    return { connect: having('connect', dialled), version: having('version'), verack: having('verack') };
  }
}

const HOSTS = { us: '10.0.0.1', v2: '10.0.0.2', v1: '10.0.0.3', faulty: '10.0.0.4' };
const at = (host: string) => ({ host, port: 18444 });

/** One node with every kind of peer: v2, v1 after a fallback, a failed one, an inbound one, a refused one, and an address without a listener. */
async function network() {
  const network = memoryNetwork();
  const make = (host: string, options: NodeOptions = {}) => {
    const node = network.node(options, host);
    open.push(node);
    return node;
  };
  const node = make(HOSTS.us, { v2transport: true, maxinbound: 1, maxoutbound: 50 });
  const expected = new Expected(node);
  const registry = new Registry();
  open.push(nodeMetrics(node, registry));
  await node.listen(at(HOSTS.us));
  await make(HOSTS.v2, { v2transport: true }).listen(at(HOSTS.v2));
  const v1 = make(HOSTS.v1);
  await v1.listen(at(HOSTS.v1));
  await make(HOSTS.faulty, { net: faultyNet(network.net.at(HOSTS.faulty), parseFault('checksum')) }).listen(
    at(HOSTS.faulty),
  );
  for (const host of [HOSTS.v2, HOSTS.v1, HOSTS.faulty, '10.0.0.99']) node.dial(at(host));
  await network.pass();
  for (let i = 0; i < 2; i++) make(`11.0.0.${i}`).dial(at(HOSTS.us));
  await network.pass(1_000);
  for (const { id } of v1.peers.list())
    v1.send(id, { command: 'unknown', name: 'evil"\\', payload: new Uint8Array(9) });
  await network.pass(70_000);
  return { ...network, node, expected, registry };
}

describe('the figures', () => {
  test("are those of the node's own events and tracker", async () => {
    const { node, expected, registry, pass } = await network();
    const [first] = node.peers.list();
    expect(first?.state).toBe('established');
    node.close(first!.id);
    await pass();
    const families = readExposition(await registry.metrics());
    const of = (name: string) => figures(families, `verack_${name}`);
    expect(of('transitions_total')).toEqual(expected.transitions);
    expect(of('messages_total')).toEqual(expected.messages);
    expect(of('handshakes_total')).toEqual(expected.outcomes);
    expect(of('message_bytes_total')).toEqual(expected.bytes);
    expect(of('ping_seconds')).toMatchObject({ _count: expected.pings.length });
    expect(of('ping_seconds')._sum).toBeCloseTo(expected.pings.reduce((sum, each) => sum + each, 0));
    for (const [phase, count] of Object.entries(expected.phases))
      expect(of('handshake_duration_seconds')[`_count ${phase}`]).toBe(count);
    const counts = node.peers.list().map(({ state, inbound, network, transport_protocol_type }) => {
      return [state, inbound ? 'inbound' : 'outbound', network, transport_protocol_type].join(' ');
    });
    expect(of('peers')).toEqual(
      Object.fromEntries(counts.map((key) => [key, counts.filter((each) => each === key).length])),
    );
    // The run had what it was made for.
    expect(Object.keys(expected.outcomes).map((key) => key.split(' ')[0])).toEqual(
      expect.arrayContaining(['ok', 'ERR_TIME_HANDSHAKE', 'ERR_DIAL_REFUSED', 'ERR_POLICY_FULL']),
    );
    expect(expected.messages['other received']).toBe(1);
    expect(of('message_bytes_total')['other received']).toBeGreaterThan(33);
  });

  test('of peers are 0 after their end, and counters never decrease', async () => {
    const { node, pass, registry } = await network();
    const before = readExposition(await registry.metrics());
    for (const { id } of node.peers.list()) node.close(id);
    await pass();
    const after = readExposition(await registry.metrics());
    expect(figures(before, 'verack_peers')).not.toEqual({});
    expect(Object.values(figures(after, 'verack_peers')).every((value) => value === 0)).toBe(true);
    expect(Object.keys(figures(after, 'verack_peers'))).toEqual(Object.keys(figures(before, 'verack_peers')));
    for (const [name, { type }] of before) {
      if (type !== 'counter') continue;
      for (const [key, value] of Object.entries(figures(before, name)))
        expect(figures(after, name)[key]).toBeGreaterThanOrEqual(value);
    }
  });

  test('of dials count those under way', async () => {
    const network = memoryNetwork(50);
    const node = network.node();
    open.push(node);
    const registry = new Registry();
    open.push(nodeMetrics(node, registry));
    node.dial(at(HOSTS.v1));
    expect(figures(readExposition(await registry.metrics()), 'verack_dials_in_flight')).toEqual({ '': 1 });
    await network.pass();
    expect(figures(readExposition(await registry.metrics()), 'verack_dials_in_flight')).toEqual({ '': 0 });
  });

  test('of the event loop have its delay', async () => {
    const registry = new Registry();
    open.push(nodeMetrics(memoryNetwork().node(), registry));
    const end = performance.now() + 800;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const lag = figures(readExposition(await registry.metrics()), 'verack_eventloop_lag_seconds');
    expect(lag._count).toBeGreaterThanOrEqual(1);
    expect(lag._sum).toBeGreaterThan(0.25);
  });
});

describe('the labels', () => {
  test('are from closed sets, whatever peers send', async () => {
    const { registry } = await network();
    const families = readExposition(await registry.metrics());
    const states = [
      'connecting',
      'awaitingVersion',
      'versionSent',
      'versionReceived',
      'established',
      'failed',
      'closed',
    ];
    const sets: Record<string, readonly string[]> = {
      state: states,
      from: states,
      to: states,
      outcome: ['ok', ...REASON_CODES],
      command: [...COMMANDS, 'other'],
      network: ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'not_publicly_routable'],
      transport: ['v1', 'v2', 'detecting'],
      phase: ['connect', 'version', 'verack'],
      reason: REASON_CODES,
      code: REASON_CODES,
    };
    const labels = [...families.values()].flatMap(({ samples }) =>
      samples.flatMap((each) => Object.entries(each.labels)),
    );
    for (const [label, value] of labels) {
      if (label === 'direction') expect(['sent', 'received', 'inbound', 'outbound']).toContain(value);
      else if (!['le', 'version', 'xstate', 'node'].includes(label)) expect(sets[label]).toContain(value);
    }
    const versionOf = (file: string) =>
      (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    const version = versionOf('package.json');
    expect(families.get('verack_build_info')?.samples).toEqual([
      {
        name: 'verack_build_info',
        labels: {
          version,
          xstate: versionOf('node_modules/xstate/package.json'),
          node: process.versions.node,
        },
        value: 1,
      },
    ]);
  });
});

describe('without metrics', () => {
  test('the node has no listeners, and none afterwards', () => {
    const node = memoryNetwork().node();
    open.push(node);
    expect(node.eventNames()).toEqual([]);
    const metrics = nodeMetrics(node, new Registry());
    expect(node.eventNames()).toContain('message');
    metrics.stop();
    metrics.stop();
    expect(node.eventNames()).toEqual([]);
  });
});

describe('dashboard and alerts', () => {
  /** Every series that a query names. */
  const named = (queries: string): string[] => [...new Set(queries.match(/\bverack_[a-z_]+/g))];

  async function exported(): Promise<Set<string>> {
    const registry = new Registry();
    open.push(nodeMetrics(memoryNetwork().node(), registry));
    return seriesOf(registry);
  }

  async function exportedOfCrawl(): Promise<Set<string>> {
    const registry = new Registry();
    const none = { known: 0, queued: 0, active: 0, attempted: 0, reachable: 0, resultAge: 0 };
    crawlMetrics(() => ({ ...none, outcomes: {}, networks: {}, transports: {} }), registry);
    return seriesOf(registry);
  }

  async function seriesOf(registry: Registry): Promise<Set<string>> {
    const families = readExposition(await registry.metrics());
    return new Set(
      [...families].flatMap(([name, { type }]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
  }

  test('the dashboard shows every series, and none that does not exist', async () => {
    const dashboard = JSON.parse(readFileSync('src/metrics/dashboard.json', 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const series = new Set([...(await exported()), ...(await exportedOfCrawl())]);
    const shown = named(expressions.join('\n'));
    expect(shown.filter((name) => !series.has(name))).toEqual([]);
    const family = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');
    expect([...new Set(shown.map(family))].sort()).toEqual([...new Set([...series].map(family))].sort());
  });

  test('the rules rest on series that exist', async () => {
    const rules = readFileSync('src/metrics/alerts.yml', 'utf8');
    const series = new Set([...(await exported()), ...(await exportedOfCrawl())]);
    const used = named(rules.replace(/^\s*#.*$/gm, ''));
    expect(used.length).toBeGreaterThan(1);
    expect(used.filter((name) => !series.has(name))).toEqual([]);
  });
});
