/** Stands in for compile.ts where the tests are run on machines as XState interprets them (jest.interpreted.config.js). */
export const compile = <M>(machine: M): M => machine;
