/** Handshakes a second that a dialler gets done in one process, on one core, while the generator answers on another. */
import { claimPorts } from '../e2e/nodes/ports.js';
import type { Dialled, Dials } from './dialler.js';
import { type Candidate, type Figure, interleave, ratioOf, rowsOf, type Sample } from './figure.js';
import { cpuSeconds } from './machine.js';
import { Worker } from './worker.js';

/** Under way at a time, each to an address of its own: two dials to one address are a duplicate. */
const INFLIGHT = 64;
/** First slice of all. */
const FIRST = 4_000;
/** Before anything counts, seconds for each: the engine compiles for seconds. */
const WARM_UP = 5;
const SLICE = 0.6;
const FEWEST = 200;
const MOST = 30_000;

/** Slices of about the same time. */
class Dialler {
  #total = FIRST;
  failed = 0;
  readonly #worker: Worker;

  constructor(
    core: number | undefined,
    script: 'dialler' | 'raw-dialler',
    private readonly port: number,
  ) {
    this.#worker = new Worker(core, script);
  }

  async warmUp(): Promise<void> {
    const end = performance.now() + WARM_UP * 1_000;
    while (performance.now() < end) await this.slice();
  }

  async slice(): Promise<Sample> {
    const { pid } = this.#worker;
    const before = cpuSeconds(pid);
    const dials: Dials = { port: this.port, addresses: INFLIGHT, total: this.#total };
    const { done, seconds } = await this.#worker.ask<Dialled>('dialAll', dials);
    const after = cpuSeconds(pid);
    this.failed += this.#total - done;
    this.#total = Math.round(Math.min(MOST, Math.max(FEWEST, (SLICE * done) / seconds)));
    const value = done / seconds;
    if (before === undefined || after === undefined) return { value };
    return { value, cpu: ((after - before) * 1e6) / Math.max(1, done) };
  }
}

export const outbound: Figure = {
  name: 'outbound',
  about: `outbound handshakes, ${INFLIGHT} at a time, to the generator as responder`,
  reading: 'of raw Node',
  unit: 'handshakes/s',
  goal: { atLeast: 0.45 },
  async run({ cores, generator, rounds }) {
    const ports = await claimPorts();
    await generator.respond(ports.p2p, INFLIGHT);
    const library = new Dialler(cores?.measured, 'dialler', ports.p2p);
    const raw = new Dialler(cores?.measured, 'raw-dialler', ports.p2p);
    const candidates: Record<string, Candidate> = {
      library: () => library.slice(),
      'raw Node': () => raw.slice(),
    };
    for (const dialler of [library, raw]) await dialler.warmUp();
    const rows = rowsOf(await interleave(rounds, candidates), 'raw Node');
    ports.release();
    const notes = Object.entries({ library, 'raw Node': raw })
      .filter(([, { failed }]) => failed > 0)
      .map(([who, { failed }]) => `${who}: ${failed} handshakes failed`);
    return { value: ratioOf(rows, 'library'), rows, notes };
  },
};
