/** Squatters: well-behaved peers that hold every slot, and newcomers who need one. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type BitcoinNode, createNode, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { memoryNetwork, type MemoryNetwork } from '../support/memory-nodes.js';
import { report } from './figures.js';

const HERE = { host: '198.51.100.1', port: 18_444 };
const PING = { command: 'ping', nonce: '0000000000000001' } as const;
const SLOTS = 114;

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const isEstablished = ({ peers }: BitcoinNode): boolean => peers.list()[0]?.state === 'established';

async function listening(): Promise<MemoryNetwork> {
  const setup = memoryNetwork();
  await setup.node({}, HERE.host).listen(HERE);
  return setup;
}

function dialFrom(setup: MemoryNetwork, host: string): BitcoinNode {
  const node = setup.node({}, host);
  node.dial(HERE);
  return node;
}

/** How many of 100 complete their handshake and are still there after a ping, one after the other. */
async function newcomersThatStay(setup: MemoryNetwork): Promise<number> {
  let count = 0;
  for (const n of range(100)) {
    const newcomer = dialFrom(setup, `50.${n}.1.1`);
    await setup.pass(20);
    newcomer.send(newcomer.peers.list()[0]?.id ?? 0, PING);
    await setup.pass(20);
    if (isEstablished(newcomer)) count += 1;
    await newcomer.stop();
  }
  return count;
}

describe('inbound peers that hold their slots, in memory', () => {
  test.each([
    ['114 of one address', (): string => '203.0.113.1', '0 of 20'],
    ['114 of 114 netgroups', (n: number): string => `20.${n}.1.1`, '0 of 149'],
  ] as const)('%s', async (who, hostOf, before) => {
    const setup = await listening();
    for (const n of range(SLOTS)) dialFrom(setup, hostOf(n));
    await setup.pass();
    const stayed = await newcomersThatStay(setup);
    report(`slots held by ${who}`, `${stayed} of 100 newcomers got in and stayed`, before);
    expect(stayed).toBeGreaterThanOrEqual(99);
  });
});

describe('inbound peers that hold their slots, over TCP', () => {
  const nodes: BitcoinNode[] = [];

  beforeAll(build, 120_000);
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()));
    endAll();
  });

  const dial = (host: string, port: number): Promise<boolean> => {
    const node = createNode({ chain: 'regtest', net: tcpNet({ localAddress: host }) });
    nodes.push(node);
    return node
      .dial({ host: '127.0.0.1', port })
      .established()
      .then(
        () => true,
        () => false,
      );
  };

  test('114 of one address, with --pendingloopback', async () => {
    const program = new Program(
      'listen --regtest --port 0 --quiet --pendingloopback --datadir none'.split(' '),
    );
    const [, port] = await program.until('stdout', /listening on 127\.0\.0\.1:(\d+)/);
    const squatters = await Promise.all(range(SLOTS).map(() => dial('127.0.0.1', Number(port))));
    const newcomers: boolean[] = [];
    for (const n of range(20)) newcomers.push(await dial(`127.${40 + n}.0.1`, Number(port)));
    const count = newcomers.filter(Boolean).length;
    const held = squatters.filter(Boolean).length;
    report(
      'slots held by 114 of one address, TCP',
      `${count} of 20 newcomers got in, ${held} squatters`,
      '0 of 20',
    );
    expect(count).toBe(20);
  });
});
