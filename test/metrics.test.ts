/** The metrics: do the figures agree with what the node itself says, and does Prometheus understand them? */
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Gauge, Registry } from 'prom-client';
import { createNode, type NodeOptions, type PeerInfo, REASON_CODES } from '../src/index.js';
import { faultyNet, parseFault } from '../src/index.js';
import type { BitcoinNode, NodeEvents } from '../src/index.js';
import { type Exporter, type NodeMetrics, nodeMetrics, startExporter } from '../src/metrics/index.js';
import { COMMANDS } from '../src/wire/index.js';
import { type Family, readExposition, type Sample } from './support/prometheus-parser.js';
import { scene } from './support/memory-nodes.js';

/** What a test opened, to be ended in the order in which it was opened. */
const open: (BitcoinNode | NodeMetrics | Exporter)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await ('stop' in each ? each.stop() : each.close());
});

/** The samples of a family with these labels, by their value. */
function figures(families: Map<string, Family>, name: string): Record<string, number> {
  const { samples } = families.get(name) ?? { samples: [] };
  return Object.fromEntries(samples.map((sample) => [keyOf(sample), sample.value]));
}

const keyOf = ({ name, labels }: Sample): string =>
  [/_(bucket|sum|count)$/.exec(name)?.[0] ?? '', ...Object.values(labels)].filter(Boolean).join(' ');

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

/** One node with every kind of peer: v2, v1 after a fallback, one that fails, one that comes, one turned away, one that is not there. */
async function network() {
  const stage = scene();
  const make = (host: string, options: NodeOptions = {}) => {
    const node = stage.node(options, host);
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
  await make(HOSTS.faulty, { net: faultyNet(stage.net.at(HOSTS.faulty), parseFault('checksum')) }).listen(
    at(HOSTS.faulty),
  );
  for (const host of [HOSTS.v2, HOSTS.v1, HOSTS.faulty, '10.0.0.99']) node.dial(at(host));
  await stage.pass();
  for (let i = 0; i < 2; i++) make(`11.0.0.${i}`).dial(at(HOSTS.us));
  await stage.pass(1_000);
  for (const { id } of v1.peers.list())
    v1.send(id, { command: 'unknown', name: 'evil"\\', payload: new Uint8Array(9) });
  await stage.pass(70_000);
  return { ...stage, node, expected, registry };
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

  test('of peers go to 0 when they are gone, and counters never go down', async () => {
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
    const stage = scene(50);
    const node = stage.node();
    open.push(node);
    const registry = new Registry();
    open.push(nodeMetrics(node, registry));
    node.dial(at(HOSTS.v1));
    expect(figures(readExposition(await registry.metrics()), 'verack_dials_in_flight')).toEqual({ '': 1 });
    await stage.pass();
    expect(figures(readExposition(await registry.metrics()), 'verack_dials_in_flight')).toEqual({ '': 0 });
  });

  test('of the event loop say how long it was held up', async () => {
    const registry = new Registry();
    open.push(nodeMetrics(scene().node(), registry));
    const end = performance.now() + 800;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const lag = figures(readExposition(await registry.metrics()), 'verack_eventloop_lag_seconds');
    expect(lag._count).toBeGreaterThanOrEqual(1);
    expect(lag._sum).toBeGreaterThan(0.25);
  });
});

describe('the labels', () => {
  test('are from closed sets, whatever peers say', async () => {
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
    const node = scene().node();
    open.push(node);
    expect(node.eventNames()).toEqual([]);
    const metrics = nodeMetrics(node, new Registry());
    expect(node.eventNames()).toContain('message');
    metrics.stop();
    metrics.stop();
    expect(node.eventNames()).toEqual([]);
  });
});

describe('the exporter', () => {
  interface Answer {
    readonly status: number | undefined;
    readonly type: string | undefined;
    readonly allow: string | undefined;
    readonly body: string;
  }

  const ask = (url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      request(url, { method, headers, agent: false }, (response) => {
        const { statusCode: status, headers } = response;
        const { 'content-type': type, allow } = headers;
        text(response).then((body) => resolve({ status, type, allow, body }), reject);
      })
        .on('error', reject)
        .end();
    });

  async function serving(host?: string): Promise<Exporter> {
    const exporter = await startExporter({ registry: new Registry(), ...(host !== undefined && { host }) });
    open.push(exporter);
    return exporter;
  }

  test('serves what a real node over TCP says of itself', async () => {
    const [a, b] = [createNode({ chain: 'regtest' }), createNode({ chain: 'regtest', v2transport: true })];
    const registry = new Registry();
    const exporter = await startExporter({ registry });
    open.push(exporter, nodeMetrics(a, registry), a, b);
    const { local } = await a.listen({ host: '127.0.0.1', port: 0 });
    const ended = new Promise((resolve) => b.once('established', resolve));
    await b
      .dial(local)
      .established()
      .catch(() => undefined);
    await ended;
    const { status, type, body } = await ask(exporter.url);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const families = readExposition(body);
    const { 'ok not_publicly_routable v1': ok } = figures(families, 'verack_handshakes_total');
    expect(ok).toBe(1);
    expect(figures(families, 'verack_peers')).toMatchObject({
      'established inbound not_publicly_routable v1': 1,
    });
  });

  test('answers GET and HEAD of /metrics', async () => {
    const { url } = await serving();
    const answers = await Promise.all([
      ask(url),
      ask(`${url}?x=1`),
      ask(new URL('/', url).href),
      ask(`${url}/`),
      ask(url, 'POST'),
      ask(url, 'HEAD'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 404, 405, 200]);
    expect(answers[4]?.allow).toBe('GET, HEAD');
    expect(answers[5]?.body).toBe('');
  });

  test('on loopback accepts loopback names only', async () => {
    const { url } = await serving();
    const { port } = new URL(url);
    const asked = ['127.0.0.1', 'localhost', 'rebound.example', '192.0.2.1'].map((name) =>
      ask(url, 'GET', { Host: `${name}:${port}` }),
    );
    const foreign = ask(url, 'GET', { Origin: 'http://pages.example' });
    const statuses = (await Promise.all([...asked, foreign])).map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 403, 403, 403]);
  });

  test('on another address accepts every name, and has a warning', async () => {
    const { url, warning } = await serving('0.0.0.0');
    expect(warning).toMatch(/0\.0\.0\.0 can be read by every machine/);
    const { port } = new URL(url);
    const { status } = await ask(`http://127.0.0.1:${port}/metrics`, 'GET', { Host: `node.example:${port}` });
    expect(status).toBe(200);
  });

  test('rejects for a port in use', async () => {
    const { url } = await serving();
    const port = Number(new URL(url).port);
    await expect(startExporter({ registry: new Registry(), port })).rejects.toMatchObject({
      code: 'ERR_LOCAL_ADDRESS',
      facts: { syscode: 'EADDRINUSE', host: '127.0.0.1', port },
    });
  });

  test('answers beside more idle connections than it takes', async () => {
    const { url } = await serving();
    const port = Number(new URL(url).port);
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const socket of sockets) socket.on('close', () => ++closed === 4 && resolve());
    });
    expect((await ask(url)).status).toBe(200);
    expect(sockets.filter(({ destroyed }) => destroyed).length).toBeLessThanOrEqual(5);
    for (const socket of sockets) socket.destroy();
  });

  test('collects once for the requests of a second, and limits their number', async () => {
    const registry = new Registry();
    let collections = 0;
    new Gauge({ name: 'x', help: 'x', registers: [registry], collect: () => void (collections += 1) });
    const exporter = await startExporter({ registry });
    open.push(exporter);
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(exporter.url)));
    expect(collections).toBeLessThanOrEqual(2);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
  });

  test('wants its token', async () => {
    const exporter = await startExporter({ registry: new Registry(), token: 'secret' });
    open.push(exporter);
    const tokens = [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'Bearer secret' }];
    const answers = await Promise.all(tokens.map((headers) => ask(exporter.url, 'GET', headers)));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200]);
  });

  test('listens on a UNIX socket', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'verack-metrics-')), 'socket');
    const exporter = await startExporter({ registry: new Registry(), path });
    open.push(exporter);
    const status = await new Promise((resolve, reject) => {
      request({ socketPath: path, path: '/metrics' }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect([status, exporter.url]).toEqual([200, `unix:${path}`]);
  });

  test('reports the health of the node', async () => {
    const node = scene().node({ maxinbound: 3 });
    const metrics = nodeMetrics(node, new Registry());
    const exporter = await startExporter({ registry: new Registry(), health: () => metrics.health() });
    open.push(exporter, metrics);
    const url = new URL('/healthz', exporter.url).href;
    const { status, body } = await ask(url);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      ...{ ready: true, slots: { inbound: { used: 0, max: 3 } }, lag: expect.any(Number) },
    });
    await node.stop();
    expect(await ask(url)).toMatchObject({ status: 503, body: expect.stringContaining('"ready":false') });
  });

  test('survives a series that fails', async () => {
    const registry = new Registry();
    const exporter = await startExporter({ registry });
    open.push(exporter);
    open.push(nodeMetrics(scene().node(), registry));
    Object.assign(registry.getSingleMetric('verack_ping_seconds')!, {
      collect: () => {
        throw new Error('a series of somebody else');
      },
    });
    expect((await ask(exporter.url)).status).toBe(500);
  });
});

describe('dashboard and alerts', () => {
  /** Every series that a query names. */
  const named = (queries: string): string[] => [...new Set(queries.match(/\bverack_[a-z_]+/g))];

  async function exported(): Promise<Set<string>> {
    const registry = new Registry();
    open.push(nodeMetrics(scene().node(), registry));
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
    const series = await exported();
    const shown = named(expressions.join('\n'));
    expect(shown.filter((name) => !series.has(name))).toEqual([]);
    const family = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');
    expect([...new Set(shown.map(family))].sort()).toEqual([...new Set([...series].map(family))].sort());
  });

  test('the rules rest on series that exist', async () => {
    const rules = readFileSync('src/metrics/alerts.yml', 'utf8');
    const series = await exported();
    const used = named(rules.replace(/^\s*#.*$/gm, ''));
    expect(used.length).toBeGreaterThan(1);
    expect(used.filter((name) => !series.has(name))).toEqual([]);
  });
});
