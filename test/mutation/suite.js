/** The tests of one part as one file: what they share is loaded once for each mutant, not once for each file. */
import fc from 'fast-check';
import { PART, PARTS } from './parts.js';

/** The same inputs for every mutant; one that kills it need not be made small. */
fc.configureGlobal({ seed: 1, endOnFailure: true });
process.env.PROPERTY_RUNS ??= '40';

for (const name of PARTS[PART].tests) await import(`../${name}.test.ts`);
