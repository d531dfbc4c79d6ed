/** Automatic outbound connections (`createNode({ outbound })`) on a virtual clock. */
import { describe, expect, test } from '@jest/globals';

import type { BitcoinNode } from '../src/index.js';
import type { OutboundOptions } from '../src/node/options.js';
import type { SeedAddress } from '../src/net/dns.js';
import type { Link } from '../src/net/link.js';
import { createNetgroups } from '../src/net/netgroup.js';
import { hasLasting, outboundGroup, takenGroups } from '../src/node/outbound-netgroups.js';
import { formatAddress } from '../src/wire/index.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { GOOD, play } from './support/scripted-node.js';

const addressOf = (host: string): SeedAddress => ({ host, port: 18444, source: 'test' });
/** Addresses that differ in their last byte. */
const alike = (length: number, prefix: readonly number[], last: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => prefix[i] ?? (i === length - 1 ? last : 7));
const GOOD_HOSTS = ['10.2.0.1', '10.2.0.2', '10.2.0.3'];
const DEAD = ['10.3.0.1', '10.3.0.2', '10.3.0.3'];

/** A node that fills `slots` from a source with these answers; the last one is given again and again. */
async function started(answers: readonly (readonly string[])[], options: Omit<OutboundOptions, 'source'>) {
  const setup = memoryNetwork(0);
  const links = new Map<string, Link>();
  for (const host of GOOD_HOSTS)
    await setup.net.listen(addressOf(host), (link) => {
      links.set(host, link);
      play(link, GOOD);
    });
  const asked: number[] = [];
  const source = {
    find: () => {
      const answer = answers[Math.min(asked.push(setup.clock.now()), answers.length) - 1] ?? [];
      return Promise.resolve(answer.map(addressOf));
    },
  };
  const rules = { requiredServices: '0000000000000000' };
  const node = setup.node(
    { rules, outbound: { blockrelay: 0, feelerInterval: 0, ...options, source } },
    '10.0.0.9',
  );
  const reports: string[] = [];
  for (const event of ['unreachable', 'filled'] as const) node.on(event, () => void reports.push(event));
  await setup.pass(100);
  return { ...setup, node, links, asked, reports };
}

const connected = (node: BitcoinNode): string[] =>
  node.peers
    .list()
    .filter(({ state }) => state === 'established')
    .map(({ addr }) => addr.replace(':18444', ''))
    .sort();

describe('outbound slots', () => {
  test('are filled, with no more connections than slots', async () => {
    const { node, asked, reports } = await started([GOOD_HOSTS], { slots: 2 });
    expect(connected(node)).toEqual(GOOD_HOSTS.slice(0, 2));
    expect([node.peers.size, asked.length, reports]).toEqual([2, 1, []]);
    await node.stop();
  });

  test('are filled by the next candidate when one cannot be reached', async () => {
    const { node } = await started([[...DEAD, ...GOOD_HOSTS]], { slots: 2 });
    expect(connected(node)).toEqual(GOOD_HOSTS.slice(0, 2));
    await node.stop();
  });

  test('are filled again, by the next candidate, when a connection ends', async () => {
    const { node, links, pass } = await started([GOOD_HOSTS], { slots: 2 });
    links.get('10.2.0.1')?.end();
    await pass(100);
    expect(connected(node)).toEqual(['10.2.0.2', '10.2.0.3']);
    await node.stop();
  });

  test('are filled from a new answer of the source, after a delay, when no candidate is left', async () => {
    const { node, links, pass, asked, clock } = await started([GOOD_HOSTS.slice(0, 1)], { slots: 1 });
    links.get('10.2.0.1')?.end();
    const at = clock.now();
    await pass(100);
    expect(connected(node)).toEqual([]);
    await pass(20_000);
    await pass(100);
    expect(connected(node)).toEqual(['10.2.0.1']);
    expect(asked).toHaveLength(2);
    expect((asked[1] ?? 0) - at).toBeGreaterThanOrEqual(8_000);
    await node.stop();
  });

  test('that remain empty after the first answer are filled from a later one', async () => {
    const { node, pass, asked } = await started([GOOD_HOSTS.slice(0, 1), GOOD_HOSTS], { slots: 2 });
    expect(connected(node)).toEqual(['10.2.0.1']);
    await pass(20_000);
    await pass(100);
    expect(connected(node)).toEqual(['10.2.0.1', '10.2.0.2']);
    expect(asked).toHaveLength(2);
    await node.stop();
  });

  test('report once that no candidate can be reached, and keep asking the source', async () => {
    const { node, pass, asked, reports } = await started([DEAD, [], DEAD], { slots: 2 });
    for (let i = 0; i < 60; i++) await pass(20_000);
    await pass(100);
    expect(reports).toEqual(['unreachable']);
    expect(asked.length).toBeGreaterThan(3);
    await node.stop();
  });

  test('are drained when the node stops, and the source is not asked again', async () => {
    const { node, pass, asked, clock } = await started([[...GOOD_HOSTS.slice(0, 1), ...DEAD]], { slots: 3 });
    await node.stop();
    await pass(600_000);
    expect([node.peers.size, asked.length, clock.armed]).toEqual([0, 1, 0]);
  });
});

describe('with `once`', () => {
  test('each slot is filled once, and the node reports that all are', async () => {
    const { node, links, pass, asked, reports } = await started([GOOD_HOSTS], { slots: 2, once: true });
    expect(reports).toEqual(['filled']);
    links.get('10.2.0.1')?.end();
    await pass(600_000);
    expect(connected(node)).toEqual(['10.2.0.2']);
    expect([asked.length, reports]).toEqual([1, ['filled']]);
    await node.stop();
  });

  test('it ends when no candidate is left, although slots are', async () => {
    const { node, reports } = await started([[...GOOD_HOSTS, ...DEAD]], { slots: 8, once: true });
    expect(connected(node)).toEqual(GOOD_HOSTS);
    expect(reports).toEqual(['filled']);
    await node.stop();
  });

  test('it ends with all candidates established and slots left', async () => {
    const { node, reports } = await started([GOOD_HOSTS], { slots: 8, once: true });
    expect(connected(node)).toEqual(GOOD_HOSTS);
    expect(reports).toEqual(['filled']);
    await node.stop();
  });

  test.each([[DEAD], [[]]])('it reports that none of %j can be reached, and ends', async (hosts) => {
    const { node, pass, asked, reports } = await started([hosts], { slots: 2, once: true });
    await pass(600_000);
    expect([reports, asked.length]).toEqual([['unreachable', 'filled'], 1]);
    await node.stop();
  });
});

describe('connection types', () => {
  /** A node with candidates of its own, all of which listen; `types` in the order of the dials. */
  async function typed(hosts: readonly string[], options: Partial<OutboundOptions>) {
    const setup = memoryNetwork(0);
    for (const host of hosts) await setup.net.listen(addressOf(host), (link) => play(link, GOOD));
    const source = {
      find: () => Promise.resolve(hosts.map(addressOf)),
      ...options.source,
    };
    const rules = { requiredServices: '0000000000000000' };
    const node = setup.node({ rules, outbound: { slots: 2, ...options, source } }, '10.0.0.9');
    const dialled: string[] = [];
    node.peers.subscribe(({ type, peer }) => {
      if (type === 'created') dialled.push(`${peer.addr.replace(':18444', '')} ${peer.connection_type}`);
    });
    await setup.pass(100);
    return { ...setup, node, dialled };
  }
  const PUBLIC = ['20.1.0.1', '20.2.0.1', '20.3.0.1', '20.4.0.1', '20.5.0.1'];

  test('full-relay slots are filled first, then two block-relay-only ones', async () => {
    const { node, dialled } = await typed(PUBLIC, {});
    expect(dialled).toEqual([
      '20.1.0.1 outbound-full-relay',
      '20.2.0.1 outbound-full-relay',
      '20.3.0.1 block-relay-only',
      '20.4.0.1 block-relay-only',
    ]);
    await node.stop();
  });

  test('the anchors of the last run are dialled first, as block-relay-only', async () => {
    const anchors = ['20.5.0.1', '20.4.0.1', '20.3.0.1'].map(addressOf);
    const { node, dialled } = await typed(PUBLIC, { anchors });
    expect(dialled).toEqual(['20.1.0.1 outbound-full-relay', '20.2.0.1 outbound-full-relay']);
    const types = node.peers.list().map(({ addr, connection_type }) => `${addr} ${connection_type}`);
    expect(types.slice(0, 2)).toEqual(['20.5.0.1:18444 block-relay-only', '20.4.0.1:18444 block-relay-only']);
    await node.stop();
  });

  test('an anchor of a network that is not to be dialled is left out', async () => {
    const cjdns = formatAddress({ networkID: 6, addr: alike(16, [0xfc], 1) });
    const anchors = [cjdns, '20.5.0.1'].map(addressOf);
    const networks = ['ipv6', 'onion'] as const;
    const { node, dialled } = await typed([], { anchors, networks });
    expect(dialled).toEqual([]);
    await node.stop();
    const reachable = await typed([cjdns], { anchors, networks: ['cjdns'] });
    expect(reachable.node.peers.list().map(({ connection_type }) => connection_type)).toEqual([
      'block-relay-only',
    ]);
    await reachable.node.stop();
  });

  test('a netgroup is dialled once', async () => {
    const { node } = await typed(['20.1.0.1', '20.1.0.2', '20.2.0.1'], { blockrelay: 0 });
    expect(connected(node)).toEqual(['20.1.0.1', '20.2.0.1']);
    await node.stop();
  });

  test.each([
    ['onion', 4, 32, [97]],
    ['I2P', 5, 32, [97]],
    ['CJDNS', 6, 16, [0xfc, 1]],
  ])('%s addresses share no netgroup', async (_, networkID, length, prefix) => {
    const hosts = [1, 2, 3].map((n) => formatAddress({ networkID, addr: alike(length, prefix, n) }));
    const { node } = await typed(hosts, { slots: 3, blockrelay: 0 });
    expect(node.peers.list().filter(({ state }) => state === 'established')).toHaveLength(3);
    await node.stop();
  });

  test('manual, full-relay and block-relay-only peers occupy their netgroup; feelers and addr-fetch peers do not', () => {
    const types = [
      'manual',
      'outbound-full-relay',
      'block-relay-only',
      'feeler',
      'addr-fetch',
      'inbound',
    ] as const;
    const netgroups = createNetgroups();
    const taken = types.filter((connection_type) => {
      const remote = { host: '20.1.0.1', port: 8333 };
      return takenGroups([{ connection_type, remote }], netgroups).has(outboundGroup('20.1.9.9', netgroups)!);
    });
    expect(taken).toEqual(['manual', 'outbound-full-relay', 'block-relay-only']);
  });

  test('only lasting connections count for the failures of an address, and no more are read than that takes', () => {
    const remote = addressOf('20.1.0.1');
    const listed: string[] = [];
    function* connections() {
      for (const connection_type of [
        'feeler',
        'manual',
        'addr-fetch',
        'block-relay-only',
        'manual',
      ] as const) {
        listed.push(connection_type);
        yield { connection_type, remote };
      }
    }
    expect([hasLasting(connections(), 3), hasLasting(connections(), 4)]).toEqual([true, false]);
    listed.length = 0;
    expect(hasLasting(connections(), 2)).toBe(true);
    expect(listed).toEqual(['feeler', 'manual', 'addr-fetch', 'block-relay-only']);
  });

  test('a feeler goes to a netgroup that is taken', async () => {
    const hosts = ['20.1.0.1', '20.2.0.1', '20.3.0.1', '20.4.0.1', '20.1.0.9'];
    const findFeeler = () => Promise.resolve(addressOf('20.1.0.9'));
    const source = { find: () => Promise.resolve(hosts.slice(0, 4).map(addressOf)), findFeeler };
    const { node, dialled, pass } = await typed(hosts, { source });
    for (let minute = 0; minute < 20; minute++) await pass(60_000);
    expect(dialled).toContain('20.1.0.9 feeler');
    await node.stop();
  });

  test('a manual peer occupies its netgroup, and is dialled although another peer occupies it', async () => {
    const setup = await typed(['20.1.0.1', '20.2.0.1', '20.3.0.1'], { slots: 1, blockrelay: 0 });
    await setup.net.listen(addressOf('20.1.0.9'), (link) => play(link, GOOD));
    setup.node.dial('20.1.0.9:18444');
    await setup.pass(100);
    expect(connected(setup.node)).toEqual(['20.1.0.1', '20.1.0.9']);
    await setup.node.stop();
  });

  test('feelers are sent at random intervals while no slot is free', async () => {
    const hosts = ['20.1.0.1', '20.2.0.1', '20.3.0.1', '20.4.0.1'];
    let next = 0;
    const source = {
      find: () => Promise.resolve(hosts.map(addressOf)),
      findFeeler: () => Promise.resolve(addressOf(`20.9.0.${++next}`)),
    };
    const { node, dialled, pass } = await typed(hosts, { source });
    for (let minute = 0; minute < 60; minute++) await pass(60_000);
    const feelers = dialled.filter((text) => text.endsWith(' feeler'));
    expect(feelers.length).toBeGreaterThan(12);
    expect(feelers.length).toBeLessThan(60);
    await node.stop();
  });

  test('no feeler is sent while a slot is empty', async () => {
    const findFeeler = () => Promise.resolve(addressOf('20.9.0.1'));
    const source = { find: () => Promise.resolve([addressOf('20.1.0.1')]), findFeeler };
    const { node, dialled, pass } = await typed(['20.1.0.1'], { source });
    for (let minute = 0; minute < 30; minute++) await pass(60_000);
    expect(dialled.filter((text) => text.endsWith(' feeler'))).toEqual([]);
    await node.stop();
  });
});
