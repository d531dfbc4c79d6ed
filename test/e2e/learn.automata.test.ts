/** 200 random Mealy machines of up to 30 states, each learned exactly: without a reference, and with one that is wrong. */
import { test } from '@jest/globals';
import { learnsExactly, learnsExactlyFromAnother } from '../support/random-machines.js';

test('200 random machines of up to 30 states are learned exactly', async () => {
  for (let seed = 1; seed <= 200; seed++) await learnsExactly(seed);
});

test('and so they are with a reference that is wrong in 1, 3, 10 or 300 places', async () => {
  for (let seed = 1; seed <= 200; seed++) await learnsExactlyFromAnother(seed);
});
