/**
 * `npm run verdicts`: runs every boundary against a real bitcoind, as v1-only and as v2-capable node, and writes what it does
 * to `src/conformance/boundaries/verdicts.json`. Where both can be asked they have to agree. Stated verdicts are kept.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../src/index.js';
import { tcpNet } from '../../src/net/tcp.js';
import { NETWORKS } from '../../src/networks.js';
import { type Boundary, boundaries, digestOf } from '../../src/conformance/boundaries/boundaries.js';
import { observe } from '../../src/conformance/boundaries/observe.js';
import { textOf } from '../../src/conformance/boundaries/outcomes.js';
import { readVerdicts } from '../../src/conformance/boundaries/verdicts.js';
import { bitcoind, type RealNode, stopAll } from '../e2e/nodes/real-node.js';

const FILE = 'src/conformance/boundaries/verdicts.json';
const LANES = 8;

const isRun = ({ dialect }: Boundary): boolean => dialect !== 'd70017';
const isForV1 = ({ transport }: Boundary): boolean => transport === 'v1';
const isForV2 = ({ transport, state, command }: Boundary): boolean =>
  transport === 'v2' || state !== 'awaiting-version' || command === 'version';

/** Outcomes by id. */
async function observeAll(node: RealNode, all: readonly Boundary[]): Promise<Map<string, string>> {
  const subject = { net: tcpNet(), at: { host: node.host, port: node.port } };
  const environment = { subject, chain: NETWORKS.regtest, clock: systemClock };
  const outcomes = new Map<string, string>();
  const rest = [...all];
  const lane = async (): Promise<void> => {
    for (let it = rest.shift(); it; it = rest.shift()) {
      try {
        outcomes.set(it.id, textOf(await observe(it, environment)));
      } catch (error) {
        throw new Error(`${it.id}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return outcomes;
}

function agreed(it: Boundary, both: readonly ReadonlyMap<string, string>[]): string {
  const [one, other = one] = both.flatMap((outcomes) => outcomes.get(it.id) ?? []);
  if (one === undefined) throw new Error(`${it.id} was not run`);
  if (one !== other) throw new Error(`${it.id}: ${one} as v1-only node, ${other} as v2-capable node`);
  return `${digestOf(it)} ${one}`;
}

async function record(): Promise<void> {
  const all = boundaries().filter(isRun);
  const [old, usual] = await Promise.all([bitcoind({ args: ['-v2transport=0'] }), bitcoind()]);
  const both = [await observeAll(old, all.filter(isForV1)), await observeAll(usual, all.filter(isForV2))];
  const kept = readVerdicts(JSON.parse(readFileSync(FILE, 'utf8')), FILE);
  const run = Object.fromEntries(all.map((it) => [it.id, agreed(it, both)]));
  const written = { ...kept, program: usual.version, run };
  writeFileSync(FILE, `${JSON.stringify(written, null, 2)}\n`);
  process.stdout.write(`${all.length} verdicts from ${usual.version}\n`);
}

try {
  await record();
} finally {
  await stopAll();
}
