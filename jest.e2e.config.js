import { base } from './jest.config.js';

/**
 * The tests that talk to real nodes and to the packed program. More workers than cores: most of them wait, one for three
 * minutes.
 */
export default {
  ...base,
  testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
  maxWorkers: 4,
  // As in the other configuration: only ends what hangs.
  testTimeout: 300_000,
};
