/** What compiling the machine is worth: the life of one peer actor, eight events from birth to end, without links and bytes. */
import { type Figure, ratioOf, rowsOf } from './figure.js';
import type { Life } from './compiled-machine-tasks.js';
import { Worker } from './worker.js';

const WARM_UP = 3;

export const life: Figure = {
  name: 'life',
  about: 'the life of one peer actor, eight events, compiled beside interpreted by XState',
  reading: 'of the interpreted one',
  unit: 'µs',
  goal: { atMost: 1 },
  async run({ cores, rounds }) {
    const worker = new Worker(cores?.measured, 'compiled-machine-tasks');
    const lives: Life[] = [];
    for (let round = 0; round < WARM_UP + rounds; round++) lives.push(await worker.ask<Life>('life', {}));
    const samples = (who: keyof Life) => lives.slice(WARM_UP).map((each) => ({ value: each[who] }));
    const both = new Map([
      ['compiled', samples('compiled')],
      ['with spreads', samples('spread')],
      ['interpreted', samples('interpreted')],
    ]);
    const rows = rowsOf(both, 'interpreted');
    return { value: ratioOf(rows, 'compiled'), rows, notes: [] };
  },
};
