/** Replaces compile.ts when the tests run on machines that XState interprets (jest.interpreted.config.js). */
export const compile = <M>(machine: M): M => machine;
