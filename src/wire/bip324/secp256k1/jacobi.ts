/**
 * The Jacobi symbol (a | p) as WebAssembly: whether a is a square modulo p, at a tenth of the cost of a square
 * root.
 *
 * The binary algorithm on four 64-bit words: take out factors of two, let the smaller be the modulus (quadratic
 * reciprocity), subtract, until nothing is left. Each rule may turn the sign: (2 | y) = -1 when y is 3 or 5 modulo
 * 8; (x | y) = -(y | x) when both are 3 modulo 4. Its time depends on the value, so it is used on field elements
 * that were drawn at random or received, and on no private key (as the reference implementation does).
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

// Locals behind the parameter: the number, the modulus, their two differences, the sign (bit 0), a shift, a borrow.
const X = 1;
const Y = 5;
const D = 9;
const E = 13;
const SIGN = 17;
const SHIFT = 18;
const BORROW = 19;
const LOCALS = 19;

/** The words `from` minus the words `what`; afterwards BORROW is 1 when it went below zero. */
function difference(into: number, from: number, what: number): Code {
  const word = (i: number): Code => {
    const low = less(get(from + i), get(what + i));
    const plain = sub(get(from + i), get(what + i));
    const equalWords = and(widen(equal(get(from + i), get(what + i))), get(BORROW));
    return [set(into + i, sub(plain, get(BORROW))), set(BORROW, or(widen(low), equalWords))];
  };
  return [set(BORROW, i64(0)), WORDS.map(word)];
}

/** Moves x down a whole word as long as its lowest is zero: 64 factors of two leave the sign. */
const dropZeroWords: Code = repeatWhile(
  when(isZero(get(X)), [WORDS.map((i) => set(X + i, i < 3 ? get(X + i + 1) : i64(0)))]),
  [isZero(get(X))],
);

/** A shift by 64 is one by 0 here, hence in two steps. */
const fromAbove = (i: number): Code => shl(shl(get(X + i + 1), i64(1)), xor(get(SHIFT), i64(63)));

const dropZeroBits: Code = [
  set(SHIFT, trailingZeros(get(X))),
  WORDS.map((i) => {
    const down = shr(get(X + i), get(SHIFT));
    return set(X + i, i < 3 ? or(down, fromAbove(i)) : down);
  }),
  set(SIGN, xor(get(SIGN), and(get(SHIFT), xor(shr(get(Y), i64(1)), shr(get(Y), i64(2)))))),
];

/** x becomes |x - y|, y the smaller of the two, by selection and without a branch that the processor could not predict. */
const reduce: Code = [
  difference(E, Y, X),
  difference(D, X, Y),
  set(SIGN, xor(get(SIGN), and(get(BORROW), shr(and(get(X), get(Y)), i64(1))))),
  WORDS.map((i) => set(Y + i, select(get(X + i), get(Y + i), narrow(get(BORROW))))),
  WORDS.map((i) => set(X + i, select(get(E + i), get(D + i), narrow(get(BORROW))))),
];

const anyOf = (first: number): Code => WORDS.map((i) => get(first + i)).reduce((all, word) => or(all, word));
const isNotZero = (word: Code): Code => [isZero(word), 0x45];

/** `jacobi(a)`: 1 or -1 for a, four words at this address, least significant first, not zero and below p. */
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
