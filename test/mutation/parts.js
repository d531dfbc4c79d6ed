const wire = (names) => names.map((name) => `wire.${name}`);
const CURVE = ['assembler', 'curve', 'ellswift', 'field', 'jacobi', 'limbs', 'program'].map(
  (name) => `src/wire/bip324/${name}.ts`,
);

/**
 * The mutated code in rooms, each with the tests that judge it, the quickest first: a mutant costs the loading of all
 * tests of its room. `coverage` as in Stryker: `perTest` asks those tests alone that reach a mutant, which is no use where
 * one test makes what others look at (a cell of the grid, the module of the curve).
 */
export const ROOMS = {
  policy: {
    mutate: ['machines/*.ts', '!machines/*.machine.ts'],
    tests: ['policy', 'notes', 'machines', 'grid'],
    coverage: 'all',
  },
  peer: {
    mutate: ['machines/*.machine.ts', '!machines/transport.machine.ts'],
    tests: ['machines', 'grid'],
    coverage: 'all',
  },
  transport: {
    mutate: ['machines/transport.machine.ts'],
    tests: ['machines', 'grid.transport'],
    coverage: 'all',
  },
  wire: {
    mutate: ['src/wire/*.ts'],
    tests: wire(['table', 'codec', 'messages', 'services', 'addresses', 'golden', 'property', 'v1']),
    coverage: 'perTest',
  },
  v2: {
    mutate: ['src/wire/bip324/*.ts', ...CURVE.map((file) => `!${file}`)],
    tests: wire(['v2.packets', 'v2.opening', 'v2.transport']),
    coverage: 'all',
  },
  curve: {
    mutate: CURVE,
    tests: wire(['v2.ellswift']),
    coverage: 'all',
  },
};

/** The room that this process works on. */
export const ROOM = process.env.MUTATION_ROOM ?? 'policy';

/** What Stryker knows of the mutants of a room, and the same after a run that came to its end. */
export const resultsOf = (room) => `reports/mutation/${room}.json`;
export const doneOf = (room) => `reports/mutation/${room}.done.json`;
