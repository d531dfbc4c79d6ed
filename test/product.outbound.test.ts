/** One outbound target × every answer of lookup, supervisor and network, explored exhaustively: no deadlock, no second connection. */
import { describe, expect, test } from '@jest/globals';

import { MAX_SELF_CONNECTIONS, type OutboundInput } from '../machines/index.js';
import { movesTo, outboundProduct } from './support/outbound-product.js';
import { print } from './support/print.js';

const NAME = { name: 'node.example', addresses: [] };
const ADDRESS = { name: '', addresses: ['10.0.0.1:18444'] };
const TWO = { name: '', addresses: ['10.0.0.1:18444', '10.0.0.2:18444'] };
const V1 = { v2: false, v2only: false };
const V2 = { v2: true, v2only: false };
const V2ONLY = { v2: true, v2only: true };

const TARGETS: readonly [string, Omit<OutboundInput, 'id' | 'connection_type'>][] = (
  [
    ['an address', ADDRESS],
    ['two addresses', TWO],
    ['a name', NAME],
  ] as const
).flatMap(([what, target]) =>
  (
    [
      ['v1', V1],
      ['v2', V2],
      ['v2only', V2ONLY],
    ] as const
  ).flatMap(([transport, rules]) =>
    [true, false].map((persistent): [string, Omit<OutboundInput, 'id' | 'connection_type'>] => [
      `${what}, ${transport}, ${persistent ? 'persistent' : 'one-shot'}`,
      { ...target, ...rules, persistent },
    ]),
  ),
);

describe.each(TARGETS)('a target (%s)', (what, rules) => {
  const moments = outboundProduct({ id: 1, connection_type: 'manual', ...rules });

  test('always waits for an answer or a timer, has one connection, uses v1 only after proof, and backs off', () => {
    const faulty = moments.filter(({ faults }) => faults.length > 0);
    expect(faulty.slice(0, 3).map((moment) => [moment.faults, movesTo(moment)])).toEqual([]);
    print(`outbound, ${what}: ${moments.length} states`);
  });

  test('can end from everywhere, and a one-shot target ends by itself', () => {
    expect(moments.some(({ isOver }) => isOver)).toBe(true);
    const longest = Math.max(...moments.map((moment) => movesTo(moment).length));
    if (!rules.persistent) expect(longest).toBeLessThan(20);
  });

  test('counts each failed round once, from 1 again after a connection that lasted', () => {
    for (const { snapshot, leaf, by } of moments) {
      if (leaf !== 'backingOff' || !by || by.from.leaf === 'backingOff') continue;
      const expected = by.move === 'lasts 60000 ms' ? 1 : by.from.snapshot.context.failures + 1;
      expect(snapshot.context.failures).toBe(expected);
    }
  });

  test('is given up after a bounded number of self-connections in a row', () => {
    expect(Math.max(...moments.map(({ self }) => self))).toBeLessThan(MAX_SELF_CONNECTIONS);
  });
});
