/** What an established peer that is silent costs in memory: how much the process grew, as the system sees it. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Candidate, type Figure, interleave, rowsOf, type Sample, spreadOf } from './figure.js';
import type { Lab } from './lab.js';
import { residentKilobytes } from './machine.js';
import { type Server, startScript, startVerack } from './server.js';

const PEERS = 5_000;
const INFLIGHT = 64;
/** Each round opens everything anew. */
const ROUNDS = 3;
/** The garbage of the handshakes is still there at first, milliseconds. */
const SETTLE = 1_500;

/** Kilobytes a peer, from a server that has not seen a connection yet to one with all peers established. */
async function growth(lab: Lab, start: () => Promise<Server>): Promise<Sample> {
  const server = await start();
  const before = residentKilobytes(server.pid);
  const { port } = server;
  const held = await lab.generator.hold({ port, total: PEERS, inflight: INFLIGHT, keep: PEERS });
  await wait(SETTLE);
  const { pongs } = await held.run.ping();
  const value = (residentKilobytes(server.pid) - before) / PEERS;
  await held.stop();
  await server.stop();
  if (pongs !== PEERS) throw new Error(`only ${pongs} of ${PEERS} peers answered a ping`);
  return { value };
}

export const memory: Figure = {
  name: 'memory',
  about: `memory of an established peer, ${PEERS.toLocaleString('en-US')} at a time (RSS growth / peers)`,
  reading: 'kB each',
  unit: 'kB each',
  goal: { atMost: 13 },
  async run(lab) {
    const core = lab.cores?.measured;
    const candidates: Record<string, Candidate> = {
      verack: () => growth(lab, () => startVerack(core, PEERS)),
      'raw Node': () => growth(lab, () => startScript(core, 'raw-listener')),
    };
    const samples = await interleave(Math.min(ROUNDS, lab.rounds), candidates);
    const own = samples.get('verack') ?? [];
    const rows = rowsOf(samples, 'raw Node');
    return { value: spreadOf(own.map(({ value }) => value)), rows, notes: [] };
  },
};
