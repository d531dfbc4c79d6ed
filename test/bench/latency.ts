/** How long one handshake takes when there is no other: from `connect` to the pong behind it. */
import { type Candidate, type Figure, interleave, ratioOf, rowsOf } from './figure.js';
import type { Lab } from './lab.js';
import { type Server, startScript, startVerack } from './server.js';

const WARM_UP = 3_000;
const HANDSHAKES = 500;

/** The median of handshakes one after the other, milliseconds. */
async function single(lab: Lab, { port }: Server, total: number): Promise<number> {
  const { p50, failed } = await lab.generator.handshakes({ port, total, inflight: 1 });
  if (failed > 0) throw new Error(`${failed} of ${total} handshakes failed`);
  return p50;
}

export const latency: Figure = {
  name: 'latency',
  about: 'one handshake at a time, connect to pong',
  reading: 'times raw Node',
  unit: 'ms',
  goal: { atMost: 2 },
  async run(lab) {
    const core = lab.cores?.measured;
    const servers: Record<string, Server> = {
      verack: await startVerack(core, 100),
      'raw Node': await startScript(core, 'raw-listener'),
    };
    for (const server of Object.values(servers)) await single(lab, server, WARM_UP);
    const candidates: Record<string, Candidate> = Object.fromEntries(
      Object.entries(servers).map(([who, server]) => [
        who,
        async () => ({ value: await single(lab, server, HANDSHAKES) }),
      ]),
    );
    const rows = rowsOf(await interleave(lab.rounds, candidates), 'raw Node');
    return { value: ratioOf(rows, 'verack'), rows, notes: [] };
  },
};
