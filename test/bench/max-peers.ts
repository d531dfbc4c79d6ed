/** How many established peers one process holds, each of them answering pings. */
import { exactly, type Figure } from './figure.js';
import { descriptorLimit, residentKilobytes } from './machine.js';
import { startVerack } from './server.js';

const PEERS = 19_000;
const INFLIGHT = 128;
/** Descriptors that a process needs for itself. */
const SPARE = 200;

export const crowd: Figure = {
  name: 'crowd',
  about: 'established peers in one process, each answering a ping',
  reading: 'peers',
  unit: 'peers',
  goal: { atLeast: PEERS },
  async run(lab) {
    const peers = Math.min(PEERS, descriptorLimit() - SPARE);
    const server = await startVerack(lab.cores?.measured, peers);
    const { port } = server;
    const held = await lab.generator.hold({
      port,
      total: peers,
      inflight: INFLIGHT,
      keep: peers,
      seconds: 90,
    });
    const { pongs, p50, max } = await held.run.ping();
    const megabytes = Math.round(residentKilobytes(server.pid) / 1_024);
    await held.stop();
    await server.stop();
    const { failed, lost } = held.handshakes;
    const notes = [
      `opened at ${Math.round(held.handshakes.persecond)} a second; ${failed} failed, ${lost} were lost; the process has ${megabytes} MB`,
      `a ping to every one of them was answered after ${p50.toFixed(0)} ms in the median, ${max.toFixed(0)} ms at most`,
      ...(peers < PEERS ? [`the limit of descriptors here (ulimit -n) allows ${peers}`] : []),
    ];
    return { value: exactly(pongs), rows: [], notes };
  },
};
