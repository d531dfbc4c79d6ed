/** The conformance cases detect faulty nodes: 46 variants of ours with one broken rule each, in memory on virtual clocks. */
import { describe, expect, jest, test } from '@jest/globals';
import { VirtualClock } from '../../src/index.js';
import { memoryNet, type MemoryNet } from '../../src/net/memory.js';
import { NETWORKS } from '../../src/networks.js';
import { loadCases } from '../../src/conformance/case-files.js';
import type { Case } from '../../src/conformance/case.js';
import { conform } from '../../src/conformance/conform.js';
import type { NodeUnderTest } from '../../src/conformance/node-under-test.js';
import { driven } from '../support/drive-clock.js';
import { seededRandom } from '../support/memory-nodes.js';
import { print } from '../support/print.js';
import { chartOf, PEER_MUTANTS } from '../support/peer-mutants.js';
import { WIRE_MUTANTS, type WireMutant } from '../support/wire-mutants.js';

const AT = { host: '10.0.0.1', port: 18_444 };
/** A v1-only node that does not dial. */
const cases = loadCases().filter(({ transport, role }) => transport === 'v1' && role === 'inbound');
/** Cases that move the clock of the node, so each needs a new node. */
const timed = cases.filter(({ needs = [] }) => needs.includes('clock'));
const untimed = cases.filter((it) => !timed.includes(it));
/** Core closes when more than 60 s have passed; a timer fires when as many have. */
const MORE_THAN_A_MINUTE = { handshakeTimeout: 60_001 };

type Mutant = WireMutant & { readonly chart?: (typeof PEER_MUTANTS)[string] };

type Start = (net: MemoryNet) => Promise<NodeUnderTest>;

/** Loads modules of its own and changes them; starts nodes of them, whose clocks stand still unless a case moves them. */
async function mutated(mutant: Mutant): Promise<Start> {
  jest.resetModules();
  const { peerMachine } = await import('../../machines/index.js');
  mutant.chart?.(chartOf(peerMachine.config));
  mutant.wire?.(await import('../../src/wire/index.js'));
  const { createNode, faultyNet, parseFault } = await import('../../src/index.js');
  const { fault } = mutant;
  return async (net) => {
    const clock = new VirtualClock();
    const own = net.at(AT.host);
    const node = createNode({
      ...{ chain: 'regtest', clock, random: seededRandom(1), ...mutant.options },
      net: fault === undefined ? own : faultyNet(own, parseFault(fault)),
      rules: { relay: true, ...MORE_THAN_A_MINUTE, ...mutant.options?.rules },
    });
    await node.listen(AT);
    const advance = (seconds: number): Promise<void> => Promise.resolve(clock.advance(seconds * 1_000));
    const peers = (): Promise<string[]> => Promise.resolve(node.peers.list().map(({ addr }) => addr));
    return { net, at: AT, peers, clock: { set: () => Promise.resolve(), advance } };
  };
}

/** The first case that fails at a fresh node; undefined when all pass. */
async function failureAmong(some: readonly Case[], start: Start): Promise<string | undefined> {
  const clock = new VirtualClock();
  const subject = await start(memoryNet({ timers: clock }));
  const over = new AbortController();
  const options = { cases: some, subject, chain: NETWORKS.regtest, clock, signal: over.signal };
  const report = await driven(
    clock,
    conform({ ...options, progress: (_, __, finding) => finding?.verdict === 'fail' && over.abort() }),
    25,
  );
  return report.error ?? report.findings.find(({ verdict }) => verdict === 'fail')?.id;
}

/** The first case that fails; undefined when all pass. */
async function firstFailure(mutant: Mutant): Promise<string | undefined> {
  const start = await mutated(mutant);
  for (const some of [untimed, ...timed.map((it) => [it])]) {
    const failed = await failureAmong(some, start);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

const MUTANTS: [string, Mutant][] = [
  ...Object.entries(PEER_MUTANTS).map(([name, chart]): [string, Mutant] => [name, { chart }]),
  ...Object.entries(WIRE_MUTANTS),
];

describe('wrong nodes', () => {
  const missed: string[] = [];

  test.each(MUTANTS)('one that %s', async (name, mutant) => {
    if ((await firstFailure(mutant)) === undefined) missed.push(name);
  });

  test('are all found', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
    expect(missed).toEqual([]);
    print(
      `${MUTANTS.length - missed.length} of ${MUTANTS.length} wrong nodes found by the conformance cases`,
    );
  });

  test('are none without a change', async () => {
    expect(await firstFailure({})).toBeUndefined();
  });
});
