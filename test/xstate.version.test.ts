/** Which versions of XState are compiled for, and what happens beside another one. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isTested, mayCompile, TESTED_XSTATE, xstateVersion } from '../src/xstate/version.js';

const jsonOf = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

test('the loaded version is the one that is installed, and a tested one', () => {
  expect(xstateVersion()).toBe((jsonOf('node_modules/xstate/package.json') as { version: string }).version);
  expect([isTested(), mayCompile()]).toEqual([true, true]);
});

test('the range of the peer dependency holds the tested versions, and no other is compiled for', () => {
  const { peerDependencies } = jsonOf('package.json') as { peerDependencies: { xstate: string } };
  expect(peerDependencies.xstate).toBe('>=5.33.0 <5.34.0');
  expect(TESTED_XSTATE.every((version) => version.startsWith('5.33.'))).toBe(true);
  expect(['5.32.6', '5.34.0', '6.0.0', 'unknown'].map((version) => isTested(version))).toEqual(
    Array(4).fill(false),
  );
});
