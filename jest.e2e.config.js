import { base } from './jest.config.js';

/** The tests that talk to real nodes and to the packed program. */
export default { ...base, testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] };
