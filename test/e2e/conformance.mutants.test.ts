/**
 * The conformance cases find wrong nodes: 46 of ours with one rule broken each, over memory on a virtual clock. Those that
 * the cases do not find are listed here, each with its reason.
 */
import { describe, expect, jest, test } from '@jest/globals';
import { VirtualClock } from '../../src/index.js';
import { memoryNet } from '../../src/net/memory.js';
import { NETWORKS } from '../../src/networks.js';
import { loadCases } from '../../src/conformance/case-files.js';
import { conform } from '../../src/conformance/conform.js';
import { driven } from '../support/drive-clock.js';
import { seededRandom } from '../support/memory-nodes.js';
import { chartOf, PEER_MUTANTS } from '../support/peer-mutants.js';
import { WIRE_MUTANTS, type WireMutant } from '../support/wire-mutants.js';

/** Wrong nodes that pass every case, and why. */
const MISSED: Readonly<Record<string, string>> = {
  'ends a handshake after 30 seconds':
    "only the cases that move the node's clock show it (in-time-001 to 005)",
  'sends one ping only': "only the cases that move the node's clock show it (in-time-006, in-time-007)",
};

const AT = { host: '10.0.0.1', port: 18_444 };
/** A v1-only node dials nobody here; large lists only cost time where a smaller one shows the same. */
const cases = loadCases().filter(({ transport, role }) => transport === 'v1' && role === 'inbound');

type Mutant = WireMutant & { readonly chart?: (typeof PEER_MUTANTS)[string] };

/** A node of modules of its own, changed. */
async function mutantNode(mutant: Mutant, net: ReturnType<typeof memoryNet>): Promise<void> {
  jest.resetModules();
  const { peerMachine } = await import('../../machines/index.js');
  mutant.chart?.(chartOf(peerMachine.config));
  mutant.wire?.(await import('../../src/wire/index.js'));
  const { createNode, faultyNet, parseFault } = await import('../../src/index.js');
  const own = net.at(AT.host);
  const node = createNode({
    chain: 'regtest',
    clock: new VirtualClock(),
    net: mutant.fault === undefined ? own : faultyNet(own, parseFault(mutant.fault)),
    random: seededRandom(1),
    ...mutant.options,
    rules: { relay: true, ...mutant.options?.rules },
  });
  await node.listen(AT);
}

/** The first case that fails; undefined when all pass. */
async function firstFailure(mutant: Mutant): Promise<string | undefined> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock });
  await mutantNode(mutant, net);
  const over = new AbortController();
  const options = { cases, subject: { net, at: AT }, chain: NETWORKS.regtest, clock, signal: over.signal };
  const report = await driven(
    clock,
    conform({ ...options, progress: (_, __, finding) => finding?.verdict === 'fail' && over.abort() }),
    25,
  );
  return report.error ?? report.findings.find(({ verdict }) => verdict === 'fail')?.id;
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

  test('are found, 95 of 100 at least; the list of the others is the one above', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
    expect(missed).toEqual(Object.keys(MISSED));
    expect(missed.length).toBeLessThanOrEqual(MUTANTS.length * 0.05);
  });

  test('are none without a change', async () => {
    expect(await firstFailure({})).toBeUndefined();
  });
});
