/** Handshakes a second that a listener gets done: on one core, while the generator dials from another. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Candidate,
  type Figure,
  type Goal,
  interleave,
  ratioOf,
  type Result,
  rowsOf,
  type Sample,
} from './figure.js';
import type { Lab } from './lab.js';
import { cpuSeconds } from './machine.js';
import { profileLines } from './profile.js';
import { NEIGHBOURS, type Server, startNeighbour, startScript, startVerack } from './server.js';

/** First slice of all. */
const FIRST = 4_000;
/** Before anything counts, seconds for each candidate: a server runs for days, and the engine compiles for seconds. */
const WARM_UP = 5;
/** How long one measurement should take, seconds: long for the generator, short for the weather. */
const SLICE = 0.6;
const FEWEST = 300;
const MOST = 40_000;
const PROFILED_SLICES = 6;
/** Between two measurements, milliseconds: the loser of a round closes what is left of it. */
const PAUSE = 30;

/** Runs handshakes against a server in slices of about the same time. */
export class Load {
  #total = FIRST;
  failed = 0;

  constructor(
    private readonly lab: Lab,
    private readonly server: Server,
    private readonly inflight: number,
  ) {}

  async warmUp(): Promise<void> {
    const end = performance.now() + WARM_UP * 1_000;
    while (performance.now() < end) await this.slice();
  }

  /** Handshakes a second of one slice, and CPU microseconds of each. */
  async slice(): Promise<Sample> {
    await wait(PAUSE);
    const before = cpuSeconds(this.server.pid);
    const { port } = this.server;
    const handshakes = await this.lab.generator.handshakes({
      port,
      total: this.#total,
      inflight: this.inflight,
    });
    const after = cpuSeconds(this.server.pid);
    this.failed += handshakes.failed;
    this.#total = Math.round(Math.min(MOST, Math.max(FEWEST, handshakes.persecond * SLICE)));
    const value = handshakes.persecond;
    if (before === undefined || after === undefined) return { value };
    return { value, cpu: ((after - before) * 1e6) / Math.max(1, handshakes.done) };
  }
}

/** Who is measured, by name, and what the reader must know of who is not. */
async function candidates(lab: Lab): Promise<{ servers: Map<string, Server>; notes: string[] }> {
  const core = lab.cores?.measured;
  const servers = new Map<string, Server>([
    ['verack', await startVerack(core, 2_000)],
    ['library', await startScript(core, 'listener')],
    ['raw Node', await startScript(core, 'raw-listener')],
  ]);
  const notes: string[] = [];
  for (const name of NEIGHBOURS) {
    const server = await startNeighbour(core, name);
    if (typeof server === 'string') notes.push(server);
    else servers.set(name, server);
  }
  return { servers, notes };
}

async function measure(lab: Lab, inflight: number): Promise<Result> {
  const profile = lab.profile ? await profiled(lab, inflight) : [];
  const { servers, notes } = await candidates(lab);
  const loads = [...servers].map(([who, server]) => [who, new Load(lab, server, inflight)] as const);
  for (const [, load] of loads) await load.warmUp();
  const slices: Record<string, Candidate> = Object.fromEntries(
    loads.map(([who, load]) => [who, () => load.slice()]),
  );
  const rows = rowsOf(await interleave(lab.rounds, slices), 'raw Node');
  await Promise.all([...servers.values()].map((server) => server.stop()));
  for (const [who, { failed }] of loads) if (failed > 0) notes.push(`${who}: ${failed} handshakes failed`);
  return { value: ratioOf(rows, 'verack'), rows, notes: [...notes, ...profile] };
}

/** The program once more, by itself and slower, with Node's own profiler. */
async function profiled(lab: Lab, inflight: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'verack-profile-'));
  const server = await startVerack(lab.cores?.measured, 2_000, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const load = new Load(lab, server, inflight);
  for (let slice = 0; slice < PROFILED_SLICES; slice++) await load.slice();
  await server.interrupt();
  return profileLines(folder);
}

const inboundFigure = (name: string, inflight: number, goal: Goal): Figure => ({
  name,
  about: `inbound handshakes, ${inflight} at a time, v2 detection on`,
  reading: 'of raw Node',
  unit: 'handshakes/s',
  goal,
  run: (lab) => measure(lab, inflight),
});

export const inbound = inboundFigure('inbound', 16, { atLeast: 0.46, aim: 0.5 });
export const inbound512 = inboundFigure('inbound512', 512, { atLeast: 0.48 });
