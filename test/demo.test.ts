import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SCENARIOS } from '../src/demo/scenarios.js';
import { type Demo, isExpected, type Outcome, startDemo } from '../src/demo/demo.js';

describe('the demo', () => {
  let demo: Demo;
  let outcomes: Outcome[];

  beforeAll(async () => {
    demo = await startDemo({ handshakeTimeout: 1_000 });
    outcomes = await demo.outcomes;
  });
  afterAll(() => demo.stop());

  test.each(SCENARIOS.map((role, i) => [role.name, role.expected.code, i] as const))(
    '%s: %s',
    (_name, code, i) => {
      const { peer, role, asForetold } = outcomes[i]!;
      const seen = peer?.state === 'established' ? 'established' : peer?.lastreason?.code;
      expect(seen).toBe(code);
      expect(peer?.lastreason?.facts ?? {}).toMatchObject(role.expected.facts ?? {});
      expect(asForetold).toBe(true);
    },
  );

  test('notices an outcome that was not foretold', () => {
    const { role, peer } = outcomes.find((outcome) => outcome.role.name === 'bad checksum')!;
    if (!peer) throw new Error('the demo lost a peer');
    const other = { ...role, foretold: { code: 'ERR_TIME_HANDSHAKE', facts: { dropped: '' } } } as const;
    expect(isExpected(other, peer)).toBe(false);
    expect(isExpected({ ...role, expected: { code: 'established' } }, peer)).toBe(false);
  });
});
