/** The cost of an established peer's messages beyond decoding: counting, limits, answers to pings. */
import { type Candidate, type Figure, interleave, ratioOf, rowsOf, type Sample } from './figure.js';
import type { Stream } from './traffic-tasks.js';
import { Worker } from './worker.js';

/** Invs of one entry: the more there is to decode, the less the rest would show. */
const STREAM: Stream = { cycles: 600, entries: 1 };
const WARM_UP = 3;
/** Each is short. */
const TIMES = 3;

export const traffic: Figure = {
  name: 'traffic',
  about: 'established traffic, one ping in 100 invs of one entry, in chunks of 65,536 bytes, in memory',
  reading: 'of framing and decoding alone',
  unit: 'messages/s of CPU',
  goal: { atLeast: 0.75 },
  async run({ cores, rounds }) {
    const worker = new Worker(cores?.measured, 'traffic-tasks');
    const ask = (task: 'session' | 'decode'): Candidate => {
      return async (): Promise<Sample> => ({ value: await worker.ask<number>(task, STREAM) });
    };
    const candidates = { library: ask('session'), 'decode alone': ask('decode') };
    await interleave(WARM_UP, candidates);
    const rows = rowsOf(await interleave(TIMES * rounds, candidates), 'decode alone');
    return { value: ratioOf(rows, 'library'), rows, notes: [] };
  },
};
