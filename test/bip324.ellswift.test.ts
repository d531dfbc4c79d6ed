/** ElligatorSwift: the BIP's vectors, a second implementation, the platform's curve, and the field underneath. */
import { createECDH } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import fc from 'fast-check';
import {
  decodeEllswift,
  encodeEllswift,
  sharedSecret,
  sharedX,
  xswiftecInv,
} from '../src/wire/bip324/ellswift.js';
import * as field from '../src/wire/bip324/secp256k1/field.js';
import { seededRandom } from './support/memory-nodes.js';
import { fromHex, toHex } from './support/hex.js';
import { nightly } from './support/nightly.js';

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const number = (data: Uint8Array) => BigInt(`0x${toHex(data)}`);
const key = (value: bigint) => fromHex(value.toString(16).padStart(64, '0'));
const rowsOf = (name: string) =>
  readFileSync(`test/data/${name}_test_vectors.csv`, 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));

/** The public key that the platform computes for a private key, 33 bytes. */
function platform(secret: Uint8Array) {
  const ecdh = createECDH('secp256k1');
  ecdh.setPrivateKey(secret);
  return {
    x: toHex(ecdh.getPublicKey(null, 'compressed').subarray(1)),
    shared: (x: string) => toHex(ecdh.computeSecret(`02${x}`, 'hex')),
  };
}

/** `PROPERTY_RUNS=n`: fewer runs, or more. */
const some = { numRuns: Number(process.env.PROPERTY_RUNS ?? nightly(300, 150)) };
const arbitraryBytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const arbitraryKey = fc.bigInt(1n, N - 1n).map(key);
const arbitrarySeed = fc.integer({ min: 0, max: 2 ** 31 });

describe('vectors of BIP324', () => {
  const decode = rowsOf('ellswift_decode');
  const invert = rowsOf('xswiftec_inv');

  test('there are 76 and 32 × 8 of them', () => {
    expect([decode.length, invert.length]).toEqual([76, 32]);
  });
  test.each(decode)('decode %s', (encoded, x) => {
    expect(toHex(decodeEllswift(fromHex(encoded)))).toBe(x);
  });
  test.each(invert)('xswiftec_inv of u %s, x %s', (u, x, ...cases) => {
    const found = Array.from({ length: 8 }, (_, kind) => toHex(xswiftecInv(fromHex(x), fromHex(u), kind)));
    expect(found).toEqual(cases.slice(0, 8));
  });
  test('every inverse decodes to its x', () => {
    for (const [u, x, ...cases] of invert) {
      for (const t of cases.slice(0, 8).filter((t) => t !== '')) {
        expect(toHex(decodeEllswift(fromHex(u! + t)))).toBe(x);
      }
    }
  });
});

describe('keys', () => {
  /** Digits of one kind, carries through the whole key, and both ends of the range. */
  const edges = [
    ...[1n, 2n, 3n, 7n, 8n, 9n, 15n, 16n, 17n, N - 1n, N - 2n, N / 2n, (N + 1n) / 2n, 2n ** 255n],
    ...['0', '7', '8', '9', 'f'].map((digit) => BigInt(`0x1${digit.repeat(63)}`)),
    BigInt(`0x${'8'.repeat(64)}`),
    BigInt(`0x${'7'.repeat(64)}`),
    0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff00000000n,
  ];

  test.each(edges)('%s: public and shared x as the platform has them', (value) => {
    const secret = key(value);
    const { x, shared } = platform(secret);
    const theirs = encodeEllswift(key(0x1234567n), seededRandom(7));
    expect(toHex(decodeEllswift(encodeEllswift(secret, seededRandom(1))))).toBe(x);
    expect(toHex(sharedX(secret, theirs))).toBe(shared(toHex(decodeEllswift(theirs))));
  });
  test('random ones: likewise, with the x of any 64 bytes', () => {
    fc.assert(
      fc.property(arbitraryKey, arbitraryBytes(64), arbitrarySeed, (secret, theirs, seed) => {
        const { x, shared } = platform(secret);
        expect(toHex(decodeEllswift(encodeEllswift(secret, seededRandom(seed))))).toBe(x);
        expect(toHex(sharedX(secret, theirs))).toBe(shared(toHex(decodeEllswift(theirs))));
      }),
      some,
    );
  });
  const refusal = (expected: string) =>
    expect.objectContaining({ code: 'ERR_LOCAL_ARGUMENT', facts: { expected } });
  const noKey = refusal('a private key of 32 bytes, from 1 to n - 1');

  test.each([0n, N, N + 1n, 2n ** 256n - 1n])('%s is none', (value) => {
    expect(() => encodeEllswift(key(value), seededRandom(1))).toThrow(noKey);
    expect(() => sharedX(key(value), new Uint8Array(64))).toThrow(noKey);
  });
  test('wrong sizes are refused', () => {
    const one = key(1n);
    const [short, long] = [new Uint8Array(63), new Uint8Array(65)];
    expect(() => sharedX(new Uint8Array(31).fill(1), new Uint8Array(64))).toThrow(noKey);
    expect(() => sharedX(one, short)).toThrow(refusal('64 bytes, not 63'));
    expect(() => decodeEllswift(long)).toThrow(refusal('64 bytes, not 65'));
    expect(() => sharedSecret(one, short, new Uint8Array(64), true)).toThrow(refusal('64 bytes, not 63'));
    expect(() => sharedSecret(one, new Uint8Array(64), long, true)).toThrow(refusal('64 bytes, not 65'));
  });
  test('a random source that repeats itself is refused after a bounded number of draws', () => {
    let draws = 0;
    const stuck = () => (draws++, new Uint8Array(33));
    expect(() => encodeEllswift(key(5n), stuck)).toThrow(refusal('a random source that varies'));
    expect(draws).toBe(2_000);
  });
});

describe('against @scure/btc-signer', () => {
  test('decode and shared secret of random bytes, in both roles', () => {
    const drawn = [arbitraryKey, arbitraryBytes(64), arbitraryBytes(64), fc.boolean()] as const;
    fc.assert(
      fc.property(...drawn, (secret, ours, theirs, initiating) => {
        expect(toHex(decodeEllswift(theirs))).toBe(toHex(elligatorSwift.decode(theirs)));
        expect(toHex(sharedSecret(secret, ours, theirs, initiating))).toBe(
          toHex(elligatorSwift.getSharedSecretBip324(secret, theirs, ours, initiating)),
        );
      }),
      some,
    );
  });
  test('inverses of random x and u, in all eight cases', () => {
    const theirs = elligatorSwift as unknown as {
      _inv(x: bigint, u: bigint, kind: number): bigint | undefined;
    };
    fc.assert(
      fc.property(arbitraryBytes(64), fc.bigInt(1n, P - 1n), fc.nat(7), (encoded, u, kind) => {
        const x = decodeEllswift(encoded);
        const t = theirs._inv(number(x), u, kind);
        expect(toHex(xswiftecInv(x, key(u), kind))).toBe(t === undefined ? '' : toHex(key(t)));
      }),
      some,
    );
  });
});

describe('the encodings', () => {
  const encodings = (count: number) => {
    const random = seededRandom(324);
    return Array.from({ length: count }, () => encodeEllswift(key(0xbeefn), random));
  };

  /** A source that returns `first`, and then random bytes. */
  const drawing = (first: Uint8Array) => {
    const random = seededRandom(99);
    let drawn = 0;
    return (size: number) => (drawn++ === 0 ? first : random(size));
  };
  const secret = key(0xbeefn);
  const x = fromHex(platform(secret).x);

  test('u and the case are those drawn, all eight of them', () => {
    const us = Array.from({ length: 20 }, (_, i) => seededRandom(i)(32));
    for (let kind = 0; kind < 8; kind++) {
      const possible = us.filter((u) => xswiftecInv(x, u, kind) !== undefined);
      expect(possible.length).toBeGreaterThan(0);
      for (const u of possible) {
        const drawn = drawing(Uint8Array.from([...u, kind + 8]));
        expect(toHex(encodeEllswift(secret, drawn))).toBe(toHex(u) + toHex(xswiftecInv(x, u, kind)));
      }
    }
  });
  test('never with u = 0, which would decode as 1', () => {
    for (const u of [0n, P]) {
      for (let kind = 0; kind < 8; kind++) {
        const encoded = encodeEllswift(secret, drawing(Uint8Array.from([...key(u), kind])));
        expect(toHex(decodeEllswift(encoded))).toBe(toHex(x));
        expect(number(encoded.subarray(0, 32)) % P).not.toBe(0n);
      }
    }
  });
  test('never the same twice', () => {
    expect(new Set(encodings(50).map((each) => toHex(each))).size).toBe(50);
  });
  test('every bit is set about half the time', () => {
    const all = encodings(400);
    const set = Array.from(
      { length: 512 },
      (_, bit) => all.filter((one) => ((one[bit >> 3]! >> (bit & 7)) & 1) === 1).length,
    );
    // Five standard deviations either way.
    expect(Math.min(...set)).toBeGreaterThan(150);
    expect(Math.max(...set)).toBeLessThan(250);
  });
});

describe('the field', () => {
  const [a, b, c] = field.eight(field.slots(8));
  const edges = [0n, 1n, 2n, P - 1n, P, P + 1n, 2n ** 256n - 1n, 2n ** 255n, 2n ** 26n - 1n, 977n];
  const arbitrary = fc.oneof(fc.bigInt(0n, 2n ** 256n - 1n), fc.constantFrom(...edges));

  beforeAll(() => {
    field.compile();
  });

  function read(slot: field.Slot): bigint {
    const out = new Uint8Array(32);
    field.storeBytes(slot, out);
    return number(out);
  }

  function raise(base: bigint, exponent: bigint): bigint {
    let result = 1n;
    for (let x = base % P, e = exponent; e > 0n; e >>= 1n, x = (x * x) % P) {
      if (e & 1n) result = (result * x) % P;
    }
    return result;
  }

  test('products, squares, sums and differences', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (x, y) => {
        field.loadBytes(a, key(x));
        field.loadBytes(b, key(y));
        field.multiply(c, a, b);
        expect(read(c)).toBe((x * y) % P);
        field.square(c, a, 3);
        expect(read(c)).toBe(raise(x, 8n));
        field.sum(c, a, b);
        expect(read(c)).toBe((x + y) % P);
        field.difference(c, a, b);
        expect(read(c)).toBe((x - y + 2n * P) % P);
      }),
      some,
    );
  });
  /** Twenty times itself, unreduced: magnitude 10 when all limbs are full. */
  function twenty(slot: field.Slot): void {
    field.sum(slot, slot, slot);
    field.sum(slot, slot, slot);
    field.copy(c, slot);
    for (let i = 0; i < 4; i++) field.sum(slot, slot, c);
  }

  test('unreduced factors and subtrahends, up to the magnitudes allowed', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (x, y) => {
        field.loadBytes(a, key(x));
        field.loadBytes(b, key(y));
        field.sum(c, b, b);
        field.sum(c, c, b);
        field.difference(c, a, c);
        expect(read(c)).toBe((x - 3n * y + 4n * P) % P);
        for (const slot of [a, b]) twenty(slot);
        field.multiply(c, a, b);
        expect(read(c)).toBe((400n * x * y) % P);
        field.square(c, a);
        expect(read(c)).toBe((400n * x * x) % P);
      }),
      some,
    );
  });
  test('inverse, root and symbol', () => {
    fc.assert(
      fc.property(arbitrary, (x) => {
        field.loadBytes(a, key(x));
        field.inverse(c, a);
        expect(read(c)).toBe(raise(x, P - 2n));
        field.squareRoot(c, a);
        expect(read(c)).toBe(raise(x, (P + 1n) / 4n));
        expect(field.isSquare(a)).toBe(raise(x, (P - 1n) / 2n) === 1n);
      }),
      { numRuns: 100 },
    );
  });
  test('the WebAssembly memory keeps no secrets', () => {
    field.loadNumber(a, 1);
    expect(field.isClear()).toBe(false);
    sharedX(key(N / 3n), encodeEllswift(key(N / 5n), seededRandom(3)));
    expect(field.isClear()).toBe(true);
  });
});
