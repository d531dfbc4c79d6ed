/** Outbound targets: what one costs in memory, and how late everything else runs while many come and go. */
import { type Figure, type Result, spreadOf } from './figure.js';
import type { Lab } from './lab.js';
import type { Cost, Crowd } from './targets-tasks.js';
import { Worker } from './worker.js';

const CROWD: Crowd = { targets: 20_000, seconds: 4 };
/** Each round makes all targets anew. */
const ROUNDS = 2;

/** Both figures are from the same rounds. */
const measured = new WeakMap<Lab, Promise<readonly Cost[]>>();

async function costsOf({ cores, rounds }: Lab): Promise<readonly Cost[]> {
  const costs: Cost[] = [];
  for (let round = 0; round < Math.min(ROUNDS, rounds); round++) {
    const worker = new Worker(cores?.measured, 'targets-tasks');
    costs.push(await worker.ask<Cost>('cost', CROWD));
    await worker.stop();
  }
  return costs;
}

async function measure(lab: Lab, what: 'lag' | 'kilobytes'): Promise<Result> {
  const found = measured.get(lab) ?? costsOf(lab);
  measured.set(lab, found);
  const costs = await found;
  const spread = (key: keyof Cost) => spreadOf(costs.map((cost) => cost[key]));
  const value = spread(what);
  const rows = [{ who: 'library', measured: value }];
  const { died, cpu } = { died: spread('died').median, cpu: spread('cpu').median };
  const notes = [
    `${died} connections ended in ${CROWD.seconds} s; each target then backed off and was connected anew: ${Math.round(cpu)} µs of CPU each`,
  ];
  return { value, rows, notes: what === 'lag' ? notes : [] };
}

const about = `${CROWD.targets.toLocaleString('en-US')} outbound targets held`;

export const targetsLag: Figure = {
  name: 'targetslag',
  about: `${about}, one dying per millisecond: the longest event-loop lag`,
  reading: 'ms',
  unit: 'ms',
  goal: { atMost: 20 },
  run: (lab) => measure(lab, 'lag'),
};

export const targetsMemory: Figure = {
  name: 'targetsmemory',
  about: `${about}: heap for each`,
  reading: 'kB each',
  unit: 'kB each',
  goal: { atMost: 3 },
  run: (lab) => measure(lab, 'kilobytes'),
};
