/**
 * Multiplication of points of secp256k1 by private keys, in constant time: the same instructions and the same
 * memory reads for every key (see `wasm-module.ts` for points and formulas).
 *
 * A key is converted to 65 digits of -8 to 7 (the last: 0 or 1), digit i having the weight 16^i. Each digit selects one of
 * eight precomputed multiples, 0, or the negative of a multiple.
 */
import {
  addPoints,
  copy,
  doublePoint,
  loadBytes,
  loadNumber,
  pick,
  publicSlots,
  type Slot,
  slots,
} from './field.js';
import { ELEMENT } from './field-wasm.js';
import { ENTRIES, POINT } from './wasm-module.js';

const COORDINATES = POINT / ELEMENT;
const DIGITS = 65;
const TABLE = ENTRIES * POINT;

/** The generator (SEC 2, 2.4.1). */
const GENERATOR_X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const GENERATOR_Y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
/** The order n of the group, the number of points. */
const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const order = bytesOf(ORDER);
const picked = slots(COORDINATES);
const multiples = slots(ENTRIES * COORDINATES);
const baseTables = publicSlots(DIGITS * ENTRIES * COORDINATES);
const generator = publicSlots(COORDINATES);
/** 3 × 7, for the curve y^2 = x^3 + 7. */
const THREE_B = 21;
const threeB = publicSlots(1);

/** Whether 32 bytes, big-endian, are a private key: 1 to n - 1. */
export function isKey(key: Uint8Array): boolean {
  let borrow = 0;
  let any = 0;
  for (let i = 31; i >= 0; i--) {
    borrow = (key[i]! - order[i]! - borrow) >>> 31;
    any |= key[i]!;
  }
  return key.length === 32 && any !== 0 && borrow === 1;
}

/** Writes the multiples 1 to 8 of a point to a table. */
function tabulate(table: Slot, point: Slot, b3: Slot): void {
  for (let i = 0; i < COORDINATES; i++) copy(table + i * ELEMENT, point + i * ELEMENT);
  doublePoint(table + POINT, table, b3);
  for (let i = 2; i < ENTRIES; i++) addPoints(table + i * POINT, table + (i - 1) * POINT, table, b3);
}

/**
 * Computes the constants, including the multiples of 16^i G for each digit: 62 kB, in less than a millisecond when
 * compiled.
 */
export function prepareCurve(): void {
  loadNumber(threeB, THREE_B);
  loadBytes(generator, bytesOf(GENERATOR_X));
  loadBytes(generator + ELEMENT, bytesOf(GENERATOR_Y));
  loadNumber(generator + 2 * ELEMENT, 1);
  for (let i = 0; i < DIGITS; i++) {
    const table = baseTables + i * TABLE;
    tabulate(table, generator, threeB);
    doublePoint(generator, table + TABLE - POINT, threeB);
  }
}

const digits = new Int8Array(DIGITS);

/** Sets `digits` to those of a key, lowest first. 8 is added to each nibble, with carry, and subtracted from the digit. */
function recode(key: Uint8Array): void {
  let carry = 0;
  for (let i = 0; i < DIGITS - 1; i++) {
    const value = ((key[31 - (i >> 1)]! >> (4 * (i & 1))) & 15) + 8 + carry;
    digits[i] = (value & 15) - 8;
    carry = value >> 4;
  }
  digits[DIGITS - 1] = carry;
}

/** result = the multiple that digit `i` selects from a table. */
function lookUp(result: Slot, table: Slot, i: number): void {
  const digit = digits[i]!;
  const negative = digit >> 31;
  pick(result, table, (digit ^ negative) - negative, negative & 1);
}

/** result = key × G on secp256k1. */
export function multiplyGenerator(result: Slot, key: Uint8Array): void {
  recode(key);
  lookUp(result, baseTables, 0);
  for (let i = 1; i < DIGITS; i++) {
    lookUp(picked, baseTables + i * TABLE, i);
    addPoints(result, result, picked, threeB);
  }
  digits.fill(0);
}

/** result = key × point, on the curve y^2 = x^3 + b to which the point belongs; `b3` is 3 b. */
export function multiplyPoint(result: Slot, point: Slot, key: Uint8Array, b3: Slot): void {
  tabulate(multiples, point, b3);
  recode(key);
  lookUp(result, multiples, DIGITS - 1);
  for (let i = DIGITS - 2; i >= 0; i--) {
    for (let n = 0; n < 4; n++) doublePoint(result, result, b3);
    lookUp(picked, multiples, i);
    addPoints(result, result, picked, b3);
  }
  digits.fill(0);
}
