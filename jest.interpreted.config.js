import config, { base } from './jest.config.js';

/** What the machines are judged by, once more without the compiled steps: XState interprets every one of them. */
export default {
  ...config,
  moduleNameMapper: {
    '^\\.{1,2}/(.*/)?compile\\.js$': '<rootDir>/test/support/interpreted-compile.ts',
    ...base.moduleNameMapper,
  },
  testMatch: [
    'grid*',
    'paths',
    'product*',
    'conformance.own-node',
    'conformance.v2',
    'conversation',
    'node',
  ].map((name) => `<rootDir>/test/${name}.test.ts`),
};
