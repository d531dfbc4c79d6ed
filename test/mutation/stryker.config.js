import { resultsOf, PART, PARTS } from './parts.js';

const { mutate, coverage } = PARTS[PART];

/** Stryker 9 is the last line for Node 20. Nothing is excluded: no file, no mutator, no static mutant. */
export default {
  mutate,
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning'],
  jest: { configFile: 'test/mutation/jest.config.js', enableFindRelatedTests: false },
  coverageAnalysis: coverage,
  ignoreStatic: false,
  incremental: true,
  incrementalFile: resultsOf(PART),
  concurrency: 2,
  timeoutMS: 8_000,
  timeoutFactor: 1.5,
  /** Jest never frees the modules of a finished run. */
  maxTestRunnerReuse: 60,
  tempDirName: '.stryker',
  ignorePatterns: ['dist', 'coverage', 'reports'],
  reporters: ['progress-append-only'],
};
