/** Combinators: integers, CompactSize, lists, paths of faults, and what encoding refuses. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import * as codec from '../src/wire/codec.js';
import { hash256, sha256 } from '../src/wire/hash.js';
import { sha256Short } from '../src/wire/sha256.js';
import { struct, tail } from '../src/wire/struct.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const read = <T>(c: codec.Codec<T>, text: string) => codec.decode(c, hex(text));
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
  });

  test('any byte but zero is true', () => {
    expect(value(codec.bool, '02')).toBe(true);
    expect(value(codec.bool, '00')).toBe(false);
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

  test('every 64-bit number goes there and back', () => {
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
    expect(value(codec.varBytes(3), '03010203')).toEqual(hex('010203'));
  });

  test('byte fields are views of the input, not copies', () => {
    const input = hex('03010203');
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

  test('a list over its limit is refused on the count alone', () => {
    expect(fault(pairs, '07 fde903')).toEqual({ code: 'ERR_CODEC_RANGE', path: 'pairs', offset: 1 });
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

  test('what is behind the value is handed back', () => {
    const decoded = read(codec.u8, '0102');
    expect(decoded.ok && decoded.rest).toEqual(hex('02'));
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

  test('a tail field behind a gap has no place', () => {
    expect(() => codec.encode(message, { a: 1, d: 4 })).toThrow('ERR_LOCAL_ARGUMENT');
    expect(() => codec.encode(message, { a: 1, b: 2 })).toThrow('ERR_LOCAL_ARGUMENT');
  });
});

describe('encoding refuses what does not fit', () => {
  test.each<[string, () => Uint8Array]>([
    ['u8 256', () => codec.encode(codec.u8, 256)],
    ['u8 -1', () => codec.encode(codec.u8, -1)],
    ['u16be 1.5', () => codec.encode(codec.u16be, 1.5)],
    ['u32 2^32', () => codec.encode(codec.u32, 2 ** 32)],
    ['i32 2^31', () => codec.encode(codec.i32, 2 ** 31)],
    ['u64 of 15 digits', () => codec.encode(codec.u64, '123456789012345')],
    ['u64 of no hex', () => codec.encode(codec.u64, '000000000000000g')],
    ['u64 of wide characters', () => codec.encode(codec.u64, '00000000000000\u0130\u0130')],
    ['services of no hex', () => codec.encode(codec.compactHex, '00000000 12g')],
    ['bytes(2) of 3', () => codec.encode(codec.bytes(2), hex('010203'))],
  ])('%s', (_name, act) => {
    expect(act).toThrow('ERR_LOCAL_ARGUMENT');
  });
});

describe('SHA-256', () => {
  test('the short one agrees with the platform at every length around its blocks', () => {
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
