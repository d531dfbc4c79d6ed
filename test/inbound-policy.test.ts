/** Which peers may connect: limits on sources, bans, the whitelist, discouragement, eviction. On a virtual clock, from public addresses. */
import { describe, expect, test } from '@jest/globals';
import type { BitcoinNode, NodeOptions } from '../src/index.js';
import type { Link } from '../src/net/link.js';
import { memoryNetwork, type MemoryNetwork } from './support/memory-nodes.js';

const A = { host: '10.0.0.1', port: 18_444 };
const SILENT = '203.0.113.1';
const NEIGHBOUR = '203.0.113.200';
const STRANGER = '203.0.114.1';

interface Refusal {
  readonly code: string;
  readonly facts: object;
}

/** A listening node, the addresses that it refused, and a function that connects without sending anything. */
async function listening(options: NodeOptions = {}) {
  const setup: MemoryNetwork = memoryNetwork();
  const node = setup.node(options, A.host);
  await node.listen(A);
  const refused: Refusal[] = [];
  node.on('refused', ({ reason }) => refused.push(reason));
  const call = (host: string, count = 1): Link[] => {
    const links: Link[] = [];
    for (let n = 0; n < count; n += 1)
      setup.net.at(host).dial(A, { opened: (link) => links.push(link), failed: () => undefined });
    setup.clock.advance(10);
    return links;
  };
  return { ...setup, a: node, refused, call };
}

const waiting = (node: BitcoinNode): number =>
  node.peers.list().filter(({ state }) => state === 'awaitingVersion').length;

describe('silent inbound connections', () => {
  test('get eight connections for their /24, and the ninth is refused with its source', async () => {
    const { a, call, refused } = await listening();
    call(SILENT, 4);
    call(NEIGHBOUR, 5);
    expect(waiting(a)).toBe(8);
    expect(refused).toEqual([{ code: 'ERR_POLICY_PENDING', facts: { source: '203.0.113.0/24', limit: 8 } }]);
  });

  test('leave slots to others: a peer of another subnet completes its handshake', async () => {
    const { a, call, node, pass } = await listening();
    call(SILENT, 30);
    const other = node({}, STRANGER).dial(A);
    await pass();
    expect(other.info()?.state).toBe('established');
    expect(a.peers.size).toBe(9);
  });

  test('are limited by /64 on IPv6', async () => {
    const { a, call, refused } = await listening({ maxpending: 1 });
    call('2001:db8:1:2::1');
    call('2001:db8:1:2:ffff::1');
    call('2001:db8:1:3::1');
    expect([waiting(a), refused.length]).toEqual([2, 1]);
  });

  test.each([
    ['on loopback are not counted', {}, 20, 0],
    ['on loopback are counted when asked', { pendingloopback: true }, 8, 12],
    [
      'are not counted where there is no limit',
      { maxpending: 0, maxpersource: 0, pendingloopback: true },
      20,
      0,
    ],
  ] as const)('%s', async (_, options, let_in, turned_away) => {
    const { a, call, refused } = await listening(options);
    call('127.0.0.1', 20);
    expect([waiting(a), refused.length]).toEqual([let_in, turned_away]);
  });
});

describe('a limited connection is allowed again', () => {
  const full = async (options: NodeOptions = {}) => {
    const setup = await listening({ maxpending: 1, ...options });
    const [link] = setup.call(SILENT);
    return { ...setup, link: link! };
  };

  test('when the silent one closes', async () => {
    const { a, link, call, clock } = await full();
    link.destroy();
    clock.advance(10);
    call(NEIGHBOUR);
    expect(waiting(a)).toBe(1);
  });

  test('when its handshake deadline has passed', async () => {
    const { a, clock, call, refused } = await full();
    clock.advance(59_000);
    call(NEIGHBOUR);
    clock.advance(1_000);
    call(NEIGHBOUR);
    expect([waiting(a), refused.length]).toEqual([1, 1]);
  });

  test('when we close it', async () => {
    const { a, call } = await full();
    a.close(a.peers.list()[0]!.id);
    call(NEIGHBOUR);
    expect(waiting(a)).toBe(1);
  });

  test('when the handshake is complete', async () => {
    const { a, node, call, pass, refused } = await listening({ maxpending: 1 });
    node({}, SILENT).dial(A);
    await pass();
    call(NEIGHBOUR);
    expect([waiting(a), a.peers.size, refused.length]).toEqual([1, 2, 0]);
  });

  test('only once: the end of the established peer frees no second one', async () => {
    const { a, node, call, pass, refused } = await listening({ maxpending: 1 });
    node({}, SILENT).dial(A);
    await pass();
    call(NEIGHBOUR);
    a.close(a.peers.list()[0]!.id);
    call(SILENT);
    expect([waiting(a), refused.length]).toEqual([1, 1]);
  });
});

describe('a source', () => {
  test('has sixteen peers; the seventeenth connection is refused before its handshake', async () => {
    const { a, call, node, pass, refused } = await listening();
    for (let n = 0; n < 16; n += 1) {
      node({}, `203.0.113.${n + 1}`).dial(A);
      await pass();
    }
    call(NEIGHBOUR);
    expect(a.peers.size).toBe(16);
    expect(refused).toEqual([{ code: 'ERR_POLICY_SOURCE', facts: { source: '203.0.113.0/24', limit: 16 } }]);
  });

  test('may connect 32 times at once, then once a second', async () => {
    const { call, refused, clock } = await listening({ maxpending: 0, maxpersource: 0 });
    call(SILENT, 33);
    expect(refused).toEqual([{ code: 'ERR_POLICY_RATE', facts: { source: '203.0.113.0/24', limit: 1 } }]);
    clock.advance(2_000);
    call(NEIGHBOUR, 3);
    expect(refused).toHaveLength(2);
  });
});

describe('bans', () => {
  const ban = (address: string, banned_until: number) =>
    ({ version: 1, ban_created: 1_800_000_000, banned_until, address }) as const;

  test('refuse the connections of a subnet until they expire', async () => {
    const { a, call, refused, clock } = await listening({ bans: [ban('203.0.113.0/24', 1_800_000_010)] });
    call(SILENT);
    expect(refused).toEqual([{ code: 'ERR_POLICY_BANNED', facts: {} }]);
    call(STRANGER);
    clock.advance(10_000);
    call(SILENT);
    expect([waiting(a), refused.length]).toEqual([2, 1]);
  });

  test('do not apply to the whitelist; nor do the limits on sources', async () => {
    const { a, call, refused } = await listening({
      bans: [ban('203.0.113.0/24', 1_900_000_000)],
      whitelist: ['203.0.113.0/28'],
    });
    call(SILENT, 40);
    call(NEIGHBOUR);
    expect([waiting(a), refused.length]).toEqual([40, 1]);
  });

  test('of invalid subnets are refused', () => {
    expect(() => memoryNetwork().node({ whitelist: ['example.org'] })).toThrow('ERR_LOCAL_ARGUMENT');
  });
});

/** Well-behaved peers, and how they ended. */
async function peersFrom(setup: MemoryNetwork, hosts: readonly string[]) {
  const ends: (string | undefined)[] = [];
  const nodes = hosts.map((host) => {
    const node = setup.node({}, host);
    node.on('ended', ({ lastreason }) => ends.push(lastreason?.code));
    node.dial(A);
    return node;
  });
  await setup.pass(100);
  return { ends, nodes };
}

const established = ({ peers }: BitcoinNode): boolean => peers.list()[0]?.state === 'established';
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
/** Each of a netgroup of its own. */
const apart = (count: number, first = 1): string[] => range(count).map((n) => `${20 + first}.${n}.7.7`);

describe('when every slot is taken', () => {
  test('the youngest peer of the largest netgroup is evicted', async () => {
    const setup = await listening({ maxinbound: 40 });
    const evicted: unknown[] = [];
    setup.a.on('ended', ({ id, lastreason }) => evicted.push([id, lastreason?.code]));
    const { ends } = await peersFrom(setup, [...apart(38), '9.1.1.1', '9.1.2.1']);
    const { nodes } = await peersFrom(setup, [STRANGER]);
    expect(nodes.filter(established)).toHaveLength(1);
    expect(evicted).toEqual([[40, 'ERR_POLICY_EVICTED']]);
    expect(ends).toEqual(['ERR_LINK_EOF']);
    expect(setup.a.supervisor.getSnapshot().context.inbound).toBe(setup.a.peers.size);
  });

  test('no peer is evicted where all are protected, as with few slots', async () => {
    const setup = await listening({ maxinbound: 20 });
    const { nodes } = await peersFrom(setup, apart(20));
    setup.call(STRANGER);
    expect(nodes.filter(established)).toHaveLength(20);
    expect(setup.refused).toEqual([{ code: 'ERR_POLICY_FULL', facts: {} }]);
  });

  test('the whitelist has reserved slots, and is not evicted', async () => {
    const setup = await listening({ maxinbound: 40, whitelist: ['99.0.0.0/8'] });
    const { ends } = await peersFrom(setup, apart(40));
    expect(setup.a.peers.size).toBe(36);
    expect(ends).toHaveLength(4);
    const friends = await peersFrom(
      setup,
      range(4).map((n) => `99.${n}.0.1`),
    );
    expect([friends.nodes.filter(established).length, setup.a.peers.size]).toEqual([4, 40]);
    await peersFrom(setup, apart(30, 5));
    expect(friends.nodes.filter(established)).toHaveLength(4);
  });
});

describe('an address whose peer misbehaved', () => {
  /** A peer that sends one address more than the protocol allows. */
  const misbehave = async (setup: MemoryNetwork, host: string) => {
    const { nodes } = await peersFrom(setup, [host]);
    const entry = { time: 1, services: '0000000000000000', ip: new Uint8Array(16), port: 1 };
    const id = nodes[0]?.peers.list()[0]?.id ?? 0;
    nodes[0]?.send(id, { command: 'addr', addresses: Array.from({ length: 1_001 }, () => entry) });
    await setup.pass();
  };

  test('loses its other connections', async () => {
    const setup = await listening({ maxinbound: 40 });
    const other = await peersFrom(setup, [STRANGER]);
    const same = await peersFrom(setup, [SILENT]);
    await misbehave(setup, SILENT);
    expect([other.ends, same.ends]).toEqual([[], ['ERR_LINK_EOF']]);
    expect(setup.a.peers.recent().map(({ lastreason }) => lastreason?.code)).toEqual([
      ...['ERR_PROTO_LIMIT', 'ERR_POLICY_DISCOURAGED'],
    ]);
  });

  test('may reconnect while slots are free, and is refused when one is left', async () => {
    const setup = await listening({ maxinbound: 3 });
    await misbehave(setup, SILENT);
    expect(setup.a.peers.size).toBe(0);
    setup.call(SILENT);
    expect(setup.a.peers.size).toBe(1);
    setup.call(STRANGER);
    setup.call(SILENT);
    expect(setup.refused).toEqual([{ code: 'ERR_POLICY_DISCOURAGED', facts: {} }]);
  });

  test('is evicted before others', async () => {
    const setup = await listening({ maxinbound: 40 });
    await misbehave(setup, SILENT);
    const earlier = await peersFrom(setup, apart(38));
    const discouraged = await peersFrom(setup, [SILENT]);
    const later = await peersFrom(setup, apart(2, 9));
    expect([earlier.ends, discouraged.ends, later.ends]).toEqual([[], ['ERR_LINK_EOF'], []]);
  });

  test('is not disconnected when it is exempted, and not discouraged when it is local', async () => {
    const setup = await listening({ maxinbound: 1, whitelist: [SILENT] });
    await misbehave(setup, SILENT);
    expect(setup.a.peers.size).toBe(1);
    const other = await listening({ maxinbound: 1 });
    await misbehave(other, '127.0.0.9');
    expect(other.a.peers.size).toBe(0);
    other.call('127.0.0.9');
    expect(other.a.peers.size).toBe(1);
  });
});
