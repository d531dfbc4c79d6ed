/** The bounds of the frontier: what is contacted, in which order, and what gossip cannot cause. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OptOutList, classifyHost } from '../src/crawl/index.js';
import { ADDRESS_BOOK, originOf } from '../src/crawl/known-address.js';
import { Frontier, type FrontierOptions } from '../src/crawl/frontier.js';
import { NETWORKS } from '../src/networks.js';

const make = (more: Partial<FrontierOptions> = {}): Frontier =>
  new Frontier({
    ...{ chain: NETWORKS.main, networks: ['ipv4', 'ipv6'], anyPort: false, allowUnroutable: false },
    ...{ maxAddresses: 1_000, maxPerNetgroup: 1_000, perNetgroup: 2, optOut: new OptOutList() },
    ...more,
  });

const from = (source: string) => ({ source, distance: 1 });
const SEED = { source: '', distance: 0 };
const add = (frontier: Frontier, addr: string, origin = from('a')) => frontier.add(addr, origin);

/** Contacts everything; those in `up` answer. Returns what was contacted, in order. */
function drain(frontier: Frontier, up: ReadonlySet<string> = new Set()): string[] {
  const contacted: string[] = [];
  for (;;) {
    let next = frontier.take();
    frontier.settle();
    next ??= frontier.take();
    if (!next) return contacted;
    contacted.push(next.addr);
    frontier.finish(next.addr, up.has(next.addr));
  }
}

describe('what is never contacted', () => {
  test.each([
    ['127.0.0.1:8333', 'unroutable'],
    ['10.1.2.3:8333', 'unroutable'],
    ['192.0.2.7:8333', 'unroutable'],
    ['8.8.8.8:22', 'port'],
    ['8.8.8.8:0', 'port'],
    ['[fc00:1::1]:8333', 'network'],
  ])('%s: %s', (addr, reason) => {
    const frontier = make();
    expect(add(frontier, addr)).toBe(reason);
    expect(frontier.skipped.get(reason as 'port')).toBe(1);
    expect(drain(frontier)).toEqual([]);
  });

  test('any port with anyPort; the port of a seed as the operator wrote it', () => {
    expect(add(make({ anyPort: true }), '8.8.8.8:22')).toBe('new');
    expect(add(make(), '8.8.8.8:22', SEED)).toBe('new');
    expect(add(make(), '8.8.8.8:8334')).toBe('new');
  });

  test('the port of an address book is one that gossip named', () => {
    const book = originOf({ addr: '8.8.8.8:22', source: ADDRESS_BOOK });
    expect(add(make(), '8.8.8.8:22', book)).toBe('port');
    expect(add(make(), '8.8.8.8:8333', book)).toBe('new');
  });

  test('opt-outs by address, by address and port, by prefix', () => {
    const frontier = make({
      optOut: new OptOutList('8.8.8.8\n8.8.4.4:8333 # mail\n9.0.0.0/8\n2001:4860::/32'),
    });
    for (const addr of ['8.8.8.8:8333', '8.8.4.4:8333', '9.1.2.3:8333', '[2001:4860::1]:8333'])
      expect(add(frontier, addr)).toBe('optout');
    expect(add(frontier, '8.8.4.4:8334')).toBe('new');
  });

  test('an opt-out line that is not an address is refused', () => {
    expect(() => new OptOutList('1.2.3.0/64')).toThrow('ERR_LOCAL_ARGUMENT');
  });
});

test('memory: as many addresses as allowed, as many of one netgroup', () => {
  const frontier = make({ maxAddresses: 3, maxPerNetgroup: 2 });
  const answers = ['8.8.1.1', '8.8.1.2', '8.8.1.3', '9.9.1.1', '11.1.1.1'].map((host) =>
    add(frontier, `${host}:8333`),
  );
  expect(answers).toEqual(['new', 'new', 'netgroup', 'new', 'memory']);
});

test('the contacts to one netgroup are limited; the others do not wait for it', () => {
  const frontier = make();
  for (const host of ['8.8.1.1', '8.8.1.2', '8.8.1.3', '9.9.1.1']) add(frontier, `${host}:8333`, SEED);
  expect([1, 2, 3, 4].map(() => frontier.take()?.addr)).toEqual([
    ...['8.8.1.1:8333', '8.8.1.2:8333', '9.9.1.1:8333', undefined],
  ]);
  frontier.finish('8.8.1.1:8333', false);
  expect(frontier.take()?.addr).toBe('8.8.1.3:8333');
});

describe('gossip that leads nowhere', () => {
  const fake = (n: number): string => `${11 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.1:8333`;

  test('costs a bounded number of contacts before everything else is done', () => {
    const frontier = make({ maxAddresses: 100_000 });
    for (let n = 0; n < 2_000; n++) add(frontier, fake(n), from('liar'));
    let contacts = 0;
    for (let next = frontier.take(); next; next = frontier.take()) {
      contacts += 1;
      if (contacts > 1) frontier.finish(next.addr, false);
    }
    expect(contacts).toBe(32);
    expect(frontier.withheld).toBe(2_000 - 32);
  });

  test('is followed at the end, so that nothing is missed in a small network', () => {
    const frontier = make({ maxAddresses: 100_000 });
    for (let n = 0; n < 2_000; n++) add(frontier, fake(n), from('liar'));
    expect(drain(frontier)).toHaveLength(2_000);
  });

  test('but only a bounded number of times', () => {
    const frontier = make({ maxAddresses: 100_000 });
    for (let n = 0; n < 20_000; n++) add(frontier, fake(n), from('liar'));
    expect(drain(frontier)).toHaveLength(5_000 + 32);
  });

  test('an address that a second source advertises is followed', () => {
    const frontier = make({ maxAddresses: 100_000 });
    for (let n = 0; n < 2_000; n++) add(frontier, fake(n), from('liar'));
    const first = frontier.take()!;
    for (let next = frontier.take(); next; next = frontier.take()) frontier.finish(next.addr, false);
    add(frontier, fake(1_999), from('b'));
    expect(frontier.take()?.addr).toBe(fake(1_999));
    expect(first.addr).toBe(fake(0));
  });
});

test('property: every address is contacted once at most, and counts never go below zero', () => {
  const step = fc.record({
    host: fc.integer({ min: 0, max: 40 }),
    source: fc.integer({ min: 0, max: 3 }),
    act: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const frontier = make({ perNetgroup: 3 });
      const open: string[] = [];
      const contacted: string[] = [];
      for (const { host, source, act } of steps) {
        if (act < 2) add(frontier, `${20 + (host % 4)}.1.1.${host}:8333`, from(`s${source}`));
        const next = act === 2 ? frontier.take() : undefined;
        if (next) open.push(next.addr);
        const end = act === 3 ? open.shift() : undefined;
        if (end !== undefined) frontier.finish(end, host % 2 === 0);
        if (end !== undefined) contacted.push(end);
        const back = act === 4 ? open.shift() : undefined;
        if (back !== undefined) frontier.giveBack(back);
        expect(frontier.active).toBe(open.length);
        expect(Math.min(frontier.queued, frontier.withheld)).toBeGreaterThanOrEqual(0);
      }
      expect(new Set(contacted).size).toBe(contacted.length);
    }),
  );
});

test.each([
  ['8.8.4.4', 'ipv4', 'ipv4 8.8'],
  ['2001:4860:4860::8888', 'ipv6', 'ipv6 20014860'],
  ['fc12:3456::1', 'cjdns', 'cjdns fc10'],
  ['127.0.0.1', 'not_publicly_routable', '127.0.0.1'],
  ['example.org', 'not_publicly_routable', 'example.org'],
])('netgroup of %s', (host, network, group) => {
  expect(classifyHost(host)).toEqual({ network, group });
});
