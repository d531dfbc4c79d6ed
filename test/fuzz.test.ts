/**
 * Bad bytes: whatever a peer sends, nothing throws, nothing hangs, nothing grows, and the others are served.
 *
 * Inputs are recorded conversations, spoilt by a seeded mutator (nine in ten), and what fast-check makes up (the tenth). One
 * in {@link SHARE} goes through a whole session, the others through framer, codec and translation. What ever broke something
 * is kept in test/fuzz and replayed. `NIGHTLY=1`: a million inputs. `SEED=n`: another series.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { COMMANDS } from '../src/wire/index.js';
import { bytesOf, conversations, cut, framesOf, serialize } from './fuzz/frames.js';
import { type Input, inputOf } from './fuzz/mutate.js';
import { Siege } from './fuzz/node-under-fuzz.js';
import { eventsIn, judgeStream } from './fuzz/stream.js';
import { Chance } from './simulation/seeded-random.js';
import { nightly } from './support/nightly.js';

const SEED = Number(process.env.SEED ?? 1);
const INPUTS = nightly(1_000_000, 20_000);
const MADE_UP = INPUTS / 10;
/** One input in so many goes through a session, and one of those in so many is watched until the handshake's deadline. */
const SHARE = 20;
const PATIENT = 5;
/** Random ways to cut each conversation: 10,000 for all of them together, at night for each. */
const PARTITIONS = Math.ceil(10_000 / nightly(1, conversations.length));
const HOUR = 3_600_000;

const figures: string[] = [];
function figure(what: string, count: number, started: number): void {
  const seconds = (performance.now() - started) / 1_000;
  figures.push(`${count} ${what} in ${seconds.toFixed(1)} s (${Math.round(count / seconds)}/s)`);
}
afterAll(() => void process.stdout.write(`fuzz: ${figures.join(', ')}\n`));

/** Empty, or what went wrong and the input, as test/fuzz would keep it. */
async function complaintOf({ role, pieces }: Input, judge: () => unknown): Promise<string> {
  try {
    await judge();
    return '';
  } catch (error) {
    const hex = pieces.map((piece) => Buffer.from(piece).toString('hex'));
    const kept = JSON.stringify({ why: String(error), role, pieces: hex });
    return `${(error as Error).stack ?? ''}\nkeep it as test/fuzz/<what it broke>.json: ${kept}`;
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

describe('spoilt conversations', () => {
  const numbers = Array.from({ length: INPUTS - MADE_UP }, (_, number) => number);
  const toSession = (number: number) => number % SHARE === 0;

  test(
    'do no harm to framer and codec',
    async () => {
      const started = performance.now();
      const chosen = numbers.filter((number) => !toSession(number));
      let frames = 0;
      for (const number of chosen) {
        const input = inputOf(SEED, number);
        const complaint = await complaintOf(input, () => (frames += judgeStream(input.pieces)));
        if (complaint !== '') expect(complaint).toBe('');
      }
      figure('spoilt streams', chosen.length, started);
      expect(frames / chosen.length).toBeGreaterThan(3);
    },
    HOUR,
  );

  /** Without these ends the bytes were not bad enough. */
  const ENDS = [
    'ERR_FRAME_MAGIC',
    'ERR_FRAME_OVERSIZE',
    'ERR_LINK_EOF',
    'ERR_POLICY_VERSION',
    'ERR_PROTO_LATE_FEATURE',
    'ERR_PROTO_NEGOTIATION',
    'ERR_PROTO_NOT_OFFERED',
    'ERR_TIME_HANDSHAKE',
  ];

  test(
    'do no harm to a node, nor to the healthy peer beside them',
    async () => {
      const started = performance.now();
      const chosen = numbers.filter(toSession);
      const siege = await new Siege().begin();
      let before = 0;
      for (const number of chosen) {
        if (number === chosen[chosen.length >> 1]) before = heap();
        const input = inputOf(SEED, number);
        const waits = number % (SHARE * PATIENT) === 0;
        expect(await complaintOf(input, () => siege.attack(input, waits))).toBe('');
      }
      expect(heap() - before).toBeLessThan(16_000_000);
      await siege.end();
      figure('spoilt sessions', chosen.length, started);
      expect([...siege.ends.keys()]).toEqual(expect.arrayContaining(ENDS));
    },
    HOUR,
  );
});

describe('made-up bytes', () => {
  const recorded = conversations.flatMap(framesOf).map(({ payload }) => payload);
  const header = fc.option(fc.nat(0xffffffff), { nil: undefined, freq: 9 });
  const frame = fc
    .record({
      command: fc.oneof(fc.constantFrom(...COMMANDS), fc.string({ maxLength: 12, unit: 'binary-ascii' })),
      payload: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...recorded)),
      length: header,
      checksum: header,
    })
    .map(({ command, payload, length, checksum }) =>
      serialize({
        command,
        payload,
        ...(length !== undefined && { length }),
        ...(checksum !== undefined && { checksum }),
      }),
    );
  const pieces = fc.oneof(
    { weight: 9, arbitrary: fc.array(frame, { maxLength: 8 }) },
    { weight: 1, arbitrary: fc.array(fc.uint8Array(), { maxLength: 8 }) },
  );

  test(
    'do no harm to framer and codec',
    () => {
      const started = performance.now();
      const numRuns = MADE_UP - MADE_UP / SHARE;
      fc.assert(
        fc.property(pieces, (input) => void judgeStream(input)),
        { numRuns, seed: SEED },
      );
      figure('made-up streams', numRuns, started);
    },
    HOUR,
  );

  test(
    'do no harm to a node, nor to the healthy peer beside them',
    async () => {
      const started = performance.now();
      const siege = await new Siege().begin();
      const role = fc.constantFrom('dialled' as const, 'accepted' as const);
      const property = fc.asyncProperty(fc.record({ role, pieces }), (input) => siege.attack(input, true));
      await fc.assert(property, { numRuns: MADE_UP / SHARE, seed: SEED });
      await siege.end();
      figure('made-up sessions', MADE_UP / SHARE, started);
    },
    HOUR,
  );
});

describe('inputs that were kept', () => {
  const files = readdirSync('test/fuzz').filter((file) => file.endsWith('.json'));

  test.each(files)('%s does no harm', async (file) => {
    const { role, pieces } = JSON.parse(readFileSync(join('test/fuzz', file), 'utf8')) as {
      role: Input['role'];
      pieces: string[];
    };
    const input = { role, pieces: pieces.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))) };
    judgeStream(input.pieces);
    const siege = await new Siege().begin();
    for (let n = 0; n < 5; n += 1) await siege.attack(input, true);
    await siege.end();
  });

  test('there are some', () => {
    expect(files.length).toBeGreaterThan(5);
  });
});

describe.each(conversations)('$name', (conversation) => {
  const bytes = bytesOf(conversation);
  const whole = eventsIn([bytes]).join('\n');

  test(`tells the same story in any of ${PARTITIONS} random cuts`, () => {
    const started = performance.now();
    const chance = new Chance(SEED);
    for (let n = 0; n < PARTITIONS; n += 1) {
      const share = chance.pick([0.005, 0.02, 0.1, 0.5, 1]);
      const offsets = [...bytes.keys()].filter((at) => at > 0 && chance.often(share));
      const story = eventsIn(cut(bytes, offsets)).join('\n');
      if (story !== whole) expect({ offsets, story }).toEqual({ offsets, story: whole });
    }
    figure(`cuts of ${bytes.length} bytes`, PARTITIONS, started);
    expect(whole.split('\n').length).toBeGreaterThan(5);
  });
});
