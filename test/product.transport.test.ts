/**
 * Two ends of a key exchange, exhaustively: no deadlock, both come to v2 or both know why not, and v1 is tried anew only when
 * no byte or a v1 header came. Variants in which each end waits for the other must be caught.
 */
import { describe, expect, test } from '@jest/globals';

import {
  type End,
  type Habits,
  machineEnd,
  REAL_HABITS,
  v1Initiator,
  v1Responder,
} from './support/key-exchange.js';
import {
  type Exchange,
  type Exchanges,
  exchangesOf,
  type ExchangeMove,
  leadingTo,
  describeExchange,
  wayOf,
} from './support/key-exchange-product.js';
import { print } from './support/print.js';

function measured(name: string, initiator: End, responder: End, hostile = true): Exchanges {
  const started = performance.now();
  const found = exchangesOf(initiator, responder, hostile);
  const ms = Math.round(performance.now() - started);
  print(
    `${name}: ${found.all.length} states, ${found.moves.length} edges, longest queue ${found.longest}, ${ms} ms`,
  );
  return found;
}

const graceful = ({ kind }: ExchangeMove): boolean => kind === 'graceful';
const inTime = ({ kind }: ExchangeMove): boolean => kind === 'graceful' || kind === 'timeout';
const over = ({ ends }: Exchange): boolean => ends.every((end) => end.over);
const agreed = ({ ends: [a, b] }: Exchange): boolean =>
  a.leaf === b.leaf && /^v[12]$/.test(a.leaf) && !a.over && !b.over;
const described = (list: readonly Exchange[]) =>
  list.slice(0, 3).map((exchange) => [describeExchange(exchange), wayOf(exchange)]);

const initiator = (v2only = false) => machineEnd('initiator', v2only);
const responder = (v2only = false) => machineEnd('responder', v2only);
const OF = (v2only: boolean): string => (v2only ? ' (v2only)' : '');
const BOTH = [false, true] as const;

/** All pairs of ends; `waits`: only a deadline ends this pair. */
const PAIRS: readonly (readonly [string, () => End, () => End, { readonly waits?: true }])[] = [
  ...BOTH.flatMap((mine) =>
    BOTH.map(
      (theirs) =>
        [`v2${OF(mine)} × v2${OF(theirs)}`, () => initiator(mine), () => responder(theirs), {}] as const,
    ),
  ),
  ...BOTH.flatMap((mine) => [
    [`v2${OF(mine)} × v1 that closes`, () => initiator(mine), () => v1Responder('closes'), {}] as const,
    [
      `v2${OF(mine)} × a silent v1 node`,
      () => initiator(mine),
      () => v1Responder('mute'),
      { waits: true },
    ] as const,
    [`v2${OF(mine)} × v1 that sends first`, () => initiator(mine), () => v1Responder('greets'), {}] as const,
  ]),
  ...BOTH.map(
    (theirs) => [`v1 × v2${OF(theirs)}`, () => v1Initiator(), () => responder(theirs), {}] as const,
  ),
];

describe.each(PAIRS)('%s', (name, dialler, acceptor, { waits }) => {
  const found = measured(name, dialler(), acceptor());
  const { all, moves } = found;
  const ends = (leaf: string) => all.filter(({ ends: [a] }) => a.leaf === leaf);

  test('never wait for each other', () => {
    const fine = leadingTo(
      found,
      (exchange) => over(exchange) || agreed(exchange),
      waits ? inTime : graceful,
    );
    expect(described(all.filter((exchange) => !fine.has(exchange)))).toEqual([]);
  });

  test('have a deadline as long as they exchange keys, and can always end', () => {
    const idle = all.filter(({ ends, opened }) =>
      ends.some(
        ({ leaf, armed, over }, who) =>
          !over && opened[who] && !['v1', 'v2', 'waiting'].includes(leaf) && armed.length === 0,
      ),
    );
    expect(described(idle)).toEqual([]);
    const ending = leadingTo(found, over, () => true);
    expect(described(all.filter((exchange) => !ending.has(exchange)))).toEqual([]);
  });

  test('end with both in one transport, or with a reason at both', () => {
    const moving = new Set(moves.filter(inTime).map(({ from }) => from));
    const still = all.filter((exchange) => !moving.has(exchange));
    const fair = still.filter(
      (exchange) => agreed(exchange) || exchange.ends.every(({ code }) => code !== ''),
    );
    expect(still.length).toBeGreaterThan(0);
    expect(described(still.filter((exchange) => !fair.includes(exchange)))).toEqual([]);
  });

  test('fall back to v1 only when no byte or a v1 header came, and always then', () => {
    const greets = name.endsWith('sends first');
    if (!greets)
      expect(described(ends('fallback').filter(({ received: [received] }) => received))).toEqual([]);
    const strict = name.startsWith('v2 (v2only)');
    const mine = name.startsWith('v2');
    const silent = ends('failed').filter(({ received: [received] }) => !received);
    if (greets && !strict) expect(ends('fallback').some(({ received: [received] }) => received)).toBe(true);
    if (!strict) expect(described(silent)).toEqual([]);
    expect(ends('fallback').length > 0).toBe(mine && !strict);
    expect(silent.length > 0).toBe(strict);
  });

  test('come to the transport that both support', () => {
    const transports = new Set(all.filter(agreed).map(({ ends: [a] }) => a.leaf));
    const common = name.includes('× v2') && !name.startsWith('v1 × v2 (');
    const expected = common ? [name.slice(0, 2)] : [];
    expect([...transports]).toEqual(expected);
  });
});

/** The 16 bytes that tell v1 from v2 leave alone, the rest of the key when theirs comes. */
const TIMID: Habits = {
  ...REAL_HABITS,
  sends: (effect, role) => (effect === 'sendKey' ? ['k1'] : REAL_HABITS.sends(effect, role)),
  answers: (token) => (token === 'k1' ? ['k2'] : []),
};
/** All 64 bytes are waited for before ours are sent. */
const SLOW: Habits = {
  ...REAL_HABITS,
  reads: (token, role) =>
    token === 'k1'
      ? [{ type: 'bytes.arrived' }]
      : [...(token === 'k2' ? [{ type: 'bytes.v2' } as const] : []), ...REAL_HABITS.reads(token, role)],
};
/** Their terminator is waited for before ours is sent. */
const POLITE: Habits = {
  ...REAL_HABITS,
  sends: (effect, role) => (effect === 'sendTerminator' ? [] : REAL_HABITS.sends(effect, role)),
  answers: (token) => (token === 't' ? ['t', 'd', 'v'] : []),
};

describe('waiting for the other side', () => {
  const met = (name: string, mine: Habits, theirs: Habits) =>
    measured(name, machineEnd('initiator', false, mine), machineEnd('responder', false, theirs), false);
  /** Nothing graceful is left to happen, and they have neither agreed nor ended. */
  const deadlocks = (found: Exchanges): Exchange[] => {
    const moving = new Set(found.moves.filter(graceful).map(({ from }) => from));
    return found.all.filter((exchange) => !moving.has(exchange) && !agreed(exchange) && !over(exchange));
  };

  test.each([
    ['16 bytes first × all 64 awaited', TIMID, SLOW, 'keySent [] [] detecting', 3],
    ['terminators awaited by both', POLITE, POLITE, 'garbage [] [] garbage', 6],
  ] as const)('%s is a deadlock', (name, mine, theirs, picture, moves) => {
    const [first] = deadlocks(met(name, mine, theirs));
    expect(first && describeExchange(first)).toBe(picture);
    expect(wayOf(first!)).toHaveLength(moves);
    print(`as intended, deadlock after ${moves} moves: ${wayOf(first!).join(', ')}`);
  });

  test.each([
    ['16 bytes first × a real responder', TIMID, REAL_HABITS],
    ['terminator awaited by the initiator only', POLITE, REAL_HABITS],
    ['terminator awaited by the responder only', REAL_HABITS, POLITE],
    ['all 64 awaited by the responder only', REAL_HABITS, SLOW],
  ] as const)('%s is none', (name, mine, theirs) => {
    const found = met(name, mine, theirs);
    expect(described(deadlocks(found))).toEqual([]);
    expect(found.all.some(agreed)).toBe(true);
  });
});
