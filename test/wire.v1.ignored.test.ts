/** Payloads that are not needed: hashed as they arrive, never buffered, with the same verdicts as all others. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NETWORKS } from '../src/networks.js';
import {
  createV1Framer,
  encodeFrame,
  type FrameEvent,
  HEADER_SIZE,
  type SkippedFrame,
} from '../src/wire/index.js';

const { magic } = NETWORKS.regtest;
const isIgnored = (command: string): boolean => command.startsWith('x');
const noNetwork = () => undefined;
const ignoring = () => createV1Framer(magic, noNetwork, { isIgnored });

/** What is expected with the option, from what is there without it. */
const skipped = (event: FrameEvent): FrameEvent | SkippedFrame =>
  event.kind === 'frame' && isIgnored(event.command)
    ? { kind: 'skipped', command: event.command, size: event.size }
    : event;

/** As text: comparing payloads byte by byte would take long. */
const shown = (events: readonly (FrameEvent | SkippedFrame)[]): string[] =>
  events.map((event) =>
    JSON.stringify(event, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  );

function run(
  framer: { feed(chunk: Uint8Array): readonly (FrameEvent | SkippedFrame)[] },
  stream: Uint8Array,
  sizes: readonly number[],
): string[] {
  const events: string[] = [];
  for (let at = 0, piece = 0; at < stream.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? stream.length;
    events.push(...shown(framer.feed(stream.subarray(at, at + size))));
    at += size;
  }
  return events;
}

const command = fc.constantFrom('ping', 'xwhatever', 'x', 'tx', '\u0001bad');
const frame = fc.record({
  command,
  payload: fc.uint8Array({ maxLength: 400 }),
  /** A byte that is changed, if there is one: mostly the checksum, the command or the payload. */
  damage: fc.option(fc.integer({ min: 4, max: 200 }), { freq: 3 }),
});

function bytesOf({ command, payload, damage }: typeof frame extends fc.Arbitrary<infer F> ? F : never) {
  const bytes = encodeFrame(magic, command, payload);
  const isLength = damage !== null && damage >= 16 && damage < 20;
  if (damage !== null && !isLength && damage < bytes.length) bytes[damage] = bytes[damage]! ^ 0x55;
  return bytes;
}

describe('ignored payloads', () => {
  test('get the same events as all others, for every split', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), sizes, (frames, pieces) => {
        const stream = new Uint8Array(Buffer.concat(frames.map(bytesOf)));
        const events = createV1Framer(magic).feed(stream).map(skipped);
        expect(run(ignoring(), stream, pieces)).toEqual(shown(events));
      }),
      { numRuns: 300 },
    );
  });

  test('of 4 MB are not held while they come', () => {
    const target = ignoring();
    const stream = encodeFrame(magic, 'xlarge', new Uint8Array(4_000_000).fill(7));
    for (let at = 0; at < stream.length; at += 65_536) {
      const events = target.feed(stream.subarray(at, at + 65_536));
      expect(target.buffered).toBeLessThanOrEqual(HEADER_SIZE);
      if (at + 65_536 >= stream.length)
        expect(events).toEqual([{ kind: 'skipped', command: 'xlarge', size: stream.length }]);
    }
    expect(target.buffered).toBe(0);
  });

  test('include those under an invalid command', () => {
    const target = ignoring();
    const stream = encodeFrame(magic, '\u0001bad', new Uint8Array(1_000));
    target.feed(stream.subarray(0, 900));
    expect(target.buffered).toBe(HEADER_SIZE);
    expect(target.feed(stream.subarray(900))).toMatchObject([{ code: 'ERR_FRAME_COMMAND', size: 1_024 }]);
  });

  test('are queried once per frame, when its header is there', () => {
    const asked: string[] = [];
    const note = (command: string): boolean => asked.push(command) > 0;
    const target = createV1Framer(magic, noNetwork, { isIgnored: note });
    const stream = encodeFrame(magic, 'xyz', new Uint8Array(100));
    for (const byte of stream.subarray(0, 23)) target.feed(Uint8Array.of(byte));
    expect(asked).toEqual([]);
    for (const byte of stream.subarray(23)) target.feed(Uint8Array.of(byte));
    expect(asked).toEqual(['xyz']);
  });
});

test('other payloads are kept as before', () => {
  const target = ignoring();
  target.feed(encodeFrame(magic, 'tx', new Uint8Array(1_000)).subarray(0, 900));
  expect(target.buffered).toBeGreaterThan(800);
});
