/** Who may connect: limits on sources, bans, the whitelist, discouragement, eviction. On a virtual clock, from public addresses. */
import { describe, expect, test } from '@jest/globals';
import type { BitcoinNode, NodeOptions } from '../src/index.js';
import type { Link } from '../src/net/link.js';
import { scene, type Scene } from './support/memory-nodes.js';

const A = { host: '10.0.0.1', port: 18_444 };
const SILENT = '203.0.113.1';
const NEIGHBOUR = '203.0.113.200';
const STRANGER = '203.0.114.1';

interface Refusal {
  readonly code: string;
  readonly facts: object;
}


/** A listening node, who was refused, and a way to call it without a word. */
async function listening(options: NodeOptions = {}) {
  const stage: Scene = scene();
  const node = stage.node(options, A.host);
  await node.listen(A);
  const refused: Refusal[] = [];
  node.on('refused', ({ reason }) => refused.push(reason));
  const call = (host: string, count = 1): Link[] => {
    const links: Link[] = [];
    for (let n = 0; n < count; n += 1)
      stage.net.at(host).dial(A, { opened: (link) => links.push(link), failed: () => undefined });
    stage.clock.advance(10);
    return links;
  };
  return { ...stage, a: node, refused, call };
}

const waiting = (node: BitcoinNode): number =>
  node.peers.list().filter(({ state }) => state === 'awaitingVersion').length;

describe('callers who say nothing', () => {
  test('get eight connections for their /24, and the ninth is refused with its source', async () => {
    const { a, call, refused } = await listening();
    call(SILENT, 4);
    call(NEIGHBOUR, 5);
    expect(waiting(a)).toBe(8);
    expect(refused).toEqual([{ code: 'ERR_POLICY_PENDING', facts: { source: '203.0.113.0/24', limit: 8 } }]);
  });

  test('leave the slots to others: a peer from elsewhere shakes hands', async () => {
    const { a, call, node, pass } = await listening();
    call(SILENT, 30);
    const other = node({}, STRANGER).dial(A);
    await pass();
    expect(other.info()?.state).toBe('established');
    expect(a.peers.size).toBe(9);
  });

  test('are crowded by /64 on IPv6', async () => {
    const { a, call, refused } = await listening({ maxpending: 1 });
    call('2001:db8:1:2::1');
    call('2001:db8:1:2:ffff::1');
    call('2001:db8:1:3::1');
    expect([waiting(a), refused.length]).toEqual([2, 1]);
  });

  test.each([
    ['on loopback are not counted', {}, 20, 0],
    ['on loopback are counted when asked', { pendingloopback: true }, 8, 12],
    ['are not counted where there is no limit', { maxpending: 0, maxpersource: 0, pendingloopback: true }, 20, 0],
  ] as const)('%s', async (_, options, let_in, turned_away) => {
    const { a, call, refused } = await listening(options);
    call('127.0.0.1', 20);
    expect([waiting(a), refused.length]).toEqual([let_in, turned_away]);
  });
});

describe('a place is free again', () => {
  const full = async (options: NodeOptions = {}) => {
    const stage = await listening({ maxpending: 1, ...options });
    const [link] = stage.call(SILENT);
    return { ...stage, link: link! };
  };

  test('when the caller hangs up', async () => {
    const { a, link, call, clock } = await full();
    link.destroy();
    clock.advance(10);
    call(NEIGHBOUR);
    expect(waiting(a)).toBe(1);
  });

  test('when its time is up', async () => {
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

  test('once only: an established peer that ends frees nothing more', async () => {
    const { a, node, call, pass, refused } = await listening({ maxpending: 1 });
    node({}, SILENT).dial(A);
    await pass();
    call(NEIGHBOUR);
    a.close(a.peers.list()[0]!.id);
    call(SILENT);
    expect([waiting(a), refused.length]).toEqual([1, 1]);
  });
});

