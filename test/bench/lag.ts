/** How late everything else in the process runs while a crowd of peers is renewed as fast as it goes. */
import { type Candidate, type Figure, interleave, rowsOf, type Sample, spreadOf } from './figure.js';
import type { Lab } from './lab.js';
import type { Lag } from './lag-tasks.js';
import { startScript } from './server.js';

const PEERS = 10_000;
const INFLIGHT = 64;
const ROUNDS = 3;
/** Renewed in each round. */
const SOME = 5_000;

/** A server with a crowd; each call renews a part of it and gives the 99th percentile, milliseconds. */
async function crowded(lab: Lab, name: 'listener' | 'raw-listener'): Promise<Candidate> {
  const { port, worker } = await startScript(lab.cores?.measured, name);
  const { run, handshakes } = await lab.generator.hold({
    port,
    total: PEERS,
    inflight: INFLIGHT,
    keep: PEERS,
  });
  if (handshakes.failed > 0) throw new Error(`${handshakes.failed} of ${PEERS} peers were not established`);
  return async (): Promise<Sample> => {
    await worker.ask('watchLag');
    await run.more(SOME);
    const { p99 } = await worker.ask<Lag>('lag');
    return { value: p99 };
  };
}

export const lag: Figure = {
  name: 'lag',
  about: `event-loop lag, 99th percentile, while ${PEERS.toLocaleString('en-US')} peers come and go, ${INFLIGHT} handshakes at a time`,
  reading: 'ms',
  unit: 'ms',
  goal: { atMost: 20 },
  async run(lab) {
    const candidates = {
      library: await crowded(lab, 'listener'),
      'raw Node': await crowded(lab, 'raw-listener'),
    };
    const samples = await interleave(Math.min(ROUNDS, lab.rounds), candidates);
    const own = samples.get('library') ?? [];
    return { value: spreadOf(own.map(({ value }) => value)), rows: rowsOf(samples, 'raw Node'), notes: [] };
  },
};
