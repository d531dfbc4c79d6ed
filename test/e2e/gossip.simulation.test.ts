/** Nodes that know one seed find enough peers to fill their slots; a seed with false addresses can delay that, but not prevent it. */
import { expect, test } from '@jest/globals';

import { GossipingNetwork, hostOf, type Member, outboundOf } from '../support/gossiping-network.js';

const SEED = hostOf(0);
/** Nodes that are there already; a seed that knows them all names 23 % of them. */
const HOSTS = Array.from({ length: 60 }, (_, i) => hostOf(i + 1));
/** Addresses without a listener. */
const FAKES = Array.from({ length: 200 }, (_, i) => hostOf(i + 1_000));
const NEWCOMERS = Array.from({ length: 4 }, (_, i) => hostOf(i + 500));

const slotsOf = (member: Member): string =>
  ['outbound-full-relay', 'block-relay-only'].map((type) => outboundOf(member, type).length).join(' + ');

/** The seed knows HOSTS, which listen; newcomers know the seed, and what else is said. */
async function started(seed: number, others: readonly string[] = []) {
  const network = new GossipingNetwork(seed);
  const honest = await network.join(SEED, HOSTS, false);
  for (const host of HOSTS) await network.join(host, [], false);
  const newcomers = await Promise.all(NEWCOMERS.map((host) => network.join(host, [SEED, ...others])));
  return { network, honest, newcomers };
}

/** Until every slot is filled, or so many minutes have passed; the minutes that it took. */
async function filled(
  network: GossipingNetwork,
  members: readonly Member[],
  minutes: number,
): Promise<number> {
  for (let minute = 1; minute <= minutes; minute++) {
    await network.pass(60_000);
    if (members.every((member) => slotsOf(member) === '8 + 2')) return minute;
  }
  return Infinity;
}

test('nodes with one seed fill their slots, are found by their announcement, and test addresses', async () => {
  const { network, honest, newcomers } = await started(1);
  const types = new Set<string>();
  for (const { node } of newcomers)
    node.on('ended', ({ connection_type }) => void types.add(connection_type));
  expect(await filled(network, newcomers, 3)).toBeLessThanOrEqual(3);
  for (const member of newcomers) {
    const peers = ['outbound-full-relay', 'block-relay-only'].flatMap((type) => outboundOf(member, type));
    expect(new Set(peers).size).toBe(10);
    expect(peers).not.toContain(member.host);
  }
  const known = honest.book.getAddr({ filtered: false }).map(({ addr }) => addr.join('.'));
  expect(known).toEqual(expect.arrayContaining(NEWCOMERS));
  await network.pass(300_000);
  expect([...types]).toContain('feeler');
  await network.stop();
});

test('a seed with false addresses fills no slot, and its addresses are a bounded part of the book', async () => {
  const liar = hostOf(900);
  const { network, newcomers } = await started(2, [liar]);
  await network.join(liar, FAKES, false);
  expect(await filled(network, newcomers, 10)).toBeLessThanOrEqual(10);
  const fakes = new Set(FAKES);
  for (const { book, node } of newcomers) {
    expect(node.peers.list().filter(({ addr }) => fakes.has(addr.split(':')[0]!))).toEqual([]);
    const named = book.getAddr({ filtered: false }).filter(({ addr }) => fakes.has(addr.join('.')));
    expect(named.length).toBeGreaterThan(0);
    expect(named.length).toBeLessThanOrEqual(0.23 * FAKES.length);
  }
  await network.stop();
});
