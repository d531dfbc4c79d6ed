import { base } from '../../jest.config.js';

/** The tests of one part (`suite.js`), given up at the first that fails (`jest-circus-bail.cjs`). */
export default {
  ...base,
  rootDir: process.cwd(),
  testMatch: ['<rootDir>/test/mutation/suite.js'],
  testRunner: '<rootDir>/test/mutation/jest-circus-bail.cjs',
  watchman: false,
};
