/** Does one address more cost more in a full address book? */
import { type Figure, ratioOf, rowsOf } from './figure.js';
import { Worker } from './worker.js';

const FEW = 1_000;
const MANY = 100_000;
/** The first ones run code that is not compiled yet. */
const WARM_UP = 2;

const name = (count: number): string => `add after ${count.toLocaleString('en-US')}`;

export const addressBook: Figure = {
  name: 'address-book',
  about: `one address into a book that was offered ${MANY.toLocaleString('en-US')} over one that was offered ${FEW.toLocaleString('en-US')}`,
  reading: 'times',
  unit: 'µs of CPU',
  goal: { atMost: 1.5 },
  async run({ cores, rounds }) {
    const worker = new Worker(cores?.measured, 'address-book-tasks');
    const costs = new Map<string, number[]>([
      [name(MANY), []],
      [name(FEW), []],
    ]);
    for (let round = 0; round < WARM_UP + rounds; round++) {
      for (const count of [FEW, MANY])
        costs.get(name(count))!.push(await worker.ask<number>('cost', { beside: count }));
    }
    const samples = [...costs].map(
      ([who, all]) => [who, all.slice(WARM_UP).map((value) => ({ value }))] as const,
    );
    const rows = rowsOf(new Map(samples), name(FEW));
    return { value: ratioOf(rows, name(MANY)), rows, notes: [] };
  },
};
