/**
 * The WebAssembly module of the curve: field arithmetic (`field-wasm.ts`), point addition and doubling, a table look-up
 * that reads every entry, and the Jacobi symbol (`jacobi.ts`). It is assembled from this source when the first key
 * is created; the repository contains no binary.
 *
 * A point is three consecutive elements X, Y, Z, the projective coordinates of (X/Z, Y/Z) on y^2 = x^3 + b; (0, 1, 0) is the
 * point at infinity. The formulas are the complete ones for a = 0 of Renes, Costello and Batina, "Complete addition
 * formulas for prime order elliptic curves" (2016), algorithms 7 and 9: the same instructions for every pair of points,
 * without special cases. Magnitudes (see `field-wasm.ts`) of a result: X 5, Y 2, Z 2.
 */
import {
  add,
  add32,
  and,
  assemble,
  call,
  type Code,
  equal,
  get,
  i32,
  i64,
  isZero,
  load64,
  or,
  set,
  type Routine,
  store64,
  sub,
  widen,
  xor,
} from './wasm-assembler.js';
import { jacobi } from './jacobi.js';
import { addition, ELEMENT, multiply, multipleOfP, square, subtraction } from './field-wasm.js';

/** Bytes of one point. */
export const POINT = 3 * ELEMENT;
/** Entries of a look-up table: the multiples 1 to 8 of a point. */
export const ENTRIES = 8;
/** Address and size of the module's work space. */
export const WORK = 0;
export const WORK_SIZE = 8 * ELEMENT;

/** The numbers of the module's routines, with which they call each other: their order in `program`. */
const MULTIPLY = 0;
const SQUARE = 1;
const SUM = 2;
const DIFFERENCE = 3;

const product = (result: Code, a: Code, b: Code): Code => call(MULTIPLY, result, a, b);
const squared = (result: Code, a: Code): Code => call(SQUARE, result, a, i32(1));
const plus = (result: Code, a: Code, b: Code): Code => call(SUM, result, a, b);
const minus = (result: Code, a: Code, b: Code): Code => call(DIFFERENCE, result, a, b);

type Eight = [Code, Code, Code, Code, Code, Code, Code, Code];
const [t0, t1, t2, t3, t4, t5, t6, t7] = [0, 1, 2, 3, 4, 5, 6, 7].map((n) =>
  i32(WORK + n * ELEMENT),
) as Eight;

/** X, Y, Z of the point whose address is in a parameter. */
const coordinates = (parameter: number): [Code, Code, Code] => [
  get(parameter),
  add32(get(parameter), i32(ELEMENT)),
  add32(get(parameter), i32(2 * ELEMENT)),
];

/** `addPoints(result, p, q, b3)`: b3 is the address of 3 b. The addresses may be equal. */
function addPoints(): Routine {
  const [x3, y3, z3] = coordinates(0);
  const [x1, y1, z1] = coordinates(1);
  const [x2, y2, z2] = coordinates(2);
  const b3 = get(3);
  /** (a1 + b1)(a2 + b2) - aa - bb = a1 b2 + a2 b1 */
  const cross = (result: Code, a: [Code, Code, Code], b: [Code, Code, Code]): Code => [
    plus(t6, a[0], b[0]),
    plus(t7, a[1], b[1]),
    product(result, t6, t7),
    plus(t6, a[2], b[2]),
    minus(result, result, t6),
  ];
  const body = [
    [product(t0, x1, x2), product(t1, y1, y2), product(t2, z1, z2)],
    [cross(t3, [x1, x2, t0], [y1, y2, t1]), cross(t4, [y1, y2, t1], [z1, z2, t2])],
    cross(t5, [x1, x2, t0], [z1, z2, t2]),
    [plus(t6, t0, t0), plus(t0, t0, t6), product(t2, t2, b3), product(t5, t5, b3)],
    [plus(t6, t1, t2), minus(t1, t1, t2)],
    [product(t2, t3, t1), product(t7, t4, t5), minus(x3, t2, t7)],
    [product(t1, t1, t6), product(t5, t5, t0), plus(y3, t1, t5)],
    [product(t6, t6, t4), product(t0, t0, t3), plus(z3, t6, t0)],
  ];
  return { params: 4, locals: 0, body };
}

/** `doublePoint(result, p, b3)`. The addresses may be equal. */
function doublePoint(): Routine {
  const [x3, y3, z3] = coordinates(0);
  const [x, y, z] = coordinates(1);
  const b3 = get(2);
  const body = [
    [squared(t0, y), plus(t3, t0, t0), plus(t3, t3, t3), plus(t3, t3, t3)],
    [product(t1, y, z), squared(t2, z), product(t2, t2, b3), product(t4, x, y)],
    [product(t5, t2, t3), plus(t6, t0, t2), product(z3, t1, t3)],
    [plus(t1, t2, t2), plus(t2, t1, t2), minus(t0, t0, t2)],
    [product(t6, t0, t6), plus(y3, t5, t6)],
    [product(t4, t0, t4), plus(x3, t4, t4)],
  ];
  return { params: 3, locals: 0, body };
}

/**
 * `pick(result, table, index, negative)`: entry `index` (1 to 8) of a table of multiples, or infinity for 0; its
 * negative if `negative` is 1. Every entry is read for every index, so that cache timing does not reveal the index.
 */
function pick(): Routine {
  const [INDEX, SIGN, FIRST] = [4, 5, 6];
  const mask = (condition: Code): Code => sub(i64(0), widen(condition));
  const masks = Array.from({ length: ENTRIES }, (_, i) =>
    set(FIRST + i, mask(equal(get(INDEX), i64(i + 1)))),
  );
  const word = (at: number): Code =>
    Array.from({ length: ENTRIES }, (_, i) => and(load64(get(1), i * POINT + at), get(FIRST + i))).reduce(
      (all, one) => or(all, one),
    );
  const plain = (at: number): Code => store64(get(0), at, word(at));
  const signed = (at: number): Code => {
    const value = get(FIRST + ENTRIES);
    const one = at === 0 ? widen(isZero(get(INDEX))) : i64(0);
    const opposite = and(xor(value, sub(i64(multipleOfP(at)), value)), get(SIGN));
    return [
      set(FIRST + ENTRIES, add(word(ELEMENT + at), one)),
      store64(get(0), ELEMENT + at, xor(value, opposite)),
    ];
  };
  const words = [0, 8, 16, 24, 32];
  const body = [
    [set(INDEX, widen(get(2))), set(SIGN, mask(get(3))), masks],
    words.map((at) => [plain(at), signed(at), plain(2 * ELEMENT + at)]),
  ];
  return { params: 4, locals: 3 + ENTRIES, body };
}

/** The binary of the module, with a memory of `pages` × 64 KiB. */
export function program(pages: number): Uint8Array {
  const routines = {
    multiply: multiply(),
    square: square(),
    sum: addition(),
    difference: subtraction(),
    addPoints: addPoints(),
    doublePoint: doublePoint(),
    pick: pick(),
    jacobi: jacobi(),
  };
  return assemble(routines, pages);
}
