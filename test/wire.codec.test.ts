/** Combinators: integers, CompactSize, lists, paths of faults, and what encoding refuses. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import * as codec from '../src/wire/codec.js';
import { hash256, sha256 } from '../src/wire/hash.js';
import { sha256Short } from '../src/wire/sha256.js';
import { struct, tail } from '../src/wire/struct.js';
import { fromHex, toHex } from './support/hex.js';

const read = <T>(c: codec.Codec<T>, text: string) => codec.decode(c, fromHex(text));
const value = <T>(c: codec.Codec<T>, text: string): T => {
  const decoded = read(c, text);
  if (!decoded.ok) throw new Error(decoded.fault.code);
  return decoded.value;
};
const fault = (c: codec.Codec<unknown>, text: string) => {
  const decoded = read(c, text);
  return decoded.ok ? 'decoded' : decoded.fault;
};

describe('numbers', () => {
  test.each([
    [codec.u8, 'ff', 255],
    [codec.u16, '0102', 0x0201],
    [codec.u16be, '208d', 8333],
    [codec.u32, 'ffffffff', 0xffffffff],
    [codec.u32, '00000080', 0x80000000],
    [codec.i32, 'ffffffff', -1],
    [codec.i32, '00000080', -0x80000000],
  ])('%#: little-endian unless be', (c, bytes, number) => {
    expect(value(c, bytes)).toBe(number);
    expect(toHex(codec.encode(c, number))).toBe(bytes);
  });

  test('a 64-bit value shows its number, most significant digit first', () => {
    expect(value(codec.u64, '0904001000000080')).toBe('8000000010000409');
    expect(toHex(codec.encode(codec.u64, '8000000010000409'))).toBe('0904001000000080');
    expect(codec.signedOf(value(codec.i64, 'ffffffffffffffff'))).toBe(-1n);
    expect(codec.hex64(-1)).toBe('ffffffffffffffff');
    expect(codec.hex64(1n << 63n)).toBe('8000000000000000');
    expect(codec.hex64((1n << 64n) + 5n)).toBe('0000000000000005');
    expect(codec.hex64(7.9)).toBe('0000000000000007');
  });

  test('any byte but zero is true', () => {
    expect(value(codec.bool, '02')).toBe(true);
    expect(value(codec.bool, '00')).toBe(false);
    expect(toHex(codec.encode(codec.bool, true))).toBe('01');
    expect(toHex(codec.encode(codec.bool, false))).toBe('00');
  });

  test('short input is a fault at the field, not an exception', () => {
    for (const c of [codec.u8, codec.u16, codec.u16be, codec.u32, codec.i32, codec.u64, codec.bytes(2)]) {
      expect(fault(c, '')).toEqual({ code: 'ERR_CODEC_SHORT', path: '', offset: 0 });
    }
  });
});

describe('CompactSize', () => {
  test.each([
    ['00', 0],
    ['fc', 0xfc],
    ['fdfd00', 0xfd],
    ['fdffff', 0xffff],
    ['fe00000100', 0x10000],
    ['fe00000002', 0x02000000],
  ])('%s is %i', (bytes, number) => {
    expect(value(codec.compactSize, bytes)).toBe(number);
    expect(toHex(codec.encode(codec.compactSize, number))).toBe(bytes);
  });

  test.each(['fdfc00', 'fd0000', 'feffff0000', 'ffffffffff00000000', 'ff0000000000000000'])(
    '%s is not minimal',
    (bytes) => {
      const expected = { code: 'ERR_CODEC_NONMINIMAL', path: '', offset: 0 };
      expect(fault(codec.compactSize, bytes)).toEqual(expected);
      expect(fault(codec.compactHex, bytes)).toEqual(expected);
    },
  );

  test.each(['fe01000002', 'ff0000000001000000', 'ffffffffffffffffff'])(
    '%s is too large for a size',
    (bytes) => {
      expect(fault(codec.compactSize, bytes)).toMatchObject({ code: 'ERR_CODEC_RANGE', offset: 0 });
    },
  );

  test.each(['fd', 'fd01', 'fe000001', 'ff00000000010000'])('%s is cut', (bytes) => {
    expect(fault(codec.compactSize, bytes)).toMatchObject({ code: 'ERR_CODEC_SHORT' });
    expect(fault(codec.compactHex, bytes)).toMatchObject({ code: 'ERR_CODEC_SHORT' });
  });

  test.each([
    ['09', '0000000000000009'],
    ['fd0904', '0000000000000409'],
    ['fe01000002', '0000000002000001'],
    ['ff0904001001000080', '8000000110000409'],
    ['ffffffffffffffffff', 'ffffffffffffffff'],
  ])('%s as a plain number has no limit', (bytes, number) => {
    expect(value(codec.compactHex, bytes)).toBe(number);
    expect(toHex(codec.encode(codec.compactHex, number))).toBe(bytes);
  });

  test('every 64-bit number round-trips', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.integer({ min: 0, max: 63 }),
        (number, shift) => {
          const text = codec.hex64(number >> BigInt(shift));
          expect(value(codec.compactHex, toHex(codec.encode(codec.compactHex, text)))).toBe(text);
          expect(value(codec.u64, toHex(codec.encode(codec.u64, text)))).toBe(text);
        },
      ),
    );
  });
});

describe('bytes and lists', () => {
  const pair = struct({ id: codec.u8, port: codec.u16be });
  const pairs = struct({ head: codec.u8, pairs: codec.list(pair, 1000) });

  test('varBytes keeps its limits', () => {
    expect(fault(codec.varBytes(2), '03010203')).toEqual({ code: 'ERR_CODEC_RANGE', path: '', offset: 0 });
    expect(fault(codec.varBytes(9, 4), '03010203')).toMatchObject({ code: 'ERR_CODEC_RANGE' });
    expect(fault(codec.varBytes(9), '030102')).toEqual({ code: 'ERR_CODEC_SHORT', path: '', offset: 1 });
    expect(value(codec.varBytes(3), '03010203')).toEqual(fromHex('010203'));
    expect(value(codec.varBytes(9, 3), '03010203')).toEqual(fromHex('010203'));
  });

  test('bytes of a fixed size, from the very first on', () => {
    expect(value(codec.bytes(2), '0102')).toEqual(fromHex('0102'));
    expect(value(codec.bytes(0), '')).toEqual(fromHex(''));
    expect(fault(codec.bytes(2), '01')).toEqual({ code: 'ERR_CODEC_SHORT', path: '', offset: 0 });
  });

  test('byte fields are views of the input, not copies', () => {
    const input = fromHex('03010203');
    const decoded = codec.decode(codec.varBytes(3), input);
    expect(decoded.ok && decoded.value.buffer === input.buffer).toBe(true);
  });

  test('a fault names the field and the byte', () => {
    expect(fault(pairs, '07 02 01208d 02')).toEqual({
      code: 'ERR_CODEC_SHORT',
      path: 'pairs[1].port',
      offset: 6,
    });
  });

  test('a list in a list, and one in a field, is named by its places', () => {
    const rows = codec.list(codec.list(codec.u8, 3), 3);
    expect(fault(rows, '02 00 02 01')).toEqual({ code: 'ERR_CODEC_SHORT', path: '[1][1]', offset: 4 });
    const named = codec.list(struct({ row: codec.list(codec.u8, 3) }), 3);
    expect(fault(named, '02 00 02 01')).toMatchObject({ path: '[1].row[1]' });
    const inner = struct({ outer: struct({ pair }) });
    expect(fault(inner, '01')).toMatchObject({ path: 'outer.pair.port' });
  });

  test('a list over its limit is refused on the count alone', () => {
    expect(fault(pairs, '07 fde903')).toEqual({ code: 'ERR_CODEC_RANGE', path: 'pairs', offset: 1 });
    expect(value(codec.list(codec.u8, 2), '020102')).toEqual([1, 2]);
    expect(fault(codec.list(codec.u8, 2), '03010203')).toMatchObject({ code: 'ERR_CODEC_RANGE' });
  });

  test('a rule is checked for whole values only', () => {
    const asked: number[] = [];
    const even = codec.refine(codec.u16, (number) => {
      asked.push(number);
      return number % 2 === 0;
    });
    expect(fault(even, '02')).toMatchObject({ code: 'ERR_CODEC_SHORT' });
    expect(value(even, '0201')).toBe(0x0102);
    expect(fault(struct({ id: codec.u8, even }), '00 0301')).toEqual({
      code: 'ERR_CODEC_RANGE',
      path: 'even',
      offset: 1,
    });
    expect(asked).toEqual([0x0102, 0x0103]);
  });

  test('a long value is written completely after a short one', () => {
    const long = struct({ id: codec.u8, data: codec.varBytes(9_000), tail: codec.rest });
    for (const size of [150, 156, 157, 158, 159, 160, 161, 400, 9_000]) {
      const data = Uint8Array.from({ length: size }, (_, i) => i);
      const encoded = codec.encode(long, { id: 7, data, tail: fromHex('0102') });
      expect(encoded).toHaveLength(1 + (size < 0xfd ? 1 : 3) + size + 2);
      expect(value(long, toHex(encoded))).toEqual({ id: 7, data, tail: fromHex('0102') });
    }
  });

  test('a claimed count reads no more items than there are bytes', () => {
    let reads = 0;
    const counting: codec.Codec<number> = {
      read: (cursor) => {
        reads++;
        return codec.u8.read(cursor);
      },
      write: codec.u8.write.bind(codec.u8),
    };
    expect(fault(codec.list(counting, 0x02000000), 'fe00000002 010203')).toMatchObject({ path: '[3]' });
    expect(reads).toBe(4);
  });

  test('bytes behind the value are returned', () => {
    const decoded = read(codec.u8, '0102');
    expect(decoded.ok && decoded.rest).toEqual(fromHex('02'));
  });
});

describe('struct', () => {
  const message = struct({ a: codec.u8 }, tail({ b: codec.u8, c: codec.u8 }), tail({ d: codec.u8 }, 2));

  test.each([
    ['01', { a: 1 }, ''],
    ['010203', { a: 1, b: 2, c: 3 }, ''],
    ['01020304', { a: 1, b: 2, c: 3 }, '04'],
    ['0102030405', { a: 1, b: 2, c: 3, d: 4 }, '05'],
  ])('%s: the bytes that are left decide the tail', (bytes, fields, left) => {
    const decoded = read(message, bytes);
    if (!decoded.ok) throw new Error(decoded.fault.code);
    expect(decoded.value).toStrictEqual(fields);
    expect(toHex(decoded.rest)).toBe(left);
    expect(toHex(codec.encode(message, decoded.value)) + left).toBe(bytes);
  });

  test('a group that has begun must be complete', () => {
    expect(fault(message, '0102')).toEqual({ code: 'ERR_CODEC_SHORT', path: 'c', offset: 2 });
  });

  test('a tail field after a missing one is refused', () => {
    const refusal = (expected: string) =>
      expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts: { expected } });
    expect(() => codec.encode(message, { a: 1, d: 4 })).toThrow(refusal('nothing or all before d'));
    expect(() => codec.encode(message, { a: 1, b: 2 })).toThrow(refusal('c'));
    expect(() => codec.encode(message, { a: 1, c: 3 })).toThrow(refusal('b'));
  });
});

describe('encoding refuses values that do not fit', () => {
  const sized = (value: string) => ({ expected: '16 hex digits', value });

  test.each<[string, () => Uint8Array, Record<string, string>]>([
    ['u8 256', () => codec.encode(codec.u8, 256), { expected: 'u8', value: '256' }],
    ['u8 -1', () => codec.encode(codec.u8, -1), { expected: 'u8', value: '-1' }],
    ['u16 65536', () => codec.encode(codec.u16, 65536), { expected: 'u16', value: '65536' }],
    ['u16 -1', () => codec.encode(codec.u16, -1), { expected: 'u16', value: '-1' }],
    ['u16be 1.5', () => codec.encode(codec.u16be, 1.5), { expected: 'u16be', value: '1.5' }],
    ['u16be 65536', () => codec.encode(codec.u16be, 65536), { expected: 'u16be', value: '65536' }],
    ['u32 2^32', () => codec.encode(codec.u32, 2 ** 32), { expected: 'u32', value: '4294967296' }],
    ['i32 2^31', () => codec.encode(codec.i32, 2 ** 31), { expected: 'i32', value: '2147483648' }],
    ['i32 -2^31-1', () => codec.encode(codec.i32, -(2 ** 31) - 1), { expected: 'i32', value: '-2147483649' }],
    ['a size of -1', () => codec.encode(codec.compactSize, -1), { expected: 'CompactSize', value: '-1' }],
    ['u64 of 15 digits', () => codec.encode(codec.u64, '123456789012345'), sized('123456789012345')],
    ['u64 of 17 digits', () => codec.encode(codec.u64, '12345678901234567'), sized('12345678901234567')],
    ['u64 of no hex', () => codec.encode(codec.u64, '000000000000000g'), sized('000000000000000g')],
    ['u64 of no high hex', () => codec.encode(codec.u64, 'g000000000000000'), sized('g000000000000000')],
    ['u64 of wide characters', () => codec.encode(codec.u64, '00000000000000\u0130\u0130'), {}],
    ['services of no hex', () => codec.encode(codec.compactHex, '00000000 12g'), sized('00000000 12g')],
    ['services of 17 digits', () => codec.encode(codec.compactHex, '0000000000000000a'), {}],
    ['services behind a digit', () => codec.encode(codec.compactHex, '10000000000000009'), {}],
    [
      'bytes(2) of 3',
      () => codec.encode(codec.bytes(2), fromHex('010203')),
      { expected: '2 bytes', value: '3 bytes' },
    ],
    ['a long text', () => codec.encode(codec.u64, 'x'.repeat(99)), sized('x'.repeat(80))],
  ])('%s', (_name, act, facts) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT' }));
    expect(act).toThrow(expect.objectContaining({ facts: expect.objectContaining(facts) as object }));
  });

  test.each([
    [codec.u8, 0, '00'],
    [codec.u8, 255, 'ff'],
    [codec.u16, 65535, 'ffff'],
    [codec.u16be, 65535, 'ffff'],
    [codec.u32, 0, '00000000'],
    [codec.i32, 2 ** 31 - 1, 'ffffff7f'],
    [codec.compactSize, 0xffffffff, 'feffffffff'],
  ])('%#: but takes the last that fits', (c, number, bytes) => {
    expect(toHex(codec.encode(c, number))).toBe(bytes);
  });

  test('hex digits of either case are the same number', () => {
    expect(toHex(codec.encode(codec.u64, 'ABCDEF0123456789'))).toBe('8967452301efcdab');
    expect(toHex(codec.encode(codec.compactHex, '00000000ABCDEF01'))).toBe('fe01efcdab');
  });
});

describe('SHA-256', () => {
  test('the JavaScript implementation agrees with node:crypto at every length around its blocks', () => {
    for (let size = 0; size <= 260; size++) {
      const input = Uint8Array.from({ length: size }, (_, i) => i * 31 + size);
      const expected = createHash('sha256').update(input).digest('hex');
      expect(toHex(sha256Short(input))).toBe(expected);
      expect(toHex(sha256(input))).toBe(expected);
    }
  });

  test('hash256 is the one behind signet magic and frame checksums', () => {
    expect(toHex(hash256(new Uint8Array(0))).slice(0, 8)).toBe('5df6e0e2');
  });
});
