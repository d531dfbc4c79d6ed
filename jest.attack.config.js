/** The attacks: each floods a resource of the node and measures what others notice. One after the other, since they measure time. */
import { base } from './jest.config.js';

export default {
  ...base,
  maxWorkers: 1,
  testTimeout: 120_000,
  testMatch: ['<rootDir>/test/attack/**/*.test.ts'],
};
