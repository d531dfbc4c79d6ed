/**
 * Every connection of the demo ends as expected. Over real TCP; the clock of the node is virtual and does not advance until everything
 * but the handshake deadlines has happened, so that no deadline depends on how busy the machine is.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Demo, isExpected, type Outcome, startDemo } from '../src/demo/demo.js';
import { SCENARIOS, type Scenario } from '../src/demo/scenarios.js';
import { createNode, parseEndpoint, type PeerInfo, tcpNet, VirtualClock } from '../src/index.js';

const HANDSHAKE_MS = 1_000;
/** Only reached when the test hangs, milliseconds. */
const LIMIT_MS = 60_000;

/** Whether the peer is in the state that its scenario reaches without a deadline. */
function isReady({ expected, ...scenario }: Scenario, peer: PeerInfo): boolean {
  if (expected.code !== 'ERR_TIME_HANDSHAKE') return isExpected({ expected, ...scenario }, peer);
  const { state, dropped } = expected.facts ?? {};
  return peer.state === state && (dropped === undefined || Object.keys(peer.dropped).length > 0);
}

/** The demo, and all its outcomes. */
async function play(): Promise<{ demo: Demo; outcomes: Outcome[] }> {
  const clock = new VirtualClock();
  let nameOf: (addr: string) => string | undefined = () => undefined;
  const demo = await startDemo({
    handshakeTimeout: HANDSHAKE_MS,
    maxWait: LIMIT_MS,
    create: (options) => createNode({ ...options, clock }),
    watch: (_, names) => (nameOf = names),
  });
  let isOver = false;
  void demo.outcomes.finally(() => (isOver = true));
  const { peers } = demo.node;
  const areReady = (): boolean => {
    const all = [...peers.recent(), ...peers.list()];
    return SCENARIOS.every((scenario) =>
      all.some((peer) => nameOf(peer.addr) === scenario.name && isReady(scenario, peer)),
    );
  };
  while (!isOver && !areReady()) await turn();
  clock.advance(HANDSHAKE_MS);
  return { demo, outcomes: await demo.outcomes };
}

describe('the demo', () => {
  let demo: Demo;
  let outcomes: Outcome[];

  beforeAll(async () => {
    ({ demo, outcomes } = await play());
  }, 2 * LIMIT_MS);
  afterAll(() => demo.stop());

  test.each(SCENARIOS.map((scenario, i) => [scenario.name, scenario.expected.code, i] as const))(
    '%s: %s',
    (_name, code, i) => {
      const { peer, scenario, asExpected } = outcomes[i]!;
      const seen = peer?.state === 'established' ? 'established' : peer?.lastreason?.code;
      expect(seen).toBe(code);
      expect(peer?.lastreason?.facts ?? {}).toMatchObject(scenario.expected.facts ?? {});
      expect(asExpected).toBe(true);
    },
  );

  test('no other socket can get its closed port, which would mix up two scenarios', async () => {
    const { peer } = outcomes.find(({ scenario }) => scenario.name === 'closed-port')!;
    const listening = tcpNet().listen(parseEndpoint(peer?.addr ?? '', 0), () => undefined);
    await expect(listening).rejects.toMatchObject({ code: 'ERR_LOCAL_ADDRESS' });
  });

  test('reports an unexpected outcome', () => {
    const { scenario, peer } = outcomes.find((outcome) => outcome.scenario.name === 'bad checksum')!;
    if (!peer) throw new Error('the demo lost a peer');
    const other = { ...scenario, expected: { code: 'ERR_TIME_HANDSHAKE', facts: { dropped: '' } } } as const;
    expect(isExpected(other, peer)).toBe(false);
    expect(isExpected({ ...scenario, expected: { code: 'established' } }, peer)).toBe(false);
  });
});
