/**
 * Numbers modulo p = 2^256 - 2^32 - 977, the field of secp256k1 (SEC 2, 2.4.1), held in the memory of the
 * WebAssembly module that `wasm-module.ts` assembles.
 *
 * A number is identified by its {@link Slot}, an address. Operations write to their first argument, which may also be one of
 * the others. `field-wasm.ts` states which magnitudes the operations accept; the results of {@link loadBytes}, {@link
 * multiply}, {@link square}, {@link power} and {@link normalize} have magnitude 1. The memory is shared by all callers, which is safe
 * because nothing here is asynchronous.
 */
import { ELEMENT, LIMB_BITS, LIMBS, TOP_BITS } from './field-wasm.js';
import { program, WORK, WORK_SIZE } from './wasm-module.js';

/** The address of a number. */
export type Slot = number;

/** The exports of the assembled module. */
interface FieldModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  multiply(result: Slot, a: Slot, b: Slot): void;
  square(result: Slot, a: Slot, times: number): void;
  sum(result: Slot, a: Slot, b: Slot): void;
  difference(result: Slot, a: Slot, b: Slot): void;
  addPoints(result: Slot, p: Slot, q: Slot, b3: Slot): void;
  doublePoint(result: Slot, p: Slot, b3: Slot): void;
  pick(result: Slot, table: Slot, index: number, negative: number): void;
  jacobi(words: Slot): number;
}

/** The part of the platform's WebAssembly that is used; TypeScript declares it only in its library for browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

const PAGE = 65_536;
const PAGES = 2;
/** Secrets are only in the memory below this address, which {@link wipe} clears. Public numbers are above it. */
const SCRATCH_END = 8192;

let top = WORK + WORK_SIZE;
let publicTop = SCRATCH_END;

/**
 * Reserves space for `count` consecutive numbers; called when a JavaScript module is loaded.
 * @throws RangeError if the memory is full.
 */
export function slots(count: number): Slot {
  const at = top;
  top += count * ELEMENT;
  if (top > SCRATCH_END) throw new RangeError('the scratch memory is used up');
  return at;
}

/** As {@link slots}, in the memory that {@link wipe} keeps, for constants and tables. */
export function publicSlots(count: number): Slot {
  const at = publicTop;
  publicTop += count * ELEMENT;
  if (publicTop > PAGE * PAGES) throw new RangeError('the memory is used up');
  return at;
}

let wasm: FieldModule;
let words = new Uint32Array(0);

/**
 * Assembles and compiles the module in the first call, which takes some milliseconds; later calls do nothing. Must be called
 * before every other function here except `slots` and `publicSlots`. It is not done on load, so that programs that never use
 * v2 need no time for it.
 */
export function compile(): void {
  if (words.length > 0) return;
  const module = new WebAssembly.Module(program(PAGES));
  wasm = new WebAssembly.Instance(module).exports as FieldModule;
  words = new Uint32Array(wasm.memory.buffer);
}

/** Clears all numbers except those in public slots. */
export function wipe(): void {
  words.fill(0, 0, SCRATCH_END / 4);
}

/** Whether the memory that {@link wipe} clears is all zero; for tests. */
export const isClear = (): boolean => words.subarray(0, SCRATCH_END / 4).every((word) => word === 0);

type Eight = [Slot, Slot, Slot, Slot, Slot, Slot, Slot, Slot];
/** The addresses of eight consecutive numbers. */
export const eight = (first: Slot): Eight =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((i) => first + i * ELEMENT) as Eight;

/** result = a b. */
export const multiply = (result: Slot, a: Slot, b: Slot): void => wasm.multiply(result, a, b);
/** Squares a `times` times: result = a^(2^times). */
export const square = (result: Slot, a: Slot, times = 1): void => wasm.square(result, a, times);
/** result = a + b. */
export const sum = (result: Slot, a: Slot, b: Slot): void => wasm.sum(result, a, b);
/** result = a - b. */
export const difference = (result: Slot, a: Slot, b: Slot): void => wasm.difference(result, a, b);
/** result = p + q, for points of the curve y^2 = x^3 + b; `b3` is 3 b. */
export const addPoints = (result: Slot, p: Slot, q: Slot, b3: Slot): void => wasm.addPoints(result, p, q, b3);
/** result = p + p, as {@link addPoints}. */
export const doublePoint = (result: Slot, p: Slot, b3: Slot): void => wasm.doublePoint(result, p, b3);
/** result = `index` (0 to 8) times the point of a table of multiples, negated if `negative` is 1. */
export const pick = (result: Slot, table: Slot, index: number, negative: number): void =>
  wasm.pick(result, table, index, negative);

const LIMB_MASK = 2 ** LIMB_BITS - 1;
const TOP_MASK = 2 ** TOP_BITS - 1;

/** result = a, without normalizing. */
export function copy(result: Slot, a: Slot): void {
  words.copyWithin(result / 4, a / 4, (a + ELEMENT) / 4);
}

/** Loads 32 bytes at offset `at`, big-endian; the value may be p or above. */
export function loadBytes(result: Slot, bytes: Uint8Array, at = 0): void {
  const limbs = result / 4;
  words.fill(0, limbs, limbs + LIMBS);
  for (let i = 0; i < 32; i++) {
    const bit = 8 * i;
    const limb = Math.trunc(bit / LIMB_BITS);
    const shift = bit - limb * LIMB_BITS;
    const value = bytes[at + 31 - i]! << shift;
    words[limbs + limb]! |= value & LIMB_MASK;
    if (shift > LIMB_BITS - 8) words[limbs + limb + 1]! |= bytes[at + 31 - i]! >>> (LIMB_BITS - shift);
  }
}

/** Loads a small number, 0 to 2^26 - 1. */
export function loadNumber(result: Slot, value: number): void {
  const limbs = result / 4;
  words.fill(0, limbs, limbs + LIMBS);
  words[limbs] = value;
}

/** Adds `low` to limb 0 and `high` to limb 1 and carries through all limbs; returns the excess above 2^256. */
function carryAll(limbs: number, low: number, high: number): number {
  let carry = low;
  for (let i = 0; i < LIMBS - 1; i++) {
    const value = words[limbs + i]! + carry + (i === 1 ? high : 0);
    words[limbs + i] = value & LIMB_MASK;
    carry = Math.trunc(value / (LIMB_MASK + 1));
  }
  const value = words[limbs + LIMBS - 1]! + carry;
  words[limbs + LIMBS - 1] = value & TOP_MASK;
  return value >>> TOP_BITS;
}

/** 2^256 - p = 2^32 + 977, as two limbs. */
const EXCESS_LOW = 977;
const EXCESS_HIGH = 64;
const trial = slots(1);

/** Reduces a number to its unique form: 0 to p - 1, every limb within its bits. No branch depends on the value. */
export function normalize(a: Slot): void {
  const limbs = a / 4;
  let over = carryAll(limbs, 0, 0);
  over = carryAll(limbs, over * EXCESS_LOW, over * EXCESS_HIGH);
  carryAll(limbs, over * EXCESS_LOW, over * EXCESS_HIGH);
  copy(trial, a);
  const mask = -carryAll(trial / 4, EXCESS_LOW, EXCESS_HIGH);
  for (let i = 0; i < LIMBS; i++) {
    const value = words[limbs + i]!;
    words[limbs + i] = value ^ ((value ^ words[trial / 4 + i]!) & mask);
  }
}

/** Byte i of a normalized number, the one with the weight 2^(8 i). */
function byteOf(limbs: number, i: number): number {
  const limb = Math.trunc((8 * i) / LIMB_BITS);
  const shift = 8 * i - limb * LIMB_BITS;
  const above = shift > LIMB_BITS - 8 ? words[limbs + limb + 1]! << (LIMB_BITS - shift) : 0;
  return ((words[limbs + limb]! >>> shift) | above) & 0xff;
}

/** Normalizes a and writes it as 32 bytes, big-endian, to `into` at offset `at`. */
export function storeBytes(a: Slot, into: Uint8Array, at = 0): void {
  normalize(a);
  for (let i = 0; i < 32; i++) into[at + 31 - i] = byteOf(a / 4, i);
}

/** Normalizes a, and returns whether it is zero. */
export function isZero(a: Slot): boolean {
  normalize(a);
  let any = 0;
  for (let i = 0; i < LIMBS; i++) any |= words[a / 4 + i]!;
  return any === 0;
}

const canonical = slots(1);
const symbol = slots(1);

/** Whether a is a square and not zero. The time depends on a, so it must not be used for private keys. */
export function isSquare(a: Slot): boolean {
  copy(canonical, a);
  if (isZero(canonical)) return false;
  for (let i = 0; i < 8; i++) words[symbol / 4 + i] = wordOf(canonical / 4, i);
  return wasm.jacobi(symbol) === 1;
}

/** Word i of a normalized number, the 32 bits with the weight 2^(32 i). */
function wordOf(limbs: number, i: number): number {
  const limb = Math.trunc((32 * i) / LIMB_BITS);
  const shift = 32 * i - limb * LIMB_BITS;
  const above = words[limbs + limb + 1]! << (LIMB_BITS - shift);
  const highest = LIMBS > limb + 2 && shift > 20 ? words[limbs + limb + 2]! << (2 * LIMB_BITS - shift) : 0;
  return (words[limbs + limb]! >>> shift) | above | highest;
}

/** Powers whose exponents are 1, 2, 3, 11, 22, 44 and 88 binary ones, and the intermediate result. */
const chain = eight(slots(8));

/** Squares `a` `times` times and multiplies by `b`, which shifts the exponent and adds that of `b`. `b` must not be `result`. */
function shiftMultiply(result: Slot, a: Slot, times: number, b: Slot): void {
  square(result, a, times);
  multiply(result, result, b);
}

/**
 * result = a^((p - 3) / 4), from which square root and inverse are computed. The exponent in binary is 223 ones, a zero, 22 ones,
 * 00001011. Runs of ones are built by doubling their length, an addition chain as in libsecp256k1.
 */
export function power(result: Slot, a: Slot): void {
  const [x1, x2, x3, x11, x22, x44, x88, run] = chain;
  copy(x1, a);
  shiftMultiply(x2, x1, 1, x1);
  shiftMultiply(x3, x2, 1, x1);
  shiftMultiply(x11, x3, 3, x3);
  shiftMultiply(x11, x11, 3, x3);
  shiftMultiply(x11, x11, 2, x2);
  shiftMultiply(x22, x11, 11, x11);
  shiftMultiply(x44, x22, 22, x22);
  shiftMultiply(x88, x44, 44, x44);
  shiftMultiply(run, x88, 88, x88);
  shiftMultiply(run, run, 44, x44);
  shiftMultiply(run, run, 3, x3);
  shiftMultiply(run, run, 23, x22);
  shiftMultiply(run, run, 5, x1);
  shiftMultiply(result, run, 3, x2);
}

const root = slots(1);

/** result = 1 / a; 0 for 0. */
export function inverse(result: Slot, a: Slot): void {
  power(root, a);
  square(root, root, 2);
  multiply(result, root, a);
}

/** result = the square root of a that is itself a square; a must be a square. */
export function squareRoot(result: Slot, a: Slot): void {
  power(root, a);
  multiply(result, root, a);
}
