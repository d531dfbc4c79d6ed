/** Whole v2 handshakes: TCP, key exchange, version, verack and pong; the CPU time of both sides counted apart. */
import { type Figure, type Result, type Row, type Sample, spreadOf } from './figure.js';
import type { Dialled, Dials } from './dialler.js';
import type { Lab } from './lab.js';
import { cpuSeconds } from './machine.js';
import { startScript } from './server.js';
import { Worker } from './worker.js';

/** Under way at a time, each to an address of its own: two dials to one address are a duplicate. */
const INFLIGHT = 32;
const WARM_UP = 3;
const HANDSHAKES = 600;
const MICROSECONDS = 1e6;

/** Both sides in one slice: CPU microseconds of each handshake. */
interface Pair {
  readonly persecond: number;
  readonly listener: number;
  readonly dialler: number;
}

/** A listener on one core, a dialler on the other. */
async function pair(lab: Lab): Promise<() => Promise<Pair>> {
  const server = await startScript(lab.cores?.measured, 'listener', { addresses: INFLIGHT });
  const dialler = new Worker(lab.cores?.measuring, 'dialler');
  const dials: Dials = { port: server.port, addresses: INFLIGHT, total: HANDSHAKES, v2: true };
  const spent = (): number[] => [server.pid, dialler.pid].map((pid) => cpuSeconds(pid) ?? NaN);
  return async () => {
    const before = spent();
    const { done, seconds } = await dialler.ask<Dialled>('dialAll', dials);
    if (done !== HANDSHAKES) throw new Error(`${done} of ${HANDSHAKES} handshakes came to a pong`);
    const [listened = NaN, dialled = NaN] = spent().map(
      (after, i) => ((after - (before[i] ?? NaN)) * MICROSECONDS) / done,
    );
    return { persecond: done / seconds, listener: listened, dialler: dialled };
  };
}

/** What one core has time for. */
function rowOf(who: string, costs: readonly number[]): Row {
  return { who, measured: spreadOf(costs.map((cost) => MICROSECONDS / cost)), cpu: spreadOf(costs) };
}

async function measure(lab: Lab): Promise<Result> {
  const slice = await pair(lab);
  for (let i = 0; i < WARM_UP; i++) await slice();
  const pairs: Pair[] = [];
  for (let round = 0; round < lab.rounds; round++) pairs.push(await slice());
  const rows = [
    rowOf(
      'listener',
      pairs.map(({ listener }) => listener),
    ),
    rowOf(
      'dialler',
      pairs.map(({ dialler }) => dialler),
    ),
  ];
  const rates: readonly Sample[] = pairs.map(({ persecond: value }) => ({ value }));
  const { median } = spreadOf(rates.map(({ value }) => value));
  const notes = [`both together, a core each: ${Math.round(median)} a second, ${INFLIGHT} at a time`];
  return { value: rows[0]!.measured, rows, notes };
}

export const v2Handshake: Figure = {
  name: 'v2handshake',
  about: 'v2 handshakes in full: TCP, key exchange, version, verack, pong; what one core has time for',
  reading: 'a second on one core for the listener',
  unit: 'a second and core',
  goal: { atLeast: 1_200 },
  run: measure,
};
