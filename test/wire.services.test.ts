/** Service bits and display text. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  SERVICE_BITS,
  type ServiceName,
  hasServices,
  hexOf,
  sanitize,
  servicesLetters,
  servicesnames,
  servicesOf,
} from '../src/wire/index.js';

describe('services', () => {
  test.each([
    ['0000000000000000', [], ''],
    ['0000000000000409', ['NETWORK', 'WITNESS', 'NETWORK_LIMITED'], 'nwl'],
    [
      '0000000000000c4d',
      ['NETWORK', 'BLOOM', 'WITNESS', 'COMPACT_FILTERS', 'NETWORK_LIMITED', 'P2P_V2'],
      'nbwcl2',
    ],
    ['0000000010000001', ['NETWORK', 'UNKNOWN[2^28]'], 'nu'],
    ['8000000100000002', ['UNKNOWN[2^1]', 'UNKNOWN[2^32]', 'UNKNOWN[2^63]'], 'uuu'],
  ])('%s', (services, names, letters) => {
    expect(servicesnames(services)).toEqual(names);
    expect(servicesLetters(services)).toBe(letters);
  });

  test('every value has the names of its bits, lowest first', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bits = [...value.toString(2)].reverse().flatMap((digit, bit) => (digit === '1' ? [bit] : []));
        const names = servicesnames(value.toString(16).padStart(16, '0'));
        const bitOf = (name: string): number =>
          SERVICE_BITS[name as ServiceName] ?? Number(/^UNKNOWN\[2\^(\d+)\]$/.exec(name)?.[1]);
        expect(names.map(bitOf)).toEqual(bits);
      }),
    );
  });

  test('names to bits', () => {
    expect(servicesOf()).toBe('0000000000000000');
    expect(servicesOf('NETWORK', 'WITNESS', 'WITNESS')).toBe('0000000000000009');
    expect(servicesOf('P2P_V2')).toBe('0000000000000800');
  });

  test('all 64 bits count', () => {
    expect(hasServices('8000000000000409', '8000000000000009')).toBe(true);
    expect(hasServices('0000000000000409', '8000000000000009')).toBe(false);
    expect(hasServices('0000000000000408', '0000000000000009')).toBe(false);
    expect(hasServices('0000000000000000', '0000000000000000')).toBe(true);
  });
});

describe('display text', () => {
  test('printable ASCII is kept, anything else becomes ?', () => {
    expect(sanitize(new TextEncoder().encode('/Satoshi:29.0.0(x~y)/ "<>"'))).toBe(
      '/Satoshi:29.0.0(x~y)/ "<>"',
    );
    expect(sanitize(Uint8Array.of(0x1b, 0x5b, 0x41, 0x07, 0x00, 0x7f, 0x80, 0xff, 0x0a))).toBe('?[A??????');
    expect(sanitize('caf\u00e9\u202e')).toBe('caf??');
  });

  test('one character per byte, cut at the maximum', () => {
    expect(sanitize(new Uint8Array(300))).toBe('?'.repeat(256));
    expect(sanitize('abcdef', 3)).toBe('abc');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = sanitize(bytes);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(text).toHaveLength(Math.min(bytes.length, 256));
      }),
    );
  });

  test('hex', () => {
    expect(hexOf(Uint8Array.of(0, 0x0f, 0xff))).toBe('000fff');
  });
});
