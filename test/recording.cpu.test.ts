/** A late timer in a recording: the CPU that was used is recorded, and decides in a replay as it did in the run. */
import { expect, test } from '@jest/globals';
import { createNode, VirtualClock } from '../src/index.js';
import { memoryNet } from '../src/net/index.js';
import { play, recordedNode } from '../src/recording/record-and-replay.js';

/** A recorded node with one peer, whose process is late by 17 s in which it used so much CPU; the lines of its recording. */
async function recordingOf(used: number): Promise<string[]> {
  const clock = new VirtualClock();
  const net = memoryNet({ timers: clock, latency: 1 });
  let cpu = 0;
  const timed = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    cpu: () => cpu,
  };
  const lines = ['{"format":"verack-recording","version":1,"verack":"0"}'];
  const file = { isOpen: true, take: (more: readonly string[]) => void lines.push(...more) };
  const node = recordedNode(file, { chain: 'regtest', clock: timed, net: net.at('10.0.0.1') }, []);
  await node.listen({ host: '10.0.0.1', port: 18_444 });
  const other = createNode({ chain: 'regtest', clock, net: net.at('10.0.0.2') });
  other.dial({ host: '10.0.0.1', port: 18_444 });
  clock.advance(3_000);
  cpu += used;
  clock.jump(17_000);
  clock.advance(2_000);
  void node.stop();
  clock.advance(20_000);
  return [...lines, '{"in":"end","why":"stopped"}'];
}

async function* fileOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

const jumpsIn = (lines: readonly string[]): number =>
  lines.filter((line) => line.includes('"event":"jump"') || line.includes('"jump"')).length;

test.each([
  ['busy: no jump', 15_000, 0],
  ['suspended: a jump', 60, 1],
])('%s, in the run and in the replay', async (_, used, jumps) => {
  const lines = await recordingOf(used);
  expect(lines.some((line) => line.includes('"out":"cpu"'))).toBe(true);
  expect(jumpsIn(lines) > 0).toBe(jumps > 0);
  expect(await play(fileOf(lines))).toMatchObject({ differing: 0, sessions: 1 });
});

test('other figures of the CPU make another run', async () => {
  const lines = await recordingOf(15_000);
  const idle = lines.map((line) => line.replace(/("out":"cpu","ms":)\d+/, '$10'));
  expect((await play(fileOf(idle))).differing).toBeGreaterThan(0);
});
