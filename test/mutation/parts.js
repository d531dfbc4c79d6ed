const wire = (names) => names.map((name) => `wire.${name}`);
const CURVE = ['src/wire/bip324/ellswift.ts', 'src/wire/bip324/secp256k1/*.ts'];

/**
 * The mutated code in parts, each with its tests, the quickest first: a mutant costs the loading of all
 * tests of its part. `coverage` as in Stryker: `perTest` runs only the tests that reach a mutant, which does not work where
 * one test makes what others check (a cell of the grid, the module of the curve).
 */
export const PARTS = {
  policy: {
    mutate: ['machines/*.ts', '!machines/*.machine.ts'],
    tests: ['policy', 'context', 'eviction', 'machines', 'grid', 'grid.ignored'],
    coverage: 'all',
  },
  peer: {
    mutate: ['machines/*.machine.ts', '!machines/transport.machine.ts'],
    tests: ['machines', 'grid', 'crawl.frontier'],
    coverage: 'all',
  },
  transport: {
    mutate: ['machines/transport.machine.ts'],
    tests: ['machines', 'grid.transport'],
    coverage: 'all',
  },
  wire: {
    mutate: ['src/wire/*.ts'],
    tests: wire([
      ...['message-definitions', 'codec', 'messages', 'services', 'addresses', 'golden', 'property'],
      ...['v1-framing', 'v1.ignored'],
    ]),
    coverage: 'perTest',
  },
  v2: {
    mutate: ['src/wire/bip324/*.ts', '!src/wire/bip324/ellswift.ts'],
    tests: ['bip324.packets', 'bip324.handshake-parser', 'bip324.packet-decoder'],
    coverage: 'all',
  },
  curve: {
    mutate: CURVE,
    tests: ['bip324.ellswift'],
    coverage: 'all',
  },
};

/** The part that this process works on. */
export const PART = process.env.MUTATION_PART ?? 'policy';

/** Stryker's results of a part, and the same after a complete run. */
export const resultsOf = (part) => `reports/mutation/${part}.json`;
export const doneOf = (part) => `reports/mutation/${part}.done.json`;
