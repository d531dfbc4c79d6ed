/** Our own listener and dialler, checked by the conformance cases over memory, on virtual clocks. */
import { describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, type NodeOptions, VirtualClock } from '../src/index.js';
import { memoryNet } from '../src/net/memory.js';
import { NETWORKS } from '../src/networks.js';
import type { Case } from '../src/conformance/case.js';
import { conform } from '../src/conformance/conform.js';
import { loadCaseFiles, loadKnown } from '../src/conformance/case-files.js';
import type { Report } from '../src/conformance/report.js';
import type { NodeUnderTest } from '../src/conformance/node-under-test.js';
import { driven } from './support/drive-clock.js';
import { seededRandom } from './support/memory-nodes.js';

const AT = { host: '10.0.0.1', port: 18_444 };
/** Core closes when more than 60 s have passed; a timer of ours fires when exactly 60 s have passed. The difference shows only with a clock that is controlled. */
const MORE_THAN_A_MINUTE = { handshakeTimeout: 60_001 };
const TYPES = ['outbound-full-relay', 'block-relay-only', 'feeler', 'addr-fetch', 'manual'] as const;

/** A new node with a separate clock, which stands still unless a case advances it. `tester`: the address that the tester dials from. */
async function reportOf(cases: readonly Case[], options: NodeOptions, tester?: string): Promise<Report> {
  const clock = new VirtualClock();
  const nodeClock = new VirtualClock();
  const net = memoryNet({ timers: clock });
  const random = seededRandom(1);
  const node = createNode({ chain: 'regtest', clock: nodeClock, net: net.at(AT.host), random, ...options });
  await node.listen(AT);
  const report = await driven(
    clock,
    conform({
      cases,
      known: loadKnown(),
      subject: subjectOf(node, nodeClock, tester === undefined ? net : net.at(tester)),
      chain: NETWORKS.regtest,
      clock,
    }),
  );
  nodeClock.advance(10_000);
  return report;
}

function subjectOf(node: BitcoinNode, clock: VirtualClock, net: NodeUnderTest['net']): NodeUnderTest {
  return {
    net,
    at: AT,
    meets: ['old-tip'],
    peers: () => Promise.resolve(node.peers.list().map(({ addr }) => addr)),
    dialler: {
      types: TYPES,
      choosesV2: true,
      patience: 0,
      dial: ({ at, type, v2 }) => {
        node.dial(at, { connection_type: type as (typeof TYPES)[number], v2transport: v2 });
        return Promise.resolve();
      },
    },
    clock: {
      set: () => Promise.resolve(),
      advance: (seconds) => Promise.resolve(clock.advance(seconds * 1_000)),
    },
  };
}

const failures = ({ findings }: Report): string[] =>
  findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ id, grade, seen }) => `${id} (${grade}): ${seen}`);
const passed = ({ findings }: Report): string[] =>
  findings.filter(({ verdict }) => verdict === 'pass').map(({ id }) => id);

describe('our own node', () => {
  /** The boundaries of the messages are run over TCP, end to end. */
  const cases = loadCaseFiles();
  const timeless = cases.filter(({ needs }) => !needs?.includes('clock'));

  const v2 = timeless.filter(({ transport }) => transport === 'v2').map(({ id }) => id);
  const relay = { relay: true };

  test.each([
    ['v1 only, asking for transactions', { rules: relay }],
    ['v1 only, asking for none', {}],
  ])('passes every case: %s', async (_, options) => {
    const report = await reportOf(timeless, options);
    expect(failures(report)).toEqual([]);
    expect(passed(report).length).toBeGreaterThan(115);
    const skipped = report.findings.filter(({ id }) => v2.includes(id)).map(({ seen }) => seen);
    expect(new Set(skipped)).toEqual(new Set(['applies to a v2-capable node; this one is v1-only']));
  });

  test.each([
    ['v2-capable, asking for transactions', { v2transport: true, rules: relay }],
    ['v2-capable, asking for none', { v2transport: true }],
  ])('passes every case: %s', async (_, options) => {
    const report = await reportOf(timeless, options);
    expect(failures(report)).toEqual([]);
    expect(passed(report).length).toBeGreaterThan(115);
    expect(passed(report)).toEqual(expect.arrayContaining(v2));
  });

  const exempt = cases.filter(({ config }) => config?.['-whitelist'] === 'noban@127.0.0.1');

  test.each(exempt.map((it) => [it.id, it] as const))(
    'passes %s: its tester is on the whitelist',
    async (_, it) => {
      const report = await reportOf([{ ...it, needs: [] }], { whitelist: ['0.0.0.0/0'] });
      expect(failures(report)).toEqual([]);
      expect(passed(report)).toEqual([it.id]);
    },
  );

  test('passes in-ban-002 with a tester whose address is routable', async () => {
    const it = cases.find(({ id }) => id === 'in-ban-002')!;
    const report = await reportOf([{ ...it, needs: [] }], {}, '8.8.4.4');
    expect(failures(report)).toEqual([]);
    expect(passed(report)).toEqual(['in-ban-002']);
  });

  const clocked = cases.filter(({ needs }) => needs?.includes('clock'));
  const ours = clocked.filter(({ needs = [] }) =>
    needs.every((need) => need === 'clock' || need === 'peers'),
  );

  test.each(ours.map((it) => [it.id, it] as const))('keeps the deadline of %s', async (_, it) => {
    const rules = { relay: true, ...MORE_THAN_A_MINUTE };
    const report = await reportOf([it], { rules, v2transport: it.transport === 'v2' });
    expect(failures(report)).toEqual([]);
    expect(passed(report)).toEqual([it.id]);
  });
});
