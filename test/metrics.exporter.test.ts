/** The exporter: its answers, which clients get them, and its limits. */
import { mkdtemp } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Gauge, Registry } from 'prom-client';
import { type BitcoinNode, createNode } from '../src/index.js';
import { MAX_REQUESTS } from '../src/metrics/exporter.js';
import { type Exporter, type NodeMetrics, nodeMetrics, startExporter } from '../src/metrics/index.js';
import { figures } from './support/prometheus-figures.js';
import { readExposition } from './support/prometheus-parser.js';
import { memoryNetwork } from './support/memory-nodes.js';

/** What a test opened; ended in the same order. */
const open: (BitcoinNode | NodeMetrics | Exporter)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await ('stop' in each ? each.stop() : each.close());
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

  test('serves the figures of a real node over TCP', async () => {
    const [a, b] = [createNode({ chain: 'regtest' }), createNode({ chain: 'regtest', v2transport: true })];
    const registry = new Registry();
    const exporter = await startExporter({ registry });
    open.push(exporter, nodeMetrics(a, registry), a, b);
    const { local } = await a.listen({ host: '127.0.0.1', port: 0 });
    const established = new Promise((resolve) => a.once('established', resolve));
    await b
      .dial(local)
      .established()
      .catch(() => undefined);
    await established;
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
    expect(warning).toMatch(/any machine that can reach 0\.0\.0\.0 can read/);
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

  test('answers while more idle connections are open than its limit', async () => {
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
    let now = 0;
    const exporter = await startExporter({ registry, now: () => now });
    open.push(exporter);
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(exporter.url)));
    expect(collections).toBe(1);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30 - MAX_REQUESTS);
    now = 1_000;
    expect((await ask(exporter.url)).status).toBe(200);
    expect(collections).toBe(2);
  });

  test('requires its token', async () => {
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
    const node = memoryNetwork().node({ maxinbound: 3 });
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
    open.push(nodeMetrics(memoryNetwork().node(), registry));
    Object.assign(registry.getSingleMetric('verack_ping_seconds')!, {
      collect: () => {
        throw new Error('a series of another program');
      },
    });
    expect((await ask(exporter.url)).status).toBe(500);
  });
});
