/** Eviction of inbound peers: the properties and cases of Bitcoin Core's net_peer_eviction_tests.cpp, and our addition. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type EvictionCandidate,
  PROTECTED,
  protectByRatio,
  selectPeerToEvict,
} from '../machines/eviction.js';

interface ProtectionCase {
  readonly peers: number;
  readonly uptime: 'by id' | 'by id, reversed' | 'any';
  readonly local: readonly number[];
  readonly networks: Readonly<Record<string, readonly number[]>>;
  readonly others: string;
  readonly protected: readonly number[];
  readonly unprotected: readonly number[];
}

const { cases } = JSON.parse(readFileSync('test/data/eviction.json', 'utf8')) as {
  readonly cases: readonly ProtectionCase[];
};

const NETWORKS = ['not_publicly_routable', 'ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'];
const hex64 = (value: number): string => value.toString(16).padStart(16, '0');

/** As Core's GetRandomNodeEvictionCandidates: anything but noban and outbound. */
const anyCandidate = fc.record({
  connectedat: fc.nat(99),
  minping: fc.nat(99),
  lastblock: fc.nat(99),
  lasttransaction: fc.nat(99),
  relevantservices: fc.boolean(),
  relaytxes: fc.boolean(),
  bloomfilter: fc.boolean(),
  keyednetgroup: fc.nat(99).map(hex64),
  preferevict: fc.boolean(),
  islocal: fc.boolean(),
  network: fc.constantFrom(...NETWORKS),
  noban: fc.constant(false),
  inbound: fc.constant(true),
  handshaking: fc.boolean(),
});

type Change = (id: number) => Partial<EvictionCandidate>;

/** Between `min` and `max` candidates with ids from 0, changed by their id, in any order. */
const candidates = (min: number, max: number, change: Change = () => ({})) =>
  fc
    .array(anyCandidate, { minLength: min, maxLength: max })
    .map((all) => all.map((one, id): EvictionCandidate => ({ id, ...one, ...change(id) })))
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }));

const HIGH = 1_000;
const first = (count: number): number[] => Array.from({ length: count }, (_, id) => id);

describe('protection by ratio', () => {
  const changeOf = (row: ProtectionCase) => (id: number) => ({
    ...(row.uptime === 'by id' && { connectedat: id }),
    ...(row.uptime === 'by id, reversed' && { connectedat: row.peers - id }),
    islocal: row.local.includes(id),
    network: Object.entries(row.networks).find(([, ids]) => ids.includes(id))?.[0] ?? row.others,
  });

  test.each(cases.map((row, index) => [index + 1, row] as const))('case %i of Core', (_, row) => {
    fc.assert(
      fc.property(candidates(row.peers, row.peers, changeOf(row)), (all) => {
        const left = protectByRatio(all).map(({ id }) => id);
        expect(left).toHaveLength(row.peers - Math.floor(row.peers / 2));
        expect(row.protected.filter((id) => left.includes(id))).toEqual([]);
        expect(row.unprotected.filter((id) => !left.includes(id))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('protects half of the candidates', () => {
    fc.assert(
      fc.property(candidates(0, 60), (all) => {
        expect(protectByRatio(all)).toHaveLength(all.length - Math.floor(all.length / 2));
      }),
    );
  });
});

const favour: readonly [string, number, Change][] = [
  ['the highest keyed netgroups', PROTECTED.netgroup, (id) => ({ keyednetgroup: hex64(HIGH - id) })],
  ['the lowest ping times', PROTECTED.ping, (id) => ({ minping: id })],
  ['the latest transactions', PROTECTED.transaction, (id) => ({ lasttransaction: HIGH - id })],
  ['the latest blocks', PROTECTED.block, (id) => ({ lastblock: HIGH - id })],
  [
    'the latest blocks, eight of them block-relay-only',
    PROTECTED.blockRelay + PROTECTED.block,
    (id) => ({ lastblock: HIGH - id, relaytxes: id >= PROTECTED.blockRelay, relevantservices: true }),
  ],
  ['no place at stake, since the user exempted them,', 50, (id) => ({ noban: id < 50 })],
  ['no place at stake, since we dialled them,', 50, (id) => ({ inbound: id >= 50 })],
];

describe.each(favour)('peers with %s', (_, count, change) => {
  test('are not evicted, whatever their other properties', () => {
    fc.assert(
      fc.property(candidates(0, 120, change), (all) => {
        expect(first(count)).not.toContain(selectPeerToEvict(all));
      }),
    );
  });

  /** Young and discouraged: they go first unless that one property protects them. */
  const disfavoured = (favoured: number) =>
    first(150).map((id) =>
      plain(id, id < favoured ? { connectedat: HIGH + id, preferevict: true, ...change(id) } : {}),
    );

  test('are not evicted, although every other property is the worst', () => {
    expect(selectPeerToEvict(disfavoured(count))).toBeGreaterThanOrEqual(count);
  });

  test('are protected up to that number: the next one is evicted', () => {
    expect(selectPeerToEvict(disfavoured(count + 1))).toBe(count);
  });
});

test('peers without a ping time yet are equal in that: the youngest is evicted', () => {
  const all = first(60).map((id) => plain(id, { minping: Infinity, keyednetgroup: hex64(7) }));
  expect(selectPeerToEvict(all)).toBe(59);
});

describe('the number of candidates', () => {
  test('of 29 or more one is evicted', () => {
    fc.assert(
      fc.property(candidates(29, 120), (all) => {
        expect(selectPeerToEvict(all)).toBeDefined();
      }),
    );
  });

  test('of 20 or fewer none is evicted', () => {
    fc.assert(
      fc.property(candidates(0, 20), (all) => {
        expect(selectPeerToEvict(all)).toBeUndefined();
      }),
    );
  });

  test('the order in which they are listed changes nothing', () => {
    fc.assert(
      fc.property(candidates(0, 80), (all) => {
        expect(selectPeerToEvict(all.toReversed())).toBe(selectPeerToEvict(all));
      }),
    );
  });
});

/** A candidate with nothing to its credit: the lower its id, the longer it is connected. */
function plain(id: number, change: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return {
    id,
    connectedat: id,
    minping: 50,
    lastblock: 0,
    lasttransaction: 0,
    relevantservices: false,
    relaytxes: true,
    bloomfilter: false,
    keyednetgroup: hex64(id),
    preferevict: false,
    islocal: false,
    network: 'ipv4',
    noban: false,
    inbound: true,
    handshaking: false,
    ...change,
  };
}

/** As many candidates as the steps before the last protect, and better than `plain` in one of them. */
const protectedOnes = (from: number): EvictionCandidate[] =>
  first(PROTECTED.netgroup + PROTECTED.ping + PROTECTED.transaction + PROTECTED.block).map((n) =>
    plain(from + n, {
      connectedat: 0,
      keyednetgroup: hex64(HIGH + n),
      minping: 1,
      lasttransaction: 1,
      lastblock: 1,
    }),
  );

describe('the remaining candidates', () => {
  // Half of them are protected by uptime: the older 40.
  const crowd = (change: Change) => [
    ...protectedOnes(1_000),
    ...first(80).map((id) => plain(id, change(id))),
  ];

  test('discouraged peers are evicted first, even if another netgroup is larger', () => {
    const all = crowd((id) => ({ keyednetgroup: hex64(id < 60 ? 7 : id), preferevict: id === 70 }));
    expect(selectPeerToEvict(all)).toBe(70);
  });

  test('a discouraged peer that is protected stays', () => {
    const all = crowd((id) => ({ preferevict: id === 3 }));
    expect(selectPeerToEvict(all)).toBe(79);
  });

  test('the youngest of the netgroup with most connections is evicted', () => {
    const all = crowd((id) => ({ keyednetgroup: hex64(id >= 50 && id < 53 ? 7 : id) }));
    expect(selectPeerToEvict(all)).toBe(52);
  });

  test('of equally large netgroups that with the youngest member loses', () => {
    const all = crowd((id) => ({ keyednetgroup: hex64(Math.floor(id / 2)) }));
    expect(selectPeerToEvict(all)).toBe(79);
  });
});

describe('a handshake under way', () => {
  const ATTACKER = hex64(7);
  const crowd = (handshaking: (id: number) => boolean) => [
    ...protectedOnes(1_000),
    ...first(80).map((id) =>
      plain(id, { handshaking: handshaking(id), ...(id >= 50 && { keyednetgroup: ATTACKER }) }),
    ),
  ];

  test('is evicted for a newcomer from elsewhere', () => {
    expect(
      selectPeerToEvict(
        crowd(() => true),
        hex64(8),
      ),
    ).toBe(79);
  });

  test('is not evicted for a newcomer of its own netgroup: an established peer of it is', () => {
    expect(
      selectPeerToEvict(
        crowd((id) => id > 60),
        ATTACKER,
      ),
    ).toBe(60);
  });

  test('no peer is evicted, also of other netgroups, if all of that netgroup are unfinished handshakes', () => {
    expect(
      selectPeerToEvict(
        crowd((id) => id >= 50),
        ATTACKER,
      ),
    ).toBeUndefined();
  });
});
