/** What is received after the key: what ends a connection, what is skipped, and that no split changes either. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NETWORKS } from '../src/networks.js';
import {
  MAX_CONTENTS,
  MAX_GARBAGE,
  type V2Event,
  type PacketDecoder,
  type PacketEncoder,
} from '../src/wire/bip324/transport.js';
import { REKEY } from '../src/wire/bip324/fschacha20.js';
import { createV2Key, deriveV2Keys, type DirectionKeys } from '../src/wire/bip324/keys.js';
import { GROWTH_STEP } from '../src/wire/byte-buffer.js';
import { createPacketDecoder } from '../src/wire/bip324/packet-decoder.js';
import { createPacketEncoder } from '../src/wire/bip324/packet-encoder.js';
import { seededRandom } from './support/memory-nodes.js';
import { toHex } from './support/hex.js';

const { magic } = NETWORKS.regtest;
const NOTHING = new Uint8Array(0);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const flipped = (bytes: Uint8Array, at: number, bit = 1) => {
  const copy = bytes.slice();
  copy[at]! ^= bit;
  return copy;
};
const bytewise = (stream: Uint8Array): Uint8Array[] => Array.from(stream, (byte) => Uint8Array.of(byte));

/** The bytes, cut at the given offsets, which may be in any order. */
function cut(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...[...places].sort((a, b) => a - b), stream.length];
  return at.slice(1).map((end, i) => stream.subarray(at[i], end));
}

/** Events as text: comparing payloads byte by byte with toEqual would take seconds. */
const eventsText = (events: readonly V2Event[]) =>
  JSON.stringify(events, (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value));

const keysOf = (seed: number): DirectionKeys => deriveV2Keys(seededRandom(seed)(32), true, magic).send;
const keys = keysOf(1);

function feedAll(
  chunks: readonly Uint8Array[],
  target: PacketDecoder = createPacketDecoder(keys),
): V2Event[] {
  return chunks.flatMap((chunk) => [...target.feed(chunk)]);
}

/** A stream up to the version packet, and the sender that continues it. */
function begun(garbage: Uint8Array = NOTHING, direction = keys) {
  const sender = createPacketEncoder(direction, garbage);
  return { sender, start: join(garbage, direction.terminator, sender.version()) };
}

/** A receiver that has read the version packet, and the sender that continues the stream. */
function established() {
  const { sender, start } = begun();
  const receiver = createPacketDecoder(keys);
  receiver.feed(start);
  return { sender, receiver };
}

describe('garbage', () => {
  test.each([0, 1, 15, 16, 17, 4094, 4095])('%i bytes are accepted', (size) => {
    const { start } = begun(seededRandom(size)(size));
    for (const chunks of [[start], bytewise(start)]) {
      expect(feedAll(chunks)).toMatchObject([
        { kind: 'garbage', size },
        { kind: 'version', size: 20 },
      ]);
    }
  });
  test('is held until a packet has authenticated it', () => {
    const receiver = createPacketDecoder(keys);
    const garbage = seededRandom(2)(300);
    expect(receiver.feed(join(garbage, keys.terminator))).toEqual([{ kind: 'garbage', size: 300 }]);
    expect(receiver.buffered).toBe(300);
    receiver.feed(begun(garbage).start.subarray(300 + keys.terminator.length));
    expect(receiver.buffered).toBe(0);
  });
  test('4,096 bytes are not, which is detected at byte 4,111', () => {
    const receiver = createPacketDecoder(keys);
    const garbage = seededRandom(1)(MAX_GARBAGE + 1);
    expect(receiver.feed(join(garbage, keys.terminator.subarray(0, 14)))).toEqual([]);
    const broken = [{ kind: 'broken', code: 'ERR_V2_GARBAGE', facts: { limit: 4111 } }];
    expect(receiver.feed(keys.terminator.subarray(14))).toEqual(broken);
    expect(receiver.feed(new Uint8Array(100))).toEqual([]);
    expect(receiver.buffered).toBe(0);
    expect(feedAll([join(garbage, keys.terminator)])).toEqual(broken);
  });
  test('that differs from the terminator in one byte is not the end', () => {
    const { terminator } = keys;
    for (const garbage of [
      terminator.subarray(0, 15),
      join(terminator.subarray(0, 15), terminator.subarray(0, 8)),
      flipped(terminator, 0),
      flipped(terminator, 15),
      new Uint8Array(4095).fill(terminator[15]!),
    ]) {
      expect(feedAll([begun(garbage).start])).toMatchObject([
        { kind: 'garbage', size: garbage.length },
        { kind: 'version' },
      ]);
    }
  });
  test("the other direction's terminator, or another network's, is none", () => {
    const secret = seededRandom(1)(32);
    const others = [
      deriveV2Keys(secret, false, magic).send,
      deriveV2Keys(secret, true, NETWORKS.main.magic).send,
    ];
    for (const { terminator } of others) {
      expect(feedAll([terminator, new Uint8Array(4095)])).toMatchObject([{ code: 'ERR_V2_GARBAGE' }]);
    }
  });
  test('is authenticated by the first packet, decoy or not', () => {
    const garbage = seededRandom(2)(100);
    for (const first of ['version', 'decoy'] as const) {
      for (const at of [0, 50, 99]) {
        const sender = createPacketEncoder(keys, garbage);
        const packet = first === 'version' ? sender.version() : sender.decoy(7);
        const rest = sender.version();
        expect(feedAll([garbage, sender.terminator, packet, rest])).toMatchObject([
          { kind: 'garbage' },
          { kind: first },
          {},
        ]);
        expect(feedAll([flipped(garbage, at), sender.terminator, packet, rest])).toEqual([
          { kind: 'garbage', size: 100 },
          { kind: 'broken', code: 'ERR_V2_AUTH', facts: { packet: 0 } },
        ]);
      }
    }
  });
  test('that is not authenticated is detected', () => {
    const { sender, start } = begun(seededRandom(2)(10));
    expect(feedAll([start.subarray(1), sender.version()])).toMatchObject([
      { kind: 'garbage', size: 9 },
      { kind: 'broken', code: 'ERR_V2_AUTH' },
    ]);
    const silent = createPacketEncoder(keys, NOTHING);
    expect(feedAll([Uint8Array.of(1), silent.terminator, silent.version()])).toMatchObject([
      { kind: 'garbage', size: 1 },
      { code: 'ERR_V2_AUTH' },
    ]);
  });
});

describe('packets', () => {
  const garbage = seededRandom(3)(20);
  const stream = join(garbage, keys.terminator, packetsOfAllKinds());

  /** Decoys before the version packet, a version packet with contents, then everything that an application may send. */
  function packetsOfAllKinds(): Uint8Array {
    const own = createPacketEncoder(keys, garbage);
    return join(
      own.decoy(0),
      own.decoy(33),
      own.version(Uint8Array.of(1, 2, 3)),
      own.message('version', new Uint8Array(86).fill(5)),
      own.message('ping', new Uint8Array(8).fill(6)),
      own.decoy(3),
      own.packet(NOTHING),
      own.packet(Uint8Array.of(200, 1)),
      own.packet(Uint8Array.of(0, 1, 2)),
      own.packet(Uint8Array.of(19), 0x7f),
      own.packet(Uint8Array.of(19), 0xff),
      own.message('verack', NOTHING),
    );
  }

  const expected = [
    { kind: 'garbage', size: 20 },
    { kind: 'decoy', size: 20 },
    { kind: 'decoy', size: 53 },
    { kind: 'version', contents: Uint8Array.of(1, 2, 3), size: 23 },
    { kind: 'frame', command: 'version', payload: new Uint8Array(86).fill(5), size: 119 },
    { kind: 'frame', command: 'ping', payload: new Uint8Array(8).fill(6), size: 29 },
    { kind: 'decoy', size: 23 },
    { kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: '', size: 20 },
    { kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: '#200', size: 22 },
    { kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: '??', size: 23 },
    { kind: 'frame', command: 'pong', payload: NOTHING, size: 21 },
    { kind: 'decoy', size: 21 },
    { kind: 'frame', command: 'verack', payload: NOTHING, size: 33 },
  ];

  test('the events of a stream', () => {
    expect(feedAll([stream])).toEqual(expected);
  });
  test('the same bytewise, cut once anywhere, and cut at random', () => {
    const whole = eventsText(feedAll([stream]));
    expect(eventsText(feedAll(bytewise(stream)))).toBe(whole);
    for (let at = 0; at <= stream.length; at++) expect(eventsText(feedAll(cut(stream, [at])))).toBe(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (places) => {
        expect(eventsText(feedAll(cut(stream, places)))).toBe(whole);
      }),
      { numRuns: 100 },
    );
  });
  test('payloads do not change when the chunk is reused', () => {
    const chunk = stream.slice();
    const events = feedAll([chunk]);
    chunk.fill(0);
    expect(events).toEqual(expected);
  });
  test('a flipped bit anywhere after the first length ends the connection there', () => {
    const packet = established().sender.message('ping', new Uint8Array(8));
    for (let at = 3; at < packet.length; at++) {
      const { receiver } = established();
      expect(receiver.feed(flipped(packet, at, 0x10))).toEqual([
        { kind: 'broken', code: 'ERR_V2_AUTH', facts: { packet: 1 } },
      ]);
      expect(receiver.feed(packet)).toEqual([]);
      expect(receiver.buffered).toBe(0);
    }
  });
  test.each(['left out', 'twice', 'in the wrong order'])('a packet %s is detected', (what) => {
    const { sender, receiver } = established();
    const [a, b] = [sender.message('ping', NOTHING), sender.message('pong', NOTHING)];
    const chunks = { 'left out': [b], twice: [a, a], 'in the wrong order': [b, a] }[what]!;
    const last = feedAll([...chunks, new Uint8Array(5_000_000)], receiver).at(-1);
    expect(last).toMatchObject({ kind: 'broken' });
  });
  test('a packet of another connection is not authentic', () => {
    const other = keysOf(2);
    const { sender, start } = begun(NOTHING, {
      ...other,
      terminator: keys.terminator,
      lengths: keys.lengths,
    });
    expect(feedAll([start, sender.version()])).toMatchObject([{ kind: 'garbage' }, { code: 'ERR_V2_AUTH' }]);
  });
});

describe('the given keys', () => {
  test('may be overwritten as soon as the receiver is made', () => {
    const own = keysOf(1);
    const receiver = createPacketDecoder(own);
    for (const bytes of [own.lengths, own.packets, own.terminator]) bytes.fill(0);
    expect(receiver.feed(begun().start)).toMatchObject([{ kind: 'garbage' }, { kind: 'version' }]);
  });
});

describe('length', () => {
  test('4,000,013 is accepted, in one piece and in several', () => {
    for (const places of [[], [2, 5_000, 70_000, 3_999_999]]) {
      const { sender, receiver } = established();
      const packet = sender.packet(new Uint8Array(MAX_CONTENTS).fill(2));
      expect(feedAll(cut(packet, places), receiver)).toMatchObject([
        { kind: 'frame', command: 'block', size: 4_000_033 },
      ]);
    }
  });
  test('one more is refused on the three bytes alone, decoy or not', () => {
    for (const header of [0, 0x80]) {
      const { sender, receiver } = established();
      const packet = sender.packet(new Uint8Array(MAX_CONTENTS + 1), header);
      const facts = { length: 4_000_014, limit: 4_000_013, packet: 1 };
      expect(receiver.feed(packet.subarray(0, 2))).toEqual([]);
      expect(receiver.feed(packet.subarray(2, 3))).toEqual([
        { kind: 'broken', code: 'ERR_V2_LENGTH', facts },
      ]);
      expect(receiver.feed(packet.subarray(3))).toEqual([]);
    }
  });
  test('the largest length of three bytes', () => {
    const { sender, receiver } = established();
    const packet = sender.packet(new Uint8Array(2 ** 24 - 1));
    expect(receiver.feed(packet)).toMatchObject([{ facts: { length: 16_777_215 } }]);
  });
  test('no memory is allocated for a claimed length', () => {
    const { sender, receiver } = established();
    const packet = sender.packet(new Uint8Array(MAX_CONTENTS));
    let fed = 0;
    for (const size of [3, 1, 100, 1000, 100_000, 1_000_000]) {
      receiver.feed(packet.subarray(fed, fed + size));
      fed += size;
      expect(receiver.buffered).toBeLessThanOrEqual(fed + GROWTH_STEP);
    }
    expect(receiver.buffered).toBeGreaterThan(1_000_000);
    receiver.wipe();
    expect(receiver.buffered).toBe(0);
    expect(receiver.feed(packet.subarray(fed))).toEqual([]);
  });
});

describe('two ends', () => {
  /** One end: its receiver and sender once the keys are agreed. */
  function ends(seed: number, garbage: readonly [Uint8Array, Uint8Array]) {
    const [a, b] = [createV2Key(seededRandom(seed)), createV2Key(seededRandom(seed ^ 0x5555aaaa))];
    const [ours, theirs] = [a.agree(b.ellswift, true, magic), b.agree(a.ellswift, false, magic)];
    const made = [
      { sender: createPacketEncoder(ours.send, garbage[0]), receiver: createPacketDecoder(theirs.receive) },
      { sender: createPacketEncoder(theirs.send, garbage[1]), receiver: createPacketDecoder(ours.receive) },
    ] as const;
    // Senders and receivers keep their own copies.
    ours.wipe();
    theirs.wipe();
    return made;
  }

  interface Sent {
    readonly command: string;
    readonly payload: Uint8Array;
    readonly decoy: boolean;
  }
  const garbage = fc.uint8Array({ maxLength: MAX_GARBAGE, size: 'max' });
  const packets = fc.array(
    fc.record({
      command: fc.constantFrom('ping', 'inv', 'version', 'feature', 'unheard-of'),
      payload: fc.uint8Array({ maxLength: 300 }),
      decoy: fc.boolean(),
    }),
    { maxLength: 6 },
  );

  const body = (sender: PacketEncoder, { command, payload, decoy }: Sent) =>
    decoy ? sender.decoy(payload.length) : sender.message(command, payload);
  const received = ({ command, payload, decoy }: Sent) =>
    decoy ? { kind: 'decoy' } : { kind: 'frame', command, payload };

  test('every message arrives, in both directions, for any split', () => {
    const places = fc.array(fc.nat(5000), { maxLength: 20 });
    fc.assert(
      fc.property(fc.integer(), fc.tuple(garbage, garbage), packets, fc.nat(3), places, (...drawn) => {
        const [seed, both, sent, decoys, cuts] = drawn;
        ends(seed, both).forEach(({ sender, receiver }, i) => {
          const before = Array.from({ length: decoys }, (_, size) => sender.decoy(size));
          const packets = [...before, sender.version(), ...sent.map((one) => body(sender, one))];
          const stream = join(both[i]!, sender.terminator, ...packets);
          const inside = cuts.map((at) => at % stream.length);
          expect(feedAll(cut(stream, inside), receiver)).toMatchObject([
            { kind: 'garbage', size: both[i]!.length },
            ...before.map(() => ({ kind: 'decoy' })),
            { kind: 'version', contents: NOTHING },
            ...sent.map(received),
          ]);
        });
      }),
      { numRuns: 40 },
    );
  });
  test('a thousand packets each way: four rekeyings, decoys counted', () => {
    const count = 4 * REKEY + 104;
    for (const { sender, receiver } of ends(11, [NOTHING, NOTHING])) {
      receiver.feed(join(sender.terminator, sender.version()));
      for (let i = 0; i < count; i++) {
        const one = { command: 'ping', payload: Uint8Array.of(i, i >> 8), decoy: i % 5 === 0 };
        expect(receiver.feed(body(sender, one))).toMatchObject([received(one)]);
      }
    }
  });
  test('each direction has keys of its own', () => {
    const [{ sender, receiver }] = ends(12, [NOTHING, NOTHING]);
    const [, { receiver: backwards }] = ends(12, [NOTHING, NOTHING]);
    const stream = join(sender.terminator, sender.version());
    expect(receiver.feed(stream)).toMatchObject([{ kind: 'garbage' }, { kind: 'version' }]);
    expect(backwards.feed(join(stream, new Uint8Array(4111)))).toMatchObject([{ code: 'ERR_V2_GARBAGE' }]);
  });
});
