/**
 * The first bytes of a connection: v1, v2, another network's v1, and the key; distinguished as early as possible, with any
 * split.
 */
import { describe, expect, test } from '@jest/globals';
import { knownMagic, NETWORKS } from '../src/networks.js';
import { encodeFrame } from '../src/wire/index.js';
import { createV2Key } from '../src/wire/bip324/keys.js';
import { createHandshakeParser, isV1OfAnyNetwork, transportOf } from '../src/wire/bip324/handshake-parser.js';
import { seededRandom } from './support/memory-nodes.js';
import { toHex } from './support/hex.js';

const { magic } = NETWORKS.regtest;
const NOTHING = new Uint8Array(0);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const flipped = (bytes: Uint8Array, at: number) => {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
};
/** Events as text, bytes in hex. */
const eventsText = (events: unknown) =>
  JSON.stringify(events, (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value));

describe('the first bytes of an inbound connection', () => {
  const version = encodeFrame(magic, 'version', new Uint8Array(86));
  const foreign = encodeFrame(NETWORKS.main.magic, 'version', new Uint8Array(86));
  const opening = () => createHandshakeParser({ initiating: false, magic, knownMagic });
  const key = createV2Key(seededRandom(5)).ellswift;
  const run = (chunks: readonly Uint8Array[]) => {
    const target = opening();
    return chunks.flatMap((chunk) => [...target.feed(chunk)]);
  };

  test('no event before the 16th byte of a v1 version frame; then v1, with every byte', () => {
    const target = opening();
    for (let i = 0; i < 15; i++) expect(target.feed(version.subarray(i, i + 1))).toEqual([]);
    expect(eventsText(target.feed(version.subarray(15)))).toBe(eventsText([{ kind: 'v1', bytes: version }]));
    expect(target.feed(key)).toEqual([]);
  });
  test('v1, whole and split anywhere: the bytes of the event and those that follow are complete', () => {
    for (let at = 0; at <= version.length; at++) {
      const target = opening();
      const first = target.feed(version.subarray(0, at));
      const events = first.length > 0 ? first : target.feed(version.subarray(at));
      const [event] = events;
      const behind = first.length > 0 ? version.subarray(at) : NOTHING;
      expect(events.length).toBe(1);
      expect(event?.kind === 'v1' && toHex(join(event.bytes, behind))).toBe(toHex(version));
    }
  });
  test.each(Array.from({ length: 16 }, (_, i) => i))('byte %i differs: v2 at once', (at) => {
    const target = opening();
    const other = flipped(version, at);
    expect(target.feed(other.subarray(0, at))).toEqual([]);
    expect(target.feed(other.subarray(at, at + 1))).toEqual([{ kind: 'v2' }]);
  });
  test('64 bytes are a key; the rest is returned', () => {
    const rest = Uint8Array.of(1, 2, 3);
    expect(eventsText(run([join(key, rest)]))).toBe(
      eventsText([{ kind: 'v2' }, { kind: 'key', ellswift: key, rest }]),
    );
    const target = opening();
    expect(target.feed(key.subarray(0, 63))).toEqual([{ kind: 'v2' }]);
    expect(eventsText(target.feed(key.subarray(63)))).toBe(
      eventsText([{ kind: 'key', ellswift: key, rest: NOTHING }]),
    );
    expect(target.feed(key)).toEqual([]);
  });
  test('the key of the event is a copy', () => {
    const target = opening();
    const chunk = key.slice();
    const [, event] = target.feed(chunk);
    chunk.fill(0);
    expect(event?.kind === 'key' && toHex(event.ellswift)).toBe(toHex(key));
  });
  test('v1 of another network is detected at the 17th byte, and named', () => {
    const target = opening();
    expect(target.feed(foreign.subarray(0, 16))).toEqual([{ kind: 'v2' }]);
    const facts = { received: 'f9beb4d9', expected: 'fabfb5da', network: 'main' };
    expect(target.feed(foreign.subarray(16, 17))).toEqual([
      { kind: 'broken', code: 'ERR_V2_OTHER_NETWORK', facts },
    ]);
    expect(target.feed(foreign.subarray(17))).toEqual([]);
  });
  test('of an unknown network: without a name', () => {
    const unknown = encodeFrame(Uint8Array.of(1, 2, 3, 4), 'version', NOTHING);
    const facts = { received: '01020304', expected: 'fabfb5da' };
    const expected = [{ kind: 'v2' }, { kind: 'broken', code: 'ERR_V2_OTHER_NETWORK', facts }];
    expect(run([unknown])).toEqual(expected);
    const nameless = createHandshakeParser({ initiating: false, magic });
    expect(nameless.feed(foreign)).toMatchObject([{}, { facts: { received: 'f9beb4d9' } }]);
  });
  test.each([
    ['verack first', encodeFrame(magic, 'verack', new Uint8Array(50))],
    ['a version with odd padding', flipped(version, 15)],
  ])('%s is taken as a key', (_name, bytes) => {
    expect(run([bytes]).map(({ kind }) => kind)).toEqual(['v2', 'key']);
  });
  test('any split gives the same events', () => {
    const streams = [version, foreign, join(key, version), flipped(version, 15), join(magic, key)];
    for (const stream of streams) {
      /** The result for a caller: the kinds of the events, and the bytes that remain to be read. */
      const outcome = (chunks: readonly Uint8Array[]) => {
        const events = run(chunks);
        return eventsText(events.map((event) => ({ ...event, bytes: 0, rest: 0 })));
      };
      const whole = outcome([stream]);
      expect(outcome(Array.from(stream, (byte) => Uint8Array.of(byte)))).toBe(whole);
      for (let at = 0; at <= stream.length; at++)
        expect(outcome([stream.subarray(0, at), stream.subarray(at)])).toBe(whole);
    }
  });
  test('the two checks alone', () => {
    expect(transportOf(NOTHING, magic)).toBe('open');
    expect(transportOf(version.subarray(0, 15), magic)).toBe('open');
    expect(transportOf(version.subarray(0, 16), magic)).toBe('v1');
    expect(transportOf(flipped(version, 0).subarray(0, 1), magic)).toBe('v2');
    expect(isV1OfAnyNetwork(foreign.subarray(0, 15))).toBe(false);
    expect(isV1OfAnyNetwork(foreign.subarray(0, 16))).toBe(true);
    expect(isV1OfAnyNetwork(flipped(foreign, 15))).toBe(false);
  });
});

describe('the first bytes of an outbound connection', () => {
  const initiator = () => createHandshakeParser({ initiating: true, magic, knownMagic });
  const version = encodeFrame(magic, 'version', new Uint8Array(86));
  const foreign = encodeFrame(NETWORKS.main.magic, 'version', new Uint8Array(86));

  test('the 16th byte of a v1 version frame decides v1, whole and byte by byte', () => {
    const target = initiator();
    for (let i = 0; i < 15; i++) expect(target.feed(version.subarray(i, i + 1))).toEqual([]);
    expect(target.feed(version.subarray(15, 16))).toMatchObject([{ kind: 'v1' }]);
    expect(target.feed(version.subarray(16))).toEqual([]);
    expect(initiator().feed(version)).toMatchObject([{ kind: 'v1' }]);
  });
  test('v1 of another network is named at the 17th', () => {
    const target = initiator();
    expect(target.feed(foreign.subarray(0, 16))).toEqual([]);
    const facts = { received: 'f9beb4d9', expected: 'fabfb5da', network: 'main' };
    expect(target.feed(foreign.subarray(16, 17))).toEqual([
      { kind: 'broken', code: 'ERR_V2_OTHER_NETWORK', facts },
    ]);
  });
  test.each([4, 15])('64 bytes of which byte %i is not that of a header are their key', (at) => {
    const key = flipped(version, at).slice(0, 64);
    const rest = Uint8Array.of(1, 2, 3);
    expect(eventsText(initiator().feed(join(key, rest)))).toBe(
      eventsText([{ kind: 'key', ellswift: key, rest }]),
    );
  });
  test('with takesAnyKey any 64 bytes are a key, a v1 frame too', () => {
    for (const frame of [version, foreign]) {
      const target = createHandshakeParser({ initiating: true, takesAnyKey: true, magic, knownMagic });
      expect(target.feed(frame.subarray(0, 63))).toEqual([]);
      const rest = frame.subarray(64, 70);
      expect(eventsText(target.feed(frame.subarray(63, 70)))).toBe(
        eventsText([{ kind: 'key', ellswift: frame.subarray(0, 64), rest }]),
      );
    }
  });
});
