/**
 * The conformance cases against real nodes. Bitcoin Core's family comes first: it is the oracle, and a case that it does not
 * pass is a wrong case. Then this node over TCP, then other implementations with their known differences.
 */
import { expect, test } from '@jest/globals';
import { formatEndpoint } from '../../src/net/endpoint.js';
import { tcpNet } from '../../src/net/tcp.js';
import { NETWORKS } from '../../src/networks.js';
import { createNode, type NodeOptions } from '../../src/index.js';
import type { Case } from '../../src/conformance/case.js';
import { conform } from '../../src/conformance/conform.js';
import { OUTBOUND_CONNECTION_TYPES, type OutboundConnectionType } from '../../machines/index.js';
import { netOfEachCase } from '../../src/conformance/loopback-net.js';
import { loadCases, loadKnown } from '../../src/conformance/case-files.js';
import type { Report } from '../../src/conformance/report.js';
import type { Dialler, NodeUnderTest } from '../../src/conformance/node-under-test.js';
import { bcoin, bitcoind, describeNode, litecoind, type RealNode } from './nodes/nodes.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const cases = loadCases();

/** Manual connections by `addnode`; a regtest bitcoind opens the other types on request too. */
const diallerOf = (node: RealNode, types: Dialler['types']): Dialler => ({
  types,
  choosesV2: true,
  patience: 0,
  dial: async ({ at, type, v2 }) => {
    if (type === 'manual') await node.dial(at.host, at.port, v2);
    else await node.rpc('addconnection', [formatEndpoint(at), type, v2]);
  },
});

const subjectOf = (node: RealNode, types: Dialler['types'] = ['manual']): NodeUnderTest => ({
  net: tcpNet(),
  at: { host: node.host, port: node.port },
  netOfCase: netOfEachCase(node)!,
  meets: ['old-tip'],
  peers: async () => (await node.getpeerinfo()).map(({ addr }) => addr),
  dialler: diallerOf(node, types),
});

const reportOn = (subject: NodeUnderTest, some: readonly Case[] = cases): Promise<Report> =>
  conform({ cases: some, subject, chain: NETWORKS.regtest, known: loadKnown(), lanes: 12 });

const idsOf = ({ findings }: Report, wanted: string): string[] =>
  findings.filter(({ verdict }) => verdict === wanted).map(({ id }) => id);
const failures = ({ findings, error }: Report): string[] => [
  ...(error === undefined ? [] : [error]),
  ...findings.filter(({ verdict }) => verdict === 'fail').map(({ id, seen }) => `${id}: ${seen}`),
];

/** What was run against the oracle, over all its configurations. */
const proven = new Set<string>();

async function oracle(subject: NodeUnderTest, some?: readonly Case[]): Promise<void> {
  const report = await reportOn(subject, some);
  expect(failures(report)).toEqual([]);
  for (const id of idsOf(report, 'pass')) proven.add(id);
}

/** Sets the clock of a Core node forward, never back: cases follow each other on it. */
function withClock(node: RealNode): NodeUnderTest {
  let now = Math.floor(Date.now() / 1_000);
  const advance = async (seconds: number): Promise<void> => {
    now += seconds;
    await node.rpc('setmocktime', [now]);
  };
  const clock = { advance, set: (unix: number) => advance(Math.max(0, unix - now)) };
  return { ...subjectOf(node, OUTBOUND_CONNECTION_TYPES), clock };
}

describeNode('bitcoind', 'bitcoind, the oracle', () => {
  test('passes every case of its dialect, as v1-only and as v2-capable node', async () => {
    await using old = await bitcoind({ args: ['-v2transport=0'] });
    await using usual = await bitcoind();
    await Promise.all([
      oracle(subjectOf(old, OUTBOUND_CONNECTION_TYPES)),
      oracle(subjectOf(usual, OUTBOUND_CONNECTION_TYPES)),
    ]);
  });

  test('passes those that depend on its options, its clock, or a dial by hand', async () => {
    const some = (...words: string[]): Case[] =>
      cases.filter((it) => words.some((word) => JSON.stringify(it.when ?? {}).includes(word)));
    await using quiet = await bitcoind({ args: ['-v2transport=0', '-blocksonly=1'] });
    await using bloom = await bitcoind({ args: ['-v2transport=0', '-peerbloomfilters=1'] });
    await using offering = await bitcoind({ args: ['-v2transport=0', '-txreconciliation=1'] });
    await using clocked = await bitcoind();
    await using byHand = await bitcoind();
    const timed = cases.filter(({ needs = [] }) => needs.includes('clock'));
    await Promise.all([
      oracle(subjectOf(quiet, OUTBOUND_CONNECTION_TYPES), some('"relay":0')),
      oracle(subjectOf(bloom), some('BLOOM')),
      oracle(subjectOf(offering, OUTBOUND_CONNECTION_TYPES), some('sendtxrcncl')),
      oracle(withClock(clocked), timed),
      oracle(
        subjectOf(byHand),
        cases.filter(({ as_manual }) => as_manual),
      ),
    ]);
  });

  test('has then passed every case of its dialect that this tool can run', () => {
    const runnable = cases.filter(({ needs = [], dialects }) => {
      const isOurs = needs.every((need) => ['clock', 'peers', 'old-tip'].includes(need));
      return isOurs && dialects.includes('d70016');
    });
    expect(runnable.map(({ id }) => id).filter((id) => !proven.has(id))).toEqual([]);
  });
});

/** Our own node on a port of the system's choice. */
async function ownReport(options: NodeOptions, some = cases): Promise<Report> {
  await using node = createNode({ chain: 'regtest', ...options });
  const { local } = await node.listen(LOOPBACK);
  return await reportOn(
    {
      net: tcpNet(),
      at: local,
      meets: ['old-tip'],
      peers: () => Promise.resolve(node.peers.list().map(({ addr }) => addr)),
      dialler: {
        types: OUTBOUND_CONNECTION_TYPES,
        choosesV2: true,
        patience: 0,
        dial: ({ at, type, v2 }) => {
          node.dial(at, { connection_type: type as OutboundConnectionType, v2transport: v2 });
          return Promise.resolve();
        },
      },
    },
    some,
  );
}

test('our own node passes over TCP, v1-only and v2-capable, whether it asks for transactions or not', async () => {
  // The boundaries do not depend on what is asked for.
  const written = cases.filter(({ tags }) => !tags.includes('boundary'));
  const reports = await Promise.all([
    ownReport({ rules: { relay: true } }),
    ownReport({}, written),
    ownReport({ v2transport: true, rules: { relay: true } }),
    ownReport({ v2transport: true }, written),
  ]);
  const encrypted = written.filter(({ transport, needs = [] }) => transport === 'v2' && needs.length === 0);
  for (const report of reports) {
    expect(failures(report)).toEqual([]);
    expect(idsOf(report, 'pass').length).toBeGreaterThan(110);
    const isCapable = report.nodeinfo?.listener === 'v2-capable';
    const verdict = isCapable ? 'pass' : 'skip';
    expect(idsOf(report, verdict)).toEqual(expect.arrayContaining(encrypted.map(({ id }) => id)));
  }
  const passed = new Set(reports.flatMap((report) => idsOf(report, 'pass')));
  const ours = cases.filter(({ tags, dialects }) => tags.includes('boundary') && dialects.includes('d70017'));
  expect(ours.map(({ id }) => id).filter((id) => !passed.has(id))).toEqual([]);
  expect(reports.map(({ nodeinfo }) => nodeinfo?.listener)).toEqual([
    ...['v1-only', 'v1-only', 'v2-capable', 'v2-capable'],
  ]);
});

describeNode(['litecoind', 'bcoin'], 'other implementations', () => {
  test('have the known differences and no other', async () => {
    await using litecoin = await litecoind();
    // It bans the host in many cases, and the other cases could not run then.
    await using old = await bcoin({ args: ['--ban-score=1000000000'] });
    const reports = await Promise.all([reportOn(subjectOf(litecoin)), reportOn(subjectOf(old))]);
    for (const report of reports) {
      expect(failures(report)).toEqual([]);
      expect(report.absent).toEqual([]);
    }
  });
});
