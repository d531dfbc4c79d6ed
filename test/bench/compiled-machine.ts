/** What compiling the machine is worth: the life of one peer actor, eight events from its start to its end, without links and bytes. */
import { type Figure, ratioOf, type Row, rowsOf } from './figure.js';
import type { Life } from './compiled-machine-tasks.js';
import { Worker } from './worker.js';

const WARM_UP = 3;

/** What compiling would be worth with XState 6, if the compiled step cost there what it costs here. */
function worthOf(rows: readonly Row[]): string {
  const median = (who: string): number => rows.find((row) => row.who === who)?.measured.median ?? NaN;
  const worth = (median('XState 6') / median('compiled')).toFixed(1);
  return `the compiled step of XState 5 beside XState 6: ${worth} times cheaper`;
}

export const life: Figure = {
  name: 'life',
  about: 'the life of one peer actor, eight events, compiled beside interpreted by XState 5 and 6',
  reading: 'of the interpreted one',
  unit: 'µs of CPU',
  goal: { atMost: 1 },
  async run({ cores, rounds }) {
    const worker = new Worker(cores?.measured, 'compiled-machine-tasks');
    const lives: Life[] = [];
    for (let round = 0; round < WARM_UP + rounds; round++) lives.push(await worker.ask<Life>('life', {}));
    const samples = (who: keyof Life) => lives.slice(WARM_UP).map((each) => ({ value: each[who] }));
    const six = samples('xstate6');
    const hasSix = six.every(({ value }) => !Number.isNaN(value));
    const all = new Map([
      ['compiled', samples('compiled')],
      ['with spreads', samples('spread')],
      ...(hasSix ? [['XState 6', six] as const] : []),
      ['interpreted', samples('interpreted')],
    ]);
    const rows = rowsOf(all, 'interpreted');
    const note = hasSix ? worthOf(rows) : 'XState 6 is not installed (npm ci)';
    return { value: ratioOf(rows, 'compiled'), rows, notes: [note] };
  },
};
