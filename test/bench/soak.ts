/** A hundred thousand peers connect, complete the handshake and close: does memory return to its level? */
import { setTimeout as wait } from 'node:timers/promises';
import { type Census, slopeOf } from './process-state.js';
import { exactly, type Figure, type Result, spreadOf } from './figure.js';
import type { Lab } from './lab.js';
import { startScript } from './server.js';

const CYCLES = 100_000;
const BATCH = 4_000;
const INFLIGHT = 32;
/**
 * Batches that do not count: code is compiled, and the node fills what it keeps of the past, which is bounded (the last
 * outcome of 10,000 addresses, the last 1,000 peers).
 */
const WARM_UP = 5;
/** Until ended sockets are gone on both sides, milliseconds; a peer that is closed in order may linger for 2 s. */
const SETTLE = 2_500;

/** What is not as it was; nothing when all is well. */
function differences(before: Census, after: Census): string[] {
  const kinds = [...new Set([...Object.keys(before.resources), ...Object.keys(after.resources)])].sort();
  const counts = ({ peers, slots, resources }: Census): Record<string, number> => ({
    ...{ peers, slots },
    ...Object.fromEntries(kinds.map((kind) => [kind, resources[kind] ?? 0])),
  });
  const [was, is] = [counts(before), counts(after)];
  return Object.keys(was).flatMap((what) =>
    was[what] === is[what] ? [] : [`${what}: ${was[what] ?? 0} before, ${is[what] ?? 0} after`],
  );
}

async function cycles(lab: Lab, total: number): Promise<Result> {
  const { port, worker, stop } = await startScript(lab.cores?.measured, 'listener');
  const before = await worker.ask<Census>('census');
  const points: { readonly done: number; readonly census: Census }[] = [];
  let [done, failed] = [0, 0];
  while (done + failed < total) {
    const handshakes = await lab.generator.handshakes({ port, total: BATCH, inflight: INFLIGHT });
    done += handshakes.done;
    failed += handshakes.failed;
    points.push({ done, census: await worker.ask<Census>('census') });
  }
  await wait(SETTLE);
  const after = await worker.ask<Census>('census');
  await stop();
  return resultOf(points, { done, failed, before, after });
}

interface Outcome {
  readonly done: number;
  readonly failed: number;
  readonly before: Census;
  readonly after: Census;
}

function resultOf(
  points: readonly { readonly done: number; readonly census: Census }[],
  { done, failed, before, after }: Outcome,
): Result {
  const counted = points.slice(WARM_UP);
  const slope = (what: 'rss' | 'heap'): number =>
    slopeOf(counted.map((point) => [point.done, point.census[what]]));
  const megabytes = (what: 'rss' | 'heap') => spreadOf(counted.map(({ census }) => census[what] / 2 ** 20));
  const changed = differences(before, after);
  return {
    value: exactly(slope('heap')),
    rows: [
      { who: 'heap', measured: megabytes('heap') },
      { who: 'RSS', measured: megabytes('rss') },
    ],
    notes: [
      `${done} cycles, ${failed} failed; RSS grows by ${slope('rss').toFixed(1)} bytes a cycle, by regression over ${counted.length} samples behind the first ${WARM_UP * BATCH} cycles`,
      changed.length === 0
        ? `peers, slots, sockets and timers are what they were: ${JSON.stringify(after.resources)}`
        : `CHANGED ${changed.join('; ')}`,
    ],
  };
}

export const soak: Figure = {
  name: 'soak',
  about: `${CYCLES.toLocaleString('en-US')} peers connect, complete the handshake and close: growth of the heap after garbage collection`,
  reading: 'bytes a cycle',
  unit: 'MB',
  goal: { atMost: 10 },
  long: true,
  run: (lab) => cycles(lab, CYCLES),
};
