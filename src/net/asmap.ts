/**
 * Bitcoin Core's asmap: a compressed map from IP prefixes to the numbers of autonomous systems (Core: `util/asmap.cpp`).
 *
 * The file is one sequence of bits, the least significant bit of each byte first: a program that reads the bits of an address,
 * the most significant first. It has four instructions: return an ASN, jump if the next bit is 1, match a pattern, set the
 * default ASN.
 */

/** A decoded number; undefined when the data ends inside it. */
type Decoded = number | undefined;

interface BitReader {
  readonly data: Uint8Array;
  at: number;
}

const INSTRUCTIONS = ['return', 'jump', 'match', 'default'] as const;
type Instruction = (typeof INSTRUCTIONS)[number];

/** A variable-length integer: its smallest value, and the bit widths of its classes (Core: `DecodeBits`). */
interface NumberCoding {
  readonly least: number;
  readonly widths: readonly number[];
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

const TYPE: NumberCoding = { least: 0, widths: [0, 0, 1] };
const ASN: NumberCoding = { least: 1, widths: range(15, 24) };
const MATCH: NumberCoding = { least: 2, widths: range(1, 8) };
const JUMP: NumberCoding = { least: 17, widths: range(5, 30) };

/** All look-ups use IPv6 addresses; an IPv4 address is looked up as `::ffff:a.b.c.d`. */
const ADDRESS_BITS = 128;

function bitsLeft({ data, at }: BitReader): number {
  return data.length * 8 - at;
}

function nextBit(reader: BitReader): number {
  const bit = (reader.data[reader.at >> 3]! >> (reader.at & 7)) & 1;
  reader.at++;
  return bit;
}

function decodeNumber(reader: BitReader, { least, widths }: NumberCoding): Decoded {
  let value = least;
  for (const [i, width] of widths.entries()) {
    const last = i === widths.length - 1;
    if (!last && bitsLeft(reader) === 0) return undefined;
    if (last || nextBit(reader) === 0) return decodeMantissa(reader, value, width);
    value += 2 ** width;
  }
  return undefined;
}

function decodeMantissa(reader: BitReader, base: number, width: number): Decoded {
  if (bitsLeft(reader) < width) return undefined;
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 2 + nextBit(reader);
  return base + value;
}

/** The next instruction; undefined at the end of the data. */
function decodeInstruction(reader: BitReader): Instruction | undefined {
  const type = decodeNumber(reader, TYPE);
  return type === undefined ? undefined : INSTRUCTIONS[type];
}

function matchLength(match: number): number {
  return 31 - Math.clz32(match);
}

/** The state of one look-up: the position in the map and in the address, and the ASN of a failed match. */
interface Lookup {
  readonly reader: BitReader;
  readonly address: Uint8Array;
  bit: number;
  fallback: number;
}

function nextAddressBit(lookup: Lookup): number {
  const bit = lookup.bit++;
  return (lookup.address[bit >> 3]! >> (7 - (bit & 7))) & 1;
}

/** Executes one instruction. Returns the ASN when it ends the look-up (0 on bad data), undefined to continue. */
const STEPS: Readonly<Record<Instruction, (lookup: Lookup) => Decoded>> = {
  return: ({ reader }) => decodeNumber(reader, ASN) ?? 0,
  jump: stepJump,
  match: stepMatch,
  default: (lookup) => {
    lookup.fallback = decodeNumber(lookup.reader, ASN) ?? 0;
    return undefined;
  },
};

function stepJump(lookup: Lookup): Decoded {
  const { reader } = lookup;
  const jump = decodeNumber(reader, JUMP);
  if (jump === undefined || lookup.bit === ADDRESS_BITS || jump >= bitsLeft(reader)) return 0;
  if (nextAddressBit(lookup) === 1) reader.at += jump;
  return undefined;
}

function stepMatch(lookup: Lookup): Decoded {
  const match = decodeNumber(lookup.reader, MATCH);
  if (match === undefined || ADDRESS_BITS - lookup.bit < matchLength(match)) return 0;
  for (let i = matchLength(match) - 1; i >= 0; i--) {
    if (nextAddressBit(lookup) !== ((match >> i) & 1)) return lookup.fallback;
  }
  return undefined;
}

/**
 * The ASN of an address in the map; 0 when it has none (ASN 0 is reserved, RFC 7607), and possibly for any address with a
 * map that {@link isAsmap} refuses. Core: `Interpret`.
 *
 * @param address - 16 bytes; an IPv4 address in its mapped form
 */
export function lookupAsn(asmap: Uint8Array, address: Uint8Array): number {
  const lookup: Lookup = { reader: { data: asmap, at: 0 }, address, bit: 0, fallback: 0 };
  while (bitsLeft(lookup.reader) > 0) {
    const instruction = decodeInstruction(lookup.reader);
    const asn = instruction === undefined ? 0 : STEPS[instruction](lookup);
    if (asn !== undefined) return asn;
  }
  return 0;
}

/** A jump target that is still to be checked: the bit in the map, and the number of address bits left there. */
interface Branch {
  readonly at: number;
  readonly bits: number;
}

interface Check {
  readonly reader: BitReader;
  readonly branches: Branch[];
  bits: number;
  previous: Instruction;
  incompleteMatch: boolean;
}

/** The result of checking one instruction: whether the map is valid, or to continue. */
type Step = boolean | 'continue';

/** Whether `data` is a valid map: every path ends with an ASN, and no part is unreachable or overlaps another. Core: `SanityCheckAsmap`. */
export function isAsmap(data: Uint8Array): boolean {
  const check: Check = {
    reader: { data, at: 0 },
    branches: [],
    bits: ADDRESS_BITS,
    previous: 'jump',
    incompleteMatch: false,
  };
  while (bitsLeft(check.reader) > 0) {
    const next = check.branches.at(-1);
    if (next !== undefined && check.reader.at >= next.at) return false;
    const type = decodeInstruction(check.reader);
    if (type === undefined) return false;
    const step = CHECKS[type](check);
    if (step !== 'continue') return step;
  }
  return false;
}

const CHECKS: Readonly<Record<Instruction, (check: Check) => Step>> = {
  return: checkReturn,
  jump: checkJump,
  match: checkMatch,
  default: checkDefault,
};

function checkReturn(check: Check): Step {
  const { reader, branches } = check;
  if (check.previous === 'default' || decodeNumber(reader, ASN) === undefined) return false;
  const next = branches.pop();
  if (next === undefined) return isPadding(reader);
  if (reader.at !== next.at) return false;
  check.bits = next.bits;
  check.previous = 'jump';
  return 'continue';
}

/** Whether the rest is padding: fewer than eight bits, all zero. */
function isPadding(reader: BitReader): boolean {
  if (bitsLeft(reader) > 7) return false;
  while (bitsLeft(reader) > 0) if (nextBit(reader) === 1) return false;
  return true;
}

function checkJump(check: Check): Step {
  const { reader, branches } = check;
  const jump = decodeNumber(reader, JUMP);
  if (jump === undefined || jump > bitsLeft(reader) || check.bits === 0) return false;
  const at = reader.at + jump;
  const outer = branches.at(-1);
  if (outer !== undefined && at >= outer.at) return false;
  branches.push({ at, bits: --check.bits });
  check.previous = 'jump';
  return 'continue';
}

function checkMatch(check: Check): Step {
  const match = decodeNumber(check.reader, MATCH);
  if (match === undefined) return false;
  const length = matchLength(match);
  if (check.previous !== 'match') check.incompleteMatch = false;
  if (length < 8 && check.incompleteMatch) return false;
  check.incompleteMatch = length < 8;
  if (check.bits < length) return false;
  check.bits -= length;
  check.previous = 'match';
  return 'continue';
}

function checkDefault(check: Check): Step {
  if (check.previous === 'default') return false;
  if (decodeNumber(check.reader, ASN) === undefined) return false;
  check.previous = 'default';
  return 'continue';
}
