import { tmpdir } from 'node:os';
import { join } from 'node:path';

// No test reads or writes the address book of whoever runs it; the folder is made only when a test saves one.
process.env.XDG_DATA_HOME = join(tmpdir(), `verack-test-${process.pid}`);

/** What both configurations share: TypeScript through swc, native ES modules. */
export const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.stryker/'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // The examples import the package by its name.
    '^verack$': '<rootDir>/src/index.ts',
    '^verack/machines$': '<rootDir>/machines/index.ts',
    '^verack/(node|net|connection|wire|addresses|metrics)$': '<rootDir>/src/$1/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** The tests that need nothing but Node, on every core: left alone, jest would leave one of two idle. */
export default {
  ...base,
  maxWorkers: '100%',
  // No test measures time: this only ends what hangs, on a machine that is busy with other things too.
  testTimeout: 150_000,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // The extractor's package ships tests of its own.
  testPathIgnorePatterns: ['<rootDir>/test/e2e/', '<rootDir>/test/attack/', '/node_modules/'],
};
