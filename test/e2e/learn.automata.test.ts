/** 200 random Mealy machines of up to 30 states, each learned exactly. */
import { test } from '@jest/globals';
import { learnsExactly } from '../support/random-machines.js';

test('200 random machines of up to 30 states are learned exactly', async () => {
  for (let seed = 1; seed <= 200; seed++) await learnsExactly(seed);
});
