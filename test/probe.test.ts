/** The library's `probe`: its report on a healthy node, on a failing one, and on an address without a node. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, type NodeOptions, tcpNet } from '../src/index.js';
import { faultyNet } from '../src/net/faults/faulty-net.js';
import { type Fault, parseFault } from '../src/net/faults/faults.js';
import { versionPayload } from '../src/conformance/version-message.js';
import { probe, type ProbeOptions, type ProbeReport } from '../src/probe/probe.js';
import { dnsServer } from './support/dns.js';
import { driven } from './support/drive-clock.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { AT, play, type Script } from './support/scripted-node.js';

const nodes: BitcoinNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

async function listening(options: NodeOptions = {}): Promise<string> {
  const node = createNode({ chain: 'regtest', ...options });
  nodes.push(node);
  const { port } = await node.listen({ host: '127.0.0.1', port: 0 }).then(({ local }) => local);
  return `127.0.0.1:${port}`;
}

/** The report on a node on a net in memory, and how long it took: no deadline depends on how busy the machine is. */
async function timedInMemory(
  { fault, ...options }: NodeOptions & { readonly fault?: Fault },
  how: ProbeOptions,
): Promise<{ report: ProbeReport; ms: number }> {
  const { clock, net } = memoryNetwork();
  const at = { host: '10.0.0.1', port: 18_444 };
  const theirs = net.at(at.host);
  const node = createNode({ ...options, clock, net: fault ? faultyNet(theirs, fault) : theirs });
  nodes.push(node);
  await node.listen(at);
  const begin = clock.now();
  const report = await driven(clock, probe('10.0.0.1:18444', { ...how, clock, net: net.at('10.0.0.9') }));
  return { report, ms: clock.now() - begin };
}

const probedInMemory = async (...parts: Parameters<typeof timedInMemory>): Promise<ProbeReport> =>
  (await timedInMemory(...parts)).report;

/** A node that completes the handshake and answers nothing else. */
const answering = (version: number): Script => ({
  message: (connection, command) => {
    if (command !== 'version') return;
    connection.send('version', versionPayload({ fields: { version } }));
    connection.send('verack');
  },
});

const regtest = { chain: 'regtest' } as const;
const failing = (fault: string): NodeOptions => ({ net: faultyNet(tcpNet(), parseFault(fault)) });

describe('probe', () => {
  test('of a node that breaks a rule right after the handshake fails', async () => {
    const report = await probe(await listening(failing('late-wtxidrelay')), regtest);
    expect(report).toMatchObject({ ok: false, reason: { code: 'ERR_PROTO_LATE_FEATURE' } });
  });

  test('with an aborted signal opens no connection', async () => {
    const report = await probe(await listening(), { ...regtest, signal: AbortSignal.abort() });
    expect(report).toMatchObject({ ok: false, reason: { code: 'ERR_LOCAL_CANCELLED' } });
  });

  test('reports the version fields and the duration of each step', async () => {
    const host = await listening({ services: '0000000000000409', startingheight: 7, subver: '/x:1/' });
    const report = await probe(host, regtest);
    expect(report).toMatchObject({
      host,
      addr: host,
      chain: 'regtest',
      ok: true,
      version: 70017,
      subver: '/x:1/',
      servicesnames: ['NETWORK', 'WITNESS', 'NETWORK_LIMITED'],
      startingheight: 7,
      timeoffset: expect.any(Number),
      negotiated: ['wtxidrelay', 'sendaddrv2', 'sendcmpct'],
      transport_protocol_type: 'v1',
    });
    expect(Object.keys(report.phases).sort()).toEqual(['connect', 'ping', 'verack', 'version']);
    for (const ms of Object.values(report.phases)) {
      expect(ms).toBeGreaterThan(0);
      expect(String(ms)).toMatch(/^\d+(\.\d{1,3})?$/);
    }
    expect(report).not.toHaveProperty('reason');
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('a node that fails every requirement is reported in full', async () => {
    const host = await listening();
    const [services, version, met] = await Promise.all([
      probe(host, { ...regtest, require: { services: ['WITNESS'] } }),
      probe(host, { ...regtest, require: { version: 70018 } }),
      probe(host, { ...regtest, require: { version: 70017, services: [] } }),
    ]);
    expect(services).toMatchObject({
      ok: false,
      subver: expect.any(String),
      reason: { code: 'ERR_POLICY_SERVICES' },
    });
    expect(version.reason).toEqual({ code: 'ERR_POLICY_VERSION', facts: { version: 70017, minimum: 70018 } });
    expect(met.ok).toBe(true);
  });

  test.each([
    ['no-verack', 'ERR_TIME_HANDSHAKE', 70017],
    ['obsolete', 'ERR_POLICY_VERSION', 209],
    ['magic', 'ERR_FRAME_MAGIC', undefined],
    ['silent', 'ERR_TIME_HANDSHAKE', undefined],
    ['hang-up', 'ERR_LINK_EOF', 70017],
  ])('a node with fault %s: %s', async (fault, code, version) => {
    // Our deadline comes before the node's.
    const how = { ...regtest, rules: { handshakeTimeout: 30_000 } };
    const report = await probedInMemory({ ...regtest, fault: parseFault(fault) }, how);
    expect(report).toMatchObject({ ok: false, addr: '10.0.0.1:18444', reason: { code } });
    expect(report.version).toBe(version);
  });

  test('a late feature comes after the handshake: the report says that it was complete', async () => {
    const report = await probe(await listening(failing('late-wtxidrelay')), regtest);
    expect(report.phases.verack).toBeGreaterThan(0);
  });

  test('closed port, unknown name, cancelled', async () => {
    const dns = await dnsServer({ 'silent.example': 'silent' });
    const controller = new AbortController();
    const silent = await listening(failing('silent'));
    setImmediate(() => controller.abort());
    const [refused, unknown, aborted] = await Promise.all([
      probe('127.0.0.1:1', regtest),
      probe('nobody.example', { ...regtest, dns: { servers: [dns.address] } }),
      probe(silent, { ...regtest, signal: controller.signal }),
    ]);
    const early = await probe('silent.example', {
      dns: { servers: [dns.address] },
      signal: AbortSignal.abort(),
    });
    await dns.close();
    expect(refused).toMatchObject({ ok: false, reason: { code: 'ERR_DIAL_REFUSED' }, phases: {} });
    expect(unknown).toMatchObject({ addr: 'nobody.example:18444', reason: { code: 'ERR_DIAL_DNS' } });
    expect([aborted.reason?.code, early.reason?.code]).toEqual([
      'ERR_LOCAL_CANCELLED',
      'ERR_LOCAL_CANCELLED',
    ]);
  });

  test.each([
    ['a.internal', 'unknown-name', /is not looked up/],
    ['a.example', 'slow-dns', /No DNS server answered/],
  ])(
    'the cause is named of a name that DNS was not asked for, or did not answer: %s',
    async (host, cause, cure) => {
      const report = await probe(host, { ...regtest, dns: { servers: ['127.0.0.1:1'] } });
      expect(report.diagnosis).toEqual({ step: 'name', cause, cure: expect.stringMatching(cure) });
    },
  );

  test('all addresses of a name are tried', async () => {
    const host = await listening();
    const port = host.split(':')[1]!;
    const dns = await dnsServer({ 'node.example': { A: ['127.0.0.8', '127.0.0.1'] } });
    const report = await probe(`node.example:${port}`, { ...regtest, dns: { servers: [dns.address] } });
    await dns.close();
    expect(report).toMatchObject({
      ok: true,
      addr: host,
      phases: { dns: expect.any(Number) },
      failed: [{ addr: `127.0.0.8:${port}`, reason: { code: 'ERR_DIAL_REFUSED' } }],
    });
  });

  test.each([
    [60_001, { ok: false, reason: { code: 'ERR_TIME_PONG', facts: { ms: 5_000 } } }, 'no-pong'],
    [60_000, { ok: true }, undefined],
  ])('of a node of version %d that answers no ping (BIP31)', async (version, expected, cause) => {
    const { clock, net } = memoryNetwork();
    await net.at(AT.host).listen(AT, (link) => play(link, answering(version)));
    const report = await driven(
      clock,
      probe(AT.host, { ...regtest, v2transport: false, clock, net: net.at('10.0.0.9') }),
    );
    expect(report).toMatchObject(expected);
    expect(report.phases).not.toHaveProperty('ping');
    expect(report.diagnosis?.cause).toBe(cause);
  });

  test('an invalid host is refused', async () => {
    await expect(probe('999.1.1.1', regtest)).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT' });
    await expect(probe('127.0.0.1', { chain: 'moon' })).rejects.toMatchObject({ code: 'ERR_LOCAL_ARGUMENT' });
  });
});

describe('a node of another chain', () => {
  test.each([
    [false, 'v1'],
    [true, 'v2'],
  ])('with v2transport %p (%s) is named', async (v2transport) => {
    const { report, ms } = await timedInMemory(
      { chain: 'signet', v2transport },
      { chain: 'main', v2transport },
    );
    expect(ms).toBeLessThan(10_000);
    expect(report).toMatchObject({
      ok: false,
      reason: { code: 'ERR_FRAME_MAGIC', facts: { network: 'signet' } },
    });
  });
});

test('a node that is silent for every other chain is named in under ten seconds', async () => {
  const { clock, net } = memoryNetwork();
  await net.at(AT.host).listen(AT, (link) => play(link, answering(70_016)));
  const begin = clock.now();
  const report = await driven(
    clock,
    probe(`${AT.host}:${AT.port}`, { chain: 'main', v2transport: true, clock, net: net.at('10.0.0.9') }),
    20,
  );
  expect(report).toMatchObject({ reason: { code: 'ERR_FRAME_MAGIC', facts: { network: 'regtest' } } });
  expect(clock.now() - begin).toBeLessThan(10_000);
});

test.each([
  ['v1', {}],
  ['v2 and v1', { v2transport: true }],
  ['v2', { v2only: true }],
])('an echo server is not a node: %s', async (_name, how) => {
  const { clock, net } = memoryNetwork();
  await net.at(AT.host).listen(AT, (link) => {
    link.attach({ data: (chunk) => link.write([chunk.slice()]), closed: () => undefined });
  });
  const report = await driven(
    clock,
    probe(`${AT.host}:${AT.port}`, { ...regtest, ...how, clock, net: net.at('10.0.0.9') }),
    20,
  );
  expect(report).toMatchObject({ ok: false, reason: { code: 'ERR_PROTO_SELF', facts: { echo: true } } });
  expect(report.diagnosis?.cure).toContain('echo server');
});
