/** v1 framing: what ends a connection, what is dropped, and that no split of the stream changes either. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { knownMagic, NETWORKS } from '../src/networks.js';
import { createV1Framer, encodeFrame, type FrameEvent, readCommand } from '../src/wire/index.js';
import { GROWTH_STEP } from '../src/wire/byte-buffer.js';
import { MAX_PAYLOAD } from '../src/wire/v1-framing.js';
import { fromHex, toHex } from './support/hex.js';

const { magic } = NETWORKS.regtest;
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const ping = encodeFrame(magic, 'ping', fromHex('0102030405060708'));
const verack = encodeFrame(magic, 'verack', new Uint8Array(0));
const framer = () => createV1Framer(magic, knownMagic);

/** A frame with chosen bytes in chosen places. */
function tampered(frame: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy.set(bytes, at);
  return copy;
}
const withCommand = (field: Uint8Array) => tampered(ping, 4, field);
const ascii = (text: string) => new TextEncoder().encode(text);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

/** Events over all chunks, with payloads copied: they are views of the chunks. */
function run(chunks: readonly Uint8Array[]): FrameEvent[] {
  const target = framer();
  return chunks.flatMap((chunk) =>
    target
      .feed(chunk)
      .map((event) => (event.kind === 'frame' ? { ...event, payload: event.payload.slice() } : event)),
  );
}

/** Events as text: comparing payloads byte by byte with toEqual would take seconds. */
const eventsText = (events: readonly FrameEvent[]) =>
  JSON.stringify(events, (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value));

describe('a frame', () => {
  test('bytes', () => {
    expect(toHex(verack)).toBe('fabfb5da76657261636b000000000000000000005df6e0e2');
    expect(toHex(ping)).toBe('fabfb5da70696e670000000000000000080000002502fa940102030405060708');
  });
  test('round-trips', () => {
    expect(run([join(ping, verack)])).toEqual([
      { kind: 'frame', command: 'ping', payload: fromHex('0102030405060708'), size: 32 },
      { kind: 'frame', command: 'verack', payload: new Uint8Array(0), size: 24 },
    ]);
  });
  test('a payload that is contained in one chunk is not copied', () => {
    const [event] = framer().feed(ping);
    expect(event?.kind === 'frame' && event.payload.buffer === ping.buffer).toBe(true);
  });
  test('a command that does not fit is refused', () => {
    for (const command of ['thirteenchars', '\u0100', 'a\uffff']) {
      const facts = { expected: 'a command of at most 12 bytes', value: command };
      expect(() => encodeFrame(magic, command, ping)).toThrow(
        expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts }),
      );
    }
    expect(encodeFrame(magic, '\u00ff', ping)[4]).toBe(0xff);
  });
});

describe('magic', () => {
  const foreign = tampered(ping, 0, NETWORKS.main.magic);

  test('a wrong one breaks the stream and names the other network', () => {
    const facts = { received: 'f9beb4d9', expected: 'fabfb5da', network: 'main' };
    expect(run([foreign])).toEqual([{ kind: 'broken', code: 'ERR_FRAME_MAGIC', facts }]);
  });
  test('one of no network is shown as it is', () => {
    const facts = { received: '47455420', expected: 'fabfb5da' };
    expect(run([tampered(ping, 0, ascii('GET '))])).toEqual([
      { kind: 'broken', code: 'ERR_FRAME_MAGIC', facts },
    ]);
  });
  test('is checked when all 24 bytes of the header are there, not before', () => {
    const target = framer();
    expect(target.feed(foreign.subarray(0, 23))).toEqual([]);
    expect(target.feed(foreign.subarray(23, 24))).toMatchObject([{ kind: 'broken' }]);
  });
  test('a single wrong bit in any of the four bytes', () => {
    for (let i = 0; i < 4; i++) {
      expect(run([tampered(ping, i, Uint8Array.of(ping[i]! ^ 1))])).toMatchObject([
        { code: 'ERR_FRAME_MAGIC' },
      ]);
    }
  });
  test('after that all bytes are ignored', () => {
    const target = framer();
    target.feed(foreign);
    expect(target.feed(ping)).toEqual([]);
    expect(target.buffered).toBe(0);
  });
  test('frames before the break are reported', () => {
    expect(run([join(verack, foreign, verack)])).toMatchObject([{ kind: 'frame' }, { kind: 'broken' }]);
  });
});

describe('length', () => {
  test.each([MAX_PAYLOAD + 1, 0x7fffffff, 0x80000000, 0xffffffff])(
    '%i closes on the header alone',
    (length) => {
      const header = tampered(ping, 16, u32(length)).subarray(0, 24);
      const facts = { command: 'ping', length, limit: 4_000_000 };
      expect(run([header])).toEqual([{ kind: 'broken', code: 'ERR_FRAME_OVERSIZE', facts }]);
    },
  );
  test('4,000,000 exactly is accepted', () => {
    const frame = encodeFrame(magic, 'block', new Uint8Array(MAX_PAYLOAD).fill(7));
    const pieces = [0, 1, 2, 3].map((i) => frame.subarray(i * 1_000_006, (i + 1) * 1_000_006));
    expect(run([frame])).toMatchObject([{ kind: 'frame', size: 4_000_024 }]);
    expect(run(pieces)).toMatchObject([{ kind: 'frame', size: 4_000_024 }]);
  });
  test('a payload that is too short consumes the following bytes, and the next message is read again', () => {
    const claimsMore = tampered(ping, 16, u32(8 + 24));
    expect(run([join(claimsMore, verack, ping)])).toMatchObject([
      { kind: 'dropped', code: 'ERR_FRAME_CHECKSUM', command: 'ping', size: 56 },
      { kind: 'frame', command: 'ping' },
    ]);
  });
});

describe('checksum', () => {
  test('a wrong one drops the message and keeps the stream', () => {
    for (let i = 20; i < 24; i++) {
      expect(run([join(tampered(ping, i, Uint8Array.of(ping[i]! ^ 0x80)), verack)])).toEqual([
        { kind: 'dropped', code: 'ERR_FRAME_CHECKSUM', command: 'ping', size: 32 },
        { kind: 'frame', command: 'verack', payload: new Uint8Array(0), size: 24 },
      ]);
    }
  });
  test('counts for an empty payload too', () => {
    expect(run([tampered(verack, 20, u32(0))])).toMatchObject([{ code: 'ERR_FRAME_CHECKSUM' }]);
  });
  test('is checked before the command', () => {
    const both = tampered(withCommand(fromHex('1b')), 20, u32(0));
    expect(run([both])).toMatchObject([{ code: 'ERR_FRAME_CHECKSUM', command: '?ing' }]);
  });
});

describe('command', () => {
  test.each([
    ['a control character', fromHex('1b696e67'), '?ing'],
    ['DEL', fromHex('7f696e67'), '?ing'],
    ['a high byte', fromHex('f0696e67'), '?ing'],
    ['something after NUL', fromHex('70696e6700 41'), 'ping?A'],
    ['something in the last byte', fromHex('70696e67 00000000000000 41'), 'ping???????A'],
  ])('%s: dropped, the payload consumed', (_name, field, shown) => {
    expect(run([join(withCommand(field), verack)])).toMatchObject([
      { kind: 'dropped', code: 'ERR_FRAME_COMMAND', command: shown, size: 32 },
      { kind: 'frame', command: 'verack' },
    ]);
  });
  test.each(['', 'twelve chars', 'PING', ' ~'])('%j is valid', (command) => {
    expect(run([encodeFrame(magic, command, ping)])).toMatchObject([{ kind: 'frame', command }]);
  });
  test('v2 lets 0x7f pass', () => {
    const field = fromHex('7f0000000000000000000000');
    expect([readCommand(field, 0), readCommand(field, 0, 0x7f)]).toEqual([undefined, '\x7f']);
  });
});

describe('every split gives the same events', () => {
  const damaged = tampered(ping, 20, u32(1));
  const stream = join(
    verack,
    ping,
    damaged,
    withCommand(fromHex('01')),
    ping,
    tampered(ping, 0, u32(0)),
    ping,
  );
  const expected = run([stream]);
  const cut = (...at: number[]) =>
    [0, ...at].map((from, i) => stream.subarray(from, [...at, stream.length][i]));

  test('the stream has one of each', () => {
    expect(expected.map((event) => ('code' in event ? event.code : event.command))).toEqual([
      'verack',
      'ping',
      'ERR_FRAME_CHECKSUM',
      'ERR_FRAME_COMMAND',
      'ping',
      'ERR_FRAME_MAGIC',
    ]);
  });
  test('one cut, anywhere', () => {
    for (let a = 0; a <= stream.length; a++) expect(eventsText(run(cut(a)))).toBe(eventsText(expected));
  });
  test('two cuts, anywhere', () => {
    const text = eventsText(expected);
    for (let a = 0; a <= stream.length; a++) {
      for (let b = a; b <= stream.length; b++) {
        const same = eventsText(run(cut(a, b))) === text;
        if (!same) throw new Error(`cut at ${a} and ${b}`);
      }
    }
  });
  test('byte by byte', () => {
    expect(run(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  const frames = fc.array(
    fc
      .record({
        command: fc.string({ maxLength: 12, unit: 'grapheme-ascii' }),
        size: fc.nat(5000),
        bad: fc.nat(9),
      })
      .map(({ command, size, bad }) => {
        const frame = encodeFrame(magic, command, new Uint8Array(size).fill(size));
        return bad === 0 ? tampered(frame, 20, u32(1)) : frame;
      }),
    { minLength: 1, maxLength: 8 },
  );
  test('random streams, random cuts', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(40_000), { maxLength: 30 }), (parts, cuts) => {
        const whole = join(...parts);
        const places = [...cuts.map((at) => at % (whole.length + 1))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => whole.subarray(from, places[i] ?? whole.length));
        expect(eventsText(run(chunks))).toBe(eventsText(run([whole])));
      }),
      { numRuns: 150 },
    );
  });
});

describe('hostile streams', () => {
  const chunk = fc.uint8Array({ maxLength: 200 });
  const header = fc
    .tuple(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(MAX_PAYLOAD))
    .map(([rest, length]) => tampered(tampered(join(magic, rest), 16, u32(length)), 0, magic));

  test('random bytes never throw, and memory follows what arrived', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(chunk, header), { maxLength: 40 }), (chunks) => {
        const target = framer();
        let fed = 0;
        for (const part of chunks) {
          target.feed(part);
          fed += part.length;
          expect(target.buffered).toBeLessThanOrEqual(fed + GROWTH_STEP);
        }
      }),
    );
  });

  test('a claimed length of 4 MB allocates nothing', () => {
    const target = framer();
    target.feed(tampered(ping, 16, u32(MAX_PAYLOAD)).subarray(0, 25));
    expect(target.buffered).toBeGreaterThanOrEqual(25);
    expect(target.buffered).toBeLessThan(4096);
    for (let fed = 25; fed < 3_000_000; fed += 50_000) {
      target.feed(new Uint8Array(50_000));
      expect(target.buffered).toBeLessThanOrEqual(fed + 50_000 + GROWTH_STEP);
    }
  });

  test('nothing is held between frames', () => {
    const target = framer();
    for (const byte of join(ping, verack)) target.feed(Uint8Array.of(byte));
    expect(target.buffered).toBe(0);
  });

  test('byte by byte costs buffers in proportion to the bytes', () => {
    const frame = encodeFrame(magic, 'block', new Uint8Array(600_000).fill(9));
    const target = framer();
    const sizes = new Set<number>();
    let frames = 0;
    for (let i = 0; i < frame.length; i++) {
      frames += target.feed(frame.subarray(i, i + 1)).length;
      if (target.buffered >= 1024) sizes.add(target.buffered - Math.min(i + 1, 24));
    }
    expect(frames).toBe(1);
    expect(sizes.size).toBeLessThan(20);
  });
});
