/** The budget for unfinished frames: bounded for all peers together, and no honest frame waits for ever. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BitcoinNode, Reason } from '../src/index.js';
import type { Link } from '../src/net/link.js';
import { frame } from './grid/row.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { MEMORY_LIMITS, MemoryBudget, type MemoryDecision } from '../src/node/memory-budget.js';

const FRAME = 4_000_000;
const CHUNK = 65_536;
const { free, total, maxWait } = MEMORY_LIMITS;

interface Peer {
  held: number;
  readonly size: number;
  /** Where it stops sending. */
  readonly stop: number;
  state: 'reading' | 'paused' | 'complete' | 'closed';
}

/** Peers that each send one frame, chunk by chunk in turns, and obey the decisions. */
class Crowd {
  readonly budget = new MemoryBudget();
  readonly peers = new Map<number, Peer>();
  highest = 0;
  #at = 0;

  add(size = FRAME, stop = size): number {
    const id = this.peers.size + 1;
    this.peers.set(id, { held: 0, size, stop, state: 'reading' });
    return id;
  }

  /** Rounds in which each peer that is read sends a chunk; a second each. */
  run(rounds: number): void {
    for (let round = 0; round < rounds; round += 1) {
      for (const [id, peer] of this.peers) this.#send(id, peer);
      this.#at += 1_000;
      this.#obey(this.budget.tick(this.#at));
    }
  }

  in(state: Peer['state']): number[] {
    return [...this.peers].filter(([, peer]) => peer.state === state).map(([id]) => id);
  }

  #send(id: number, peer: Peer): void {
    if (peer.state !== 'reading' || peer.held >= peer.stop) return;
    peer.held = Math.min(peer.stop, peer.held + CHUNK);
    this.highest = Math.max(this.highest, this.#sum());
    if (peer.held === peer.size) this.#end(id, peer, 'complete');
    else this.#obey(this.budget.update(id, peer.held, this.#at));
  }

  #end(id: number, peer: Peer, state: 'complete' | 'closed'): void {
    peer.held = 0;
    peer.state = state;
    this.#obey(this.budget.update(id, 0, this.#at));
  }

  #obey({ pause, resume, close }: MemoryDecision): void {
    for (const id of pause) this.#move(id, 'reading', 'paused');
    for (const id of resume) this.#move(id, 'paused', 'reading');
    for (const id of close) this.#end(id, this.peers.get(id)!, 'closed');
  }

  /** Each decision changes something: no peer is paused twice. */
  #move(id: number, from: Peer['state'], to: Peer['state']): void {
    const peer = this.peers.get(id)!;
    expect(peer.state).toBe(from);
    peer.state = to;
  }

  #sum(): number {
    return [...this.peers.values()].reduce((sum, { held }) => sum + held, 0);
  }
}

const bound = (peers: number): number => total + FRAME + peers * (free + CHUNK);

describe('112 peers that stop one byte before the end of a frame of 4 MB', () => {
  const attacked = (): Crowd => {
    const crowd = new Crowd();
    for (let n = 0; n < 112; n += 1) crowd.add(FRAME, FRAME - 1);
    return crowd;
  };

  test('hold no more than the budget, their free parts and one frame', () => {
    const crowd = attacked();
    crowd.run(100);
    expect(crowd.highest).toBeLessThan(bound(112));
    expect(crowd.budget.waiting).toBeGreaterThan(90);
  });

  test('do not delay small messages of other peers', () => {
    const crowd = attacked();
    crowd.run(20);
    const id = crowd.add(free);
    crowd.run(1);
    expect(crowd.peers.get(id)?.state).toBe('complete');
  });

  test('are closed one after the other, the oldest first, while others wait', () => {
    const crowd = attacked();
    crowd.run(15 + maxWait / 1_000);
    expect(crowd.in('closed')).toEqual([1]);
    crowd.run(3_500);
    // The others that are left fit into the budget.
    expect(crowd.in('closed').length).toBeGreaterThan(100);
    expect(crowd.in('paused')).toEqual([]);
  });

  test('do not block an honest frame of 4 MB for ever', () => {
    const crowd = attacked();
    crowd.run(20);
    const id = crowd.add();
    crowd.run(5_000);
    expect(crowd.peers.get(id)?.state).toBe('complete');
  });
});

test('seven peers are never paused, however large their frames are', () => {
  const crowd = new Crowd();
  for (let n = 0; n < 7; n += 1) crowd.add();
  for (let round = 0; round < 80; round += 1) {
    crowd.run(1);
    expect(crowd.in('paused')).toEqual([]);
  }
  expect(crowd.in('complete')).toHaveLength(7);
});

test('honest frames of any sizes all complete, within the bound, and no memory stays counted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: FRAME }), { maxLength: 60 }), (sizes) => {
      const crowd = new Crowd();
      for (const size of sizes) crowd.add(size);
      crowd.run(900);
      expect(crowd.highest).toBeLessThan(bound(sizes.length));
      expect(crowd.in('complete')).toHaveLength(sizes.length);
      expect([crowd.budget.total, crowd.budget.waiting]).toEqual([0, 0]);
    }),
    { numRuns: 15 },
  );
});

test('a paused peer that ends leaves the budget', () => {
  const budget = new MemoryBudget({ total: 100, free: 0, maxWait: 1_000 });
  budget.update(1, 90, 0);
  expect(budget.update(2, 20, 0)).toEqual({ pause: [2], resume: [], close: [] });
  expect(budget.update(2, 0, 0)).toEqual({ pause: [], resume: [2], close: [] });
  expect([budget.total, budget.waiting]).toEqual([90, 0]);
});

describe('a running node', () => {
  const HERE = { host: '10.0.0.1', port: 18_444 };
  const MOST = frame('inv', new Uint8Array(FRAME)).subarray(0, -1);

  /** Peers that each send all of a frame of 4 MB but its last byte, before their version. */
  async function underAttack(peers: number) {
    const network = memoryNetwork();
    const node: BitcoinNode = network.node({ rules: { handshakeTimeout: 1e6 } }, HERE.host);
    const ends: (Reason | undefined)[] = [];
    node.on('ended', ({ lastreason }) => ends.push(lastreason));
    await node.listen(HERE);
    const links: Link[] = [];
    for (let n = 0; n < peers; n += 1)
      network.net.at(`10.1.${n}.1`).dial(HERE, {
        opened: (link) => (links.push(link), link.attach({ data: () => undefined, closed: () => undefined })),
        failed: () => undefined,
      });
    network.clock.advance(10);
    for (let at = 0; at < MOST.length; at += 1_000_000) {
      for (const link of links) link.write([MOST.subarray(at, at + 1_000_000)]);
      network.clock.advance(100);
    }
    return { ...network, node, ends, links };
  }

  test('pauses those above the budget, closes the oldest when others have waited for 30 s, and then reads on', async () => {
    const { node, clock, ends, links } = await underAttack(12);
    const held = node.bytesBuffered;
    expect(held).toBeGreaterThan(total);
    expect(held).toBeLessThan(bound(12) + 12 * 1_000_000);
    clock.advance(maxWait + 2_000);
    expect(ends).toMatchObject([{ code: 'ERR_LINK_FLOOD', facts: { what: 'unfinished' } }]);
    expect(node.bytesBuffered).toBeLessThanOrEqual(held);
    for (const link of links) link.destroy();
    clock.advance(10_000);
    expect([node.bytesBuffered, node.peers.list().length]).toEqual([0, 0]);
  });
});
