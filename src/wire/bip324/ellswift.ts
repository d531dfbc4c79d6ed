/**
 * ElligatorSwift for secp256k1 (BIP324, "ElligatorSwift encoding of curve X coordinates"): encodes the x coordinate of a
 * public key as 64 bytes that are indistinguishable from random bytes. Any 64 bytes can be decoded; every
 * x has about 2^256 encodings.
 *
 * Bytes: two numbers u and t, 32 bytes each, big-endian, taken modulo p. Squares are tested with the Jacobi symbol, and x
 * coordinates are kept as fractions, so that a key costs one inversion and one or two square roots, and a shared secret one
 * inversion and no square root.
 */
import { VerackError } from '../../reasons.js';
import { sha256 } from '../hash.js';
import { isKey, multiplyGenerator, multiplyPoint, prepareCurve } from './secp256k1/scalar-multiplication.js';
import {
  compile,
  copy,
  difference,
  eight,
  inverse,
  isSquare,
  isZero,
  loadBytes,
  loadNumber,
  multiply,
  normalize,
  power,
  publicSlots,
  type Slot,
  slots,
  square,
  squareRoot,
  storeBytes,
  sum,
  wipe,
} from './secp256k1/field.js';
import { ELEMENT } from './secp256k1/field-wasm.js';

/** Size of an encoded public key. */
export const ELLSWIFT_SIZE = 64;
/** Size of a private key and of a shared secret. */
export const SECRET_SIZE = 32;

/** Returns that many unpredictable random bytes. */
export type RandomBytes = (size: number) => Uint8Array;

const seven = publicSlots(1);
const one = publicSlots(1);
const zero = publicSlots(1);
const half = publicSlots(1);
/** The square root of -3 that is itself a square, and (1 ∓ root3) / 2. */
const root3 = publicSlots(1);
const minusHalf = publicSlots(1);
const plusHalf = publicSlots(1);

let isPrepared = false;

/** Compiles the field and computes the constants, once. */
function prepare(): void {
  if (isPrepared) return;
  compile();
  isPrepared = true;
  prepareCurve();
  loadNumber(seven, 7);
  loadNumber(one, 1);
  loadNumber(zero, 0);
  loadNumber(half, 2);
  inverse(half, half);
  loadNumber(root3, 3);
  difference(root3, zero, root3);
  squareRoot(root3, root3);
  difference(minusHalf, one, root3);
  multiply(minusHalf, minusHalf, half);
  sum(plusHalf, one, root3);
  multiply(plusHalf, plusHalf, half);
}

// Work space, with the names of the BIP where it has one. `n / d` is the x coordinate being computed.
const [x, u, t, g, s, v, w, r] = eight(slots(8));
const [n, d, curve, a, b, e, scale, b3] = eight(slots(8));
const point = slots(3);

const negate = (result: Slot, of: Slot): void => difference(result, zero, of);

/** result = a^3 + 7. */
function cubePlus7(result: Slot, of: Slot): void {
  square(result, of);
  multiply(result, result, of);
  sum(result, result, seven);
}

/** t = ±w (u (1 ∓ root3) / 2 + v), with signs that depend on the case. */
function finishInverse(kind: number): void {
  multiply(t, u, (kind & 1) === 0 ? minusHalf : plusHalf);
  sum(t, t, v);
  multiply(t, t, w);
  if ((kind & 5) === 0 || (kind & 5) === 5) negate(t, t);
}

/** Cases 0, 1, 4, 5: v = x, and w is the square root of s = -g / (u^2 + u v + v^2), computed with one power and no division. */
function inverseFirst(): boolean {
  sum(a, x, u);
  negate(a, a);
  cubePlus7(b, a);
  if (isSquare(b)) return false;
  square(d, u);
  multiply(a, u, x);
  sum(d, d, a);
  square(a, x);
  sum(d, d, a);
  negate(n, g);
  multiply(a, n, d);
  if (!isSquare(a)) return false;
  square(b, d);
  multiply(b, b, a);
  power(e, b);
  multiply(w, a, e);
  copy(v, x);
  return true;
}

/**
 * Cases 2, 3, 6, 7: s = x - u, r^2 = -s (4 g + 3 s u^2), v = (r / s - u) / 2. The square root and the inverse of s are
 * computed from one power.
 */
function inverseSecond(kind: number): boolean {
  difference(s, x, u);
  if (isZero(s) || !isSquare(s)) return false;
  square(a, u);
  multiply(a, a, s);
  sum(b, a, a);
  sum(b, b, a);
  sum(a, g, g);
  sum(a, a, a);
  sum(b, b, a);
  negate(a, s);
  multiply(b, b, a);
  const double = isZero(b);
  if (double ? (kind & 1) === 1 : !isSquare(b)) return false;
  squareRoot(r, b);
  power(e, s);
  multiply(w, e, s);
  square(e, e);
  multiply(v, r, e);
  difference(v, v, u);
  multiply(v, v, half);
  return true;
}

/** Computes t from x and u for a case, 0 to 7; false if this case has no solution. */
function invert(kind: number): boolean {
  cubePlus7(g, u);
  if (!((kind & 2) === 0 ? inverseFirst() : inverseSecond(kind))) return false;
  finishInverse(kind);
  return true;
}

/** Whether n / d is the x coordinate of a point, which is so if (n^3 + 7 d^3) d is a square. Sets `curve` to n^3 + 7 d^3. */
function isOnCurve(): boolean {
  square(curve, d);
  multiply(curve, curve, d);
  multiply(curve, curve, seven);
  square(a, n);
  multiply(a, a, n);
  sum(curve, curve, a);
  multiply(a, curve, d);
  return isSquare(a);
}

/** Loads u and t, replaces the values for which the function is undefined as in the BIP, and computes s = t^2, g = u^3 + 7, w = g + s. */
function loadEncoded(encoded: Uint8Array): void {
  loadBytes(u, encoded);
  loadBytes(t, encoded, SECRET_SIZE);
  if (isZero(u)) copy(u, one);
  if (isZero(t)) copy(t, one);
  cubePlus7(g, u);
  square(s, t);
  sum(w, g, s);
  if (!isZero(w)) return;
  sum(t, t, t);
  square(s, t);
  sum(w, g, s);
  normalize(w);
}

/**
 * XSwiftEC: sets n / d to the first of three candidates that is on the curve. With X = (g - s) / 2t and Y = w / (2t root3 u):
 * u + 4 Y^2 = (3 s u^3 - w^2) / 3 s u^2, and (∓X / Y - u) / 2 = -u (w ± root3 (g - s)) / 2w.
 */
function decodeFraction(encoded: Uint8Array): void {
  loadEncoded(encoded);
  square(a, u);
  multiply(a, a, s);
  sum(d, a, a);
  sum(d, d, a);
  multiply(n, d, u);
  square(a, w);
  difference(n, n, a);
  if (isOnCurve()) return;
  difference(v, g, s);
  multiply(v, v, root3);
  sum(d, w, w);
  sum(n, w, v);
  multiply(n, n, u);
  negate(n, n);
  if (isOnCurve()) return;
  difference(n, v, w);
  multiply(n, n, u);
  // One of the three is always on the curve, so this one is; the call is for its side effect on `curve`.
  isOnCurve();
}

/** Runs `work`, then clears the module's memory, also if it throws. */
function thenWipe<T>(work: () => T): T {
  prepare();
  try {
    return work();
  } finally {
    wipe();
  }
}

const bytesOf = (number: Slot): Uint8Array => {
  const out = new Uint8Array(SECRET_SIZE);
  storeBytes(number, out);
  return out;
};

function check(right: boolean, expected: string): void {
  if (!right) throw new VerackError('ERR_LOCAL_ARGUMENT', { expected });
}

const checkSize = (bytes: Uint8Array, size: number): void =>
  check(bytes.length === size, `${size} bytes, not ${bytes.length}`);
const checkKey = (key: Uint8Array): void => check(isKey(key), 'a private key of 32 bytes, from 1 to n - 1');

/**
 * XSwiftECInv: the t (32 bytes) with which u (32 bytes) encodes x (32 bytes, of a point), for one of eight cases; undefined
 * if this case has none. Exported only for the BIP's test vectors.
 */
export function xswiftecInv(xBytes: Uint8Array, uBytes: Uint8Array, kind: number): Uint8Array | undefined {
  return thenWipe(() => {
    loadBytes(x, xBytes);
    loadBytes(u, uBytes);
    return invert(kind) ? bytesOf(t) : undefined;
  });
}

/**
 * The x coordinate, 32 bytes big-endian, encoded by 64 bytes. Defined for all values of the bytes.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` if the input does not have 64 bytes.
 */
export function decodeEllswift(encoded: Uint8Array): Uint8Array {
  checkSize(encoded, ELLSWIFT_SIZE);
  return thenWipe(() => {
    decodeFraction(encoded);
    inverse(d, d);
    multiply(x, n, d);
    return bytesOf(x);
  });
}

/** One try in four succeeds, so only a broken random source needs this many. */
const MAX_TRIES = 2000;

/** Sets x to the affine x coordinate of key × G. */
function publicX(key: Uint8Array): void {
  multiplyGenerator(point, key);
  inverse(a, point + 2 * ELEMENT);
  multiply(x, point, a);
}

/** Takes u (32 bytes) and the case (3 bits) from `drawn`, 33 bytes; whether they encode x. */
function tryDraw(drawn: Uint8Array): boolean {
  loadBytes(u, drawn);
  return !isZero(u) && invert(drawn[SECRET_SIZE]! & 7);
}

/**
 * An encoding of the private key's public key, drawn uniformly from all of them with `random` (33 bytes per try, four
 * tries on average).
 * @throws VerackError `ERR_LOCAL_ARGUMENT` if the key is not 32 bytes from 1 to n - 1, or `random` always returns the same bytes.
 */
export function encodeEllswift(key: Uint8Array, random: RandomBytes): Uint8Array {
  checkKey(key);
  return thenWipe(() => {
    publicX(key);
    let tries = 0;
    while (!tryDraw(random(SECRET_SIZE + 1))) check(++tries < MAX_TRIES, 'a random source that varies');
    const encoded = new Uint8Array(ELLSWIFT_SIZE);
    storeBytes(u, encoded);
    storeBytes(t, encoded, SECRET_SIZE);
    return encoded;
  });
}

/**
 * The x coordinate, 32 bytes big-endian, of our private key times their point. Needs no square root: with c = n^3 + 7
 * d^3, (c n, c^2) is a point of the curve y^2 = x^3 + 7 (c d)^3, on which every x is c d times that on secp256k1.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an invalid private key, or an encoding that does not have 64 bytes.
 */
export function sharedX(key: Uint8Array, theirs: Uint8Array): Uint8Array {
  checkKey(key);
  checkSize(theirs, ELLSWIFT_SIZE);
  return thenWipe(() => {
    decodeFraction(theirs);
    multiply(scale, curve, d);
    square(b3, scale);
    multiply(b3, b3, scale);
    loadNumber(a, 21);
    multiply(b3, b3, a);
    multiply(point, curve, n);
    square(point + ELEMENT, curve);
    loadNumber(point + 2 * ELEMENT, 1);
    multiplyPoint(point, point, key, b3);
    multiply(a, point + 2 * ELEMENT, scale);
    inverse(a, a);
    multiply(x, point, a);
    return bytesOf(x);
  });
}

const TAG = sha256(new TextEncoder().encode('bip324_ellswift_xonly_ecdh'));

/**
 * BIP324's shared secret, 32 bytes: the BIP340 tagged hash of the initiator's encoded key, the responder's, and the x coordinate of the
 * shared point. `key` is our private key; `ours` and `theirs` are encoded public keys of 64 bytes.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an invalid private key, or an encoding that does not have 64 bytes.
 */
export function sharedSecret(
  key: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
  initiating: boolean,
): Uint8Array {
  checkSize(ours, ELLSWIFT_SIZE);
  const shared = sharedX(key, theirs);
  const hashed = new Uint8Array(2 * SECRET_SIZE + 2 * ELLSWIFT_SIZE + SECRET_SIZE);
  const parts = [TAG, TAG, initiating ? ours : theirs, initiating ? theirs : ours, shared];
  parts.reduce((at, part) => (hashed.set(part, at), at + part.length), 0);
  const secret = sha256(hashed);
  shared.fill(0);
  hashed.fill(0);
  return secret;
}
