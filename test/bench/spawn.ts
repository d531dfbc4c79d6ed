/** Does one peer more, or one less, cost more in a crowd? */
import { type Figure, ratioOf, type Row, rowsOf } from './figure.js';
import type { Cost } from './spawn-tasks.js';
import { Worker } from './worker.js';

const FEW = 10;
const MANY = 10_000;
/** Each is short, and the first ones run code that is not compiled yet. */
const TIMES = 3;
const WARM_UP = 2;

type Rounds = Readonly<Record<'few' | 'many', readonly Cost[]>>;

const beside = (what: keyof Cost, count: number): string => `${what} beside ${count.toLocaleString('en-US')}`;

/** Two rows; the few are the ceiling. */
function rowsFor(what: keyof Cost, { few, many }: Rounds): Row[] {
  const samples = (costs: readonly Cost[]) => costs.slice(WARM_UP).map((cost) => ({ value: cost[what] }));
  const both = new Map([
    [beside(what, MANY), samples(many)],
    [beside(what, FEW), samples(few)],
  ]);
  return rowsOf(both, beside(what, FEW));
}

export const spawn: Figure = {
  name: 'spawn',
  about: `one dial and one close beside ${MANY.toLocaleString('en-US')} established peers over that beside ${FEW}, in memory`,
  reading: 'times, the dearer of the two',
  unit: 'µs',
  goal: { atMost: 1.5 },
  async run({ cores, rounds }) {
    const worker = new Worker(cores?.measured, 'spawn-tasks');
    const costs: Record<'few' | 'many', Cost[]> = { few: [], many: [] };
    for (let round = 0; round < WARM_UP + TIMES * rounds; round++) {
      costs.few.push(await worker.ask<Cost>('cost', { beside: FEW }));
      costs.many.push(await worker.ask<Cost>('cost', { beside: MANY }));
    }
    const rows = [...rowsFor('spawn', costs), ...rowsFor('stop', costs)];
    const [spawned, stopped] = [ratioOf(rows, beside('spawn', MANY)), ratioOf(rows, beside('stop', MANY))];
    return { value: spawned.median > stopped.median ? spawned : stopped, rows, notes: [] };
  },
};
