/**
 * The Jacobi symbol (a | p) in WebAssembly: whether a is a square modulo p, for a tenth of the cost of a square
 * root.
 *
 * The binary algorithm on four 64-bit words: remove factors of two, make the smaller number the modulus (quadratic
 * reciprocity), subtract, and repeat until x is zero. Both rules can change the sign: (2 | y) = -1 if y is 3 or 5 modulo
 * 8; (x | y) = -(y | x) if both are 3 modulo 4. The time depends on the value, so it is used only on field elements
 * that are random or received, never on a private key (as in BIP324's reference implementation).
 */
import {
  and,
  type Code,
  equal,
  get,
  i64,
  isZero,
  less,
  load64,
  narrow,
  or,
  repeatWhile,
  select,
  set,
  type Routine,
  shl,
  shr,
  sub,
  trailingZeros,
  when,
  widen,
  xor,
} from './wasm-assembler.js';

const WORDS = [0, 1, 2, 3];
const P = [0xfffffffefffffc2fn, 0xffffffffffffffffn, 0xffffffffffffffffn, 0xffffffffffffffffn];

// Locals after the parameter: the number, the modulus, their two differences, the sign (bit 0), a shift, a borrow.
const X = 1;
const Y = 5;
const D = 9;
const E = 13;
const SIGN = 17;
const SHIFT = 18;
const BORROW = 19;
const LOCALS = 19;

/** Sets the words `into` to the words `from` minus the words `what`, and BORROW to 1 if the result is negative. */
function difference(into: number, from: number, what: number): Code {
  const word = (i: number): Code => {
    const low = less(get(from + i), get(what + i));
    const plain = sub(get(from + i), get(what + i));
    const equalWords = and(widen(equal(get(from + i), get(what + i))), get(BORROW));
    return [set(into + i, sub(plain, get(BORROW))), set(BORROW, or(widen(low), equalWords))];
  };
  return [set(BORROW, i64(0)), WORDS.map(word)];
}

/** Shifts x by a word while its lowest word is zero. 64 factors of two do not change the sign. */
const dropZeroWords: Code = repeatWhile(
  when(isZero(get(X)), [WORDS.map((i) => set(X + i, i < 3 ? get(X + i + 1) : i64(0)))]),
  [isZero(get(X))],
);

/** In two steps, because in WebAssembly a shift by 64 is a shift by 0. */
const fromAbove = (i: number): Code => shl(shl(get(X + i + 1), i64(1)), xor(get(SHIFT), i64(63)));

const dropZeroBits: Code = [
  set(SHIFT, trailingZeros(get(X))),
  WORDS.map((i) => {
    const down = shr(get(X + i), get(SHIFT));
    return set(X + i, i < 3 ? or(down, fromAbove(i)) : down);
  }),
  set(SIGN, xor(get(SIGN), and(get(SHIFT), xor(shr(get(Y), i64(1)), shr(get(Y), i64(2)))))),
];

/** Sets x to |x - y| and y to the smaller of the two. Uses selection, because the processor could not predict a branch. */
const reduce: Code = [
  difference(E, Y, X),
  difference(D, X, Y),
  set(SIGN, xor(get(SIGN), and(get(BORROW), shr(and(get(X), get(Y)), i64(1))))),
  WORDS.map((i) => set(Y + i, select(get(X + i), get(Y + i), narrow(get(BORROW))))),
  WORDS.map((i) => set(X + i, select(get(E + i), get(D + i), narrow(get(BORROW))))),
];

const anyOf = (first: number): Code => WORDS.map((i) => get(first + i)).reduce((all, word) => or(all, word));
const isNotZero = (word: Code): Code => [isZero(word), 0x45];

/** `jacobi(a)`: the symbol, 1 or -1, of the number at address a: four words, least significant first, not zero and below p. */
export function jacobi(): Routine {
  const start = WORDS.map((i) => [
    set(X + i, load64(get(0), 8 * i)),
    set(Y + i, i64(BigInt.asIntN(64, P[i]!))),
  ]);
  const body = [
    start,
    repeatWhile([dropZeroWords, dropZeroBits, reduce], isNotZero(anyOf(X))),
    narrow(sub(i64(1), shl(and(get(SIGN), i64(1)), i64(1)))),
  ];
  return { params: 1, result: 0x7f, locals: LOCALS, body };
}
