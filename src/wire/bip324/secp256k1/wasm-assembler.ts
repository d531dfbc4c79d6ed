/**
 * A minimal WebAssembly assembler: the instructions that the files in this directory use, as functions
 * that return bytes. Source: the WebAssembly core specification 1.0, chapter 5 (binary format).
 *
 * An expression is a tree of calls: `add(get(0), i64(1))`. Types are not checked here; the engine checks them
 * when it compiles the module.
 */

/** Instructions: bytes, nested as the calls were. */
export type Code = readonly (number | Code)[];

/** Value types of the binary format. */
export const I32 = 0x7f;
export const I64 = 0x7e;

/** One exported function. `params` are all i32 (addresses and small numbers); the locals are numbered after them. */
export interface Routine {
  readonly params: number;
  readonly result?: typeof I32;
  /** Local variables, all i64. */
  readonly locals: number;
  readonly body: Code;
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const out: number[] = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return [...out, value];
}

/** Signed LEB128. */
function signed(value: bigint): number[] {
  const out: number[] = [];
  for (; value > 63n || value < -64n; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80);
  return [...out, Number(value & 0x7fn)];
}

const one =
  (opcode: number) =>
  (a: Code): Code => [a, opcode];
const two =
  (opcode: number) =>
  (a: Code, b: Code): Code => [a, b, opcode];

// The instructions; see chapter 5.4 for the opcodes. Arithmetic is on i64 unless the name ends in 32.
export const i32 = (value: number): Code => [0x41, signed(BigInt(value))];
export const i64 = (value: bigint | number): Code => [0x42, signed(BigInt(value))];
export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];

export const add = two(0x7c);
export const sub = two(0x7d);
export const mul = two(0x7e);
export const and = two(0x83);
export const or = two(0x84);
export const xor = two(0x85);
export const shl = two(0x86);
export const shr = two(0x88);
export const less = two(0x54);
export const equal = two(0x51);
export const isZero = one(0x50);
export const trailingZeros = one(0x7a);
/** Converts the i32 of a comparison (0 or 1) to i64. */
export const widen = one(0xad);
/** Converts an i64 to i32 by taking its low half. */
export const narrow = one(0xa7);
export const add32 = two(0x6a);
export const sub32 = two(0x6b);

/** `a` if the i32 `condition` is not 0, else `b`, without a branch. */
export const select = (a: Code, b: Code, condition: Code): Code => [a, b, condition, 0x1b];

/** Little-endian loads and stores at an i32 address plus a fixed offset. */
export const load64 = (address: Code, offset: number): Code => [address, 0x29, 3, unsigned(offset)];
export const load32 = (address: Code, offset: number): Code => [address, 0x35, 2, unsigned(offset)];
export const store64 = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  0x37,
  3,
  unsigned(offset),
];
export const store32 = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  0x3e,
  2,
  unsigned(offset),
];

/** Executes `body`, and repeats it while the i32 `again`, evaluated after it, is not 0. */
export const repeatWhile = (body: Code, again: Code): Code => [0x03, 0x40, body, again, 0x0d, 0, 0x0b];
/** Executes `body` if the i32 `condition` is not 0. */
export const when = (condition: Code, body: Code): Code => [condition, 0x04, 0x40, body, 0x0b];
/** Calls the routine with this number; no result. */
export const call = (routine: number, ...args: Code[]): Code => [args, 0x10, unsigned(routine)];

function flat(code: Code, out: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === 'number') out.push(part);
    else flat(part, out);
  }
  return out;
}

/** A vector of the binary format: the count, then the items. */
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];

function sized(code: Code): Code {
  const bytes = flat(code);
  return [unsigned(bytes.length), bytes];
}

const section = (id: number, items: readonly Code[]): Code => [id, sized(vector(items))];

const text = (name: string): Code => vector([...name].map((letter) => [letter.charCodeAt(0)]));

const typeOf = ({ params, result }: Routine): Code => [
  0x60,
  vector(Array.from({ length: params }, () => [I32])),
  vector(result === undefined ? [] : [[result]]),
];

const codeOf = ({ locals, body }: Routine): Code =>
  sized([vector(locals > 0 ? [[unsigned(locals), I64]] : []), body, 0x0b]);

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const MEMORY = 2;
const FUNCTION = 0;

/** A module with these routines, numbered and exported in this order, and one memory of `pages` × 64 kB. */
export function assemble(routines: Readonly<Record<string, Routine>>, pages: number): Uint8Array {
  const list = Object.values(routines);
  const names = Object.keys(routines).map((name, i): Code => [text(name), FUNCTION, unsigned(i)]);
  return Uint8Array.from(
    flat([
      MAGIC_AND_VERSION,
      section(1, list.map(typeOf)),
      section(
        3,
        list.map((_, i) => unsigned(i)),
      ),
      section(5, [[1, unsigned(pages), unsigned(pages)]]),
      section(7, [[text('memory'), MEMORY, 0], ...names]),
      section(10, list.map(codeOf)),
    ]),
  );
}
