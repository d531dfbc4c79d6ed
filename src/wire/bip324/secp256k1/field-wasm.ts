/**
 * Arithmetic modulo p = 2^256 - 2^32 - 977 as WebAssembly, written out by the functions below.
 *
 * An element is 10 limbs of 32 bits, least significant first, limb i counting for 2^(26 i): {@link ELEMENT} bytes
 * of memory. Limbs may exceed their 26 bits (the last: 22). An element has magnitude m when limb i is at most 2 m
 * (2^26 - 1), and the last at most 2 m (2^22 - 1): a product has magnitude 1, a sum the sum of both, a difference
 * that of the minuend plus 4. Factors may be unreduced as long as the product of their magnitudes is at most 100:
 * then ten products of limbs fit into 64 bits. No instruction depends on the values: no branch, no table, no early
 * end.
 */
import {
  add,
  and,
  type Code,
  get,
  i32,
  i64,
  load32,
  load64,
  mul,
  repeatWhile,
  set,
  type Routine,
  shl,
  shr,
  store32,
  store64,
  sub,
  sub32,
} from './wasm-assembler.js';

/** Bytes of one element. */
export const ELEMENT = 40;
export const LIMBS = 10;
export const LIMB_BITS = 26;
export const TOP_BITS = 22;

const MASK = 2 ** LIMB_BITS - 1;
const TOP_MASK = 2 ** TOP_BITS - 1;

/** 2^260 mod p = 2^36 + 15632, as two limbs: what a limb ten places up counts for down here. */
const FOLD_LOW = 15632;
const FOLD_HIGH = 1024;
/** 2^256 mod p = 2^32 + 977, as two limbs. */
const TOP_LOW = 977;
const TOP_HIGH = 64;

/** p as limbs. */
const P = [0x3fffc2f, 0x3ffffbf, ...Array.from({ length: 7 }, () => MASK), TOP_MASK];

const RESULT = 0;
const A = 1;
const B = 2;

/** One column of a product: the sum of a_i b_j with i + j = column. */
type Column = (column: number) => Code;

function pairs(column: number): [number, number][] {
  const all = Array.from({ length: LIMBS }, (_, i): [number, number] => [i, column - i]);
  return all.filter(([, j]) => j >= 0 && j < LIMBS);
}

const sum = (terms: readonly Code[]): Code => terms.reduce((total, term) => add(total, term));

/** Columns of a × b, the limbs of both in locals. */
const productColumn =
  (a: number, b: number): Column =>
  (column) =>
    sum(pairs(column).map(([i, j]) => mul(get(a + i), get(b + j))));

/** Columns of a × a: each mixed term stands for two. */
const squareColumn =
  (a: number): Column =>
  (column) => {
    const mixed = pairs(column).filter(([i, j]) => i < j);
    const middle = column % 2 === 0 ? [mul(get(a + column / 2), get(a + column / 2))] : [];
    if (mixed.length === 0) return sum(middle);
    return sum([shl(sum(mixed.map(([i, j]) => mul(get(a + i), get(a + j)))), i64(1)), ...middle]);
  };

const below = (local: number): Code => and(get(local), i64(MASK));
const carry = (local: number, bits = LIMB_BITS): Code => set(local, shr(get(local), i64(bits)));
const raise = (local: number, by: Code): Code => set(local, add(get(local), by));
const times = (local: number, factor: number): Code => mul(get(local), i64(factor));

/** Work space of a product: two running sums, one folded limb, ten limbs of result. */
interface Space {
  readonly low: number;
  readonly high: number;
  readonly fold: number;
  readonly out: number;
}

/**
 * All columns, two at a time: column k and column k + 10, whose limb is folded into the former at once. Column 9 is
 * begun first because its carry goes into column 10.
 */
function columns(column: Column, { low, high, fold, out }: Space): Code {
  const step = (k: number): Code => [
    raise(high, column(k + LIMBS)),
    set(fold, below(high)),
    carry(high),
    raise(low, add(column(k), times(fold, FOLD_LOW))),
    set(out + k, below(low)),
    carry(low),
    raise(low, times(fold, FOLD_HIGH)),
  ];
  const first = [
    set(high, column(LIMBS - 1)),
    set(out + LIMBS - 1, below(high)),
    carry(high),
    set(low, i64(0)),
  ];
  return [first, Array.from({ length: LIMBS - 1 }, (_, k) => step(k))];
}

/** What is left above limb 9, folded twice: once with the weight 2^260, once with 2^256. */
function finish({ low, high, out }: Space): Code {
  return [
    raise(low, add(times(high, FOLD_LOW), get(out + 9))),
    set(out + 9, and(get(low), i64(TOP_MASK))),
    carry(low, TOP_BITS),
    raise(low, times(high, FOLD_HIGH * 2 ** (LIMB_BITS - TOP_BITS))),
    set(high, add(times(low, TOP_LOW), get(out))),
    set(out, below(high)),
    carry(high),
    raise(high, add(times(low, TOP_HIGH), get(out + 1))),
    set(out + 1, below(high)),
    carry(high),
    raise(out + 2, get(high)),
  ];
}

const limbNumbers = Array.from({ length: LIMBS }, (_, i) => i);
const fetch = (from: number, local: number): Code =>
  limbNumbers.map((i) => set(local + i, load32(get(from), 4 * i)));
const keep = (local: number): Code => limbNumbers.map((i) => store32(get(RESULT), 4 * i, get(local + i)));

/** `multiply(result, a, b)`. Addresses may coincide. */
export function multiply(): Routine {
  const a = 3;
  const b = a + LIMBS;
  const out = b + LIMBS;
  const space = { out, low: out + LIMBS, high: out + LIMBS + 1, fold: out + LIMBS + 2 };
  const body = [fetch(A, a), fetch(B, b), columns(productColumn(a, b), space), finish(space), keep(out)];
  return { params: 3, locals: 3 * LIMBS + 3, body };
}

/** `square(result, a, times)`: squares `times` times, at least once. */
export function square(): Routine {
  const a = 3;
  const out = a + LIMBS;
  const space = { out, low: out + LIMBS, high: out + LIMBS + 1, fold: out + LIMBS + 2 };
  const round = [
    columns(squareColumn(a), space),
    finish(space),
    limbNumbers.map((i) => set(a + i, get(out + i))),
    set(B, sub32(get(B), i32(1))),
  ];
  const body = [fetch(A, a), repeatWhile(round, get(B)), keep(out)];
  return { params: 3, locals: 2 * LIMBS + 3, body };
}

/** Two limbs at a time: no limb ever carries into its neighbour. */
const inPairs = (pair: (offset: number) => Code): Code =>
  [0, 8, 16, 24, 32].map((offset) => store64(get(RESULT), offset, pair(offset)));

/** `sum(result, a, b)`. */
export function addition(): Routine {
  const body = inPairs((offset) => add(load64(get(A), offset), load64(get(B), offset)));
  return { params: 3, locals: 0, body };
}

/** 8 p: the multiple that keeps every limb of a difference positive for a subtrahend of magnitude up to 3. */
export const multipleOfP = (offset: number): bigint => {
  const at = offset / 4;
  return BigInt(P[at]! * 8) | (BigInt(P[at + 1]! * 8) << 32n);
};

/** `difference(result, a, b)`: b of magnitude up to 3. */
export function subtraction(): Routine {
  const minuend = (offset: number) => add(load64(get(A), offset), i64(multipleOfP(offset)));
  const body = inPairs((offset) => sub(minuend(offset), load64(get(B), offset)));
  return { params: 3, locals: 0, body };
}
