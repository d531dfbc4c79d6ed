/**
 * Bytes from what people paste: hex digits with blanks, colons, commas, `0x` or `\x`; the output of `xxd` and of
 * `hexdump -C`; or the bytes themselves.
 */
import { Usage } from './exit-codes.js';

/** Bytes of input that are read: more than four times the largest message as `xxd` prints it. */
export const MAX_INPUT = 64_000_000;

/** Reads a stream to its end. Throws `Usage` when it has more than `limit` bytes. */
export async function readInput(stream: AsyncIterable<Uint8Array>, limit = MAX_INPUT): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw new Usage(`the input has more than ${limit} bytes; cut it between two messages`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The bytes that the input means. Throws `Usage` with what is wrong with it. */
export function bytesOfInput(input: Uint8Array): Uint8Array {
  if (isBinary(input)) return input;
  const text = Buffer.from(input.buffer, input.byteOffset, input.length).toString('latin1');
  return bytesOfDump(text) ?? bytesOfHex(text);
}

/** Whether there is a byte that no text has: a control character other than tab and line breaks, or no ASCII. */
const isBinary = (input: Uint8Array): boolean =>
  input.some((byte) => byte > 0x7e || (byte < 0x20 && (byte < 0x09 || byte > 0x0d)));

/** `00000000: f9be b4d9 7665  ....ve` of xxd; two blanks end the bytes. */
const XXD = /^[\da-f]{7,16}: ((?:[\da-f]+ )*[\da-f]+)(?: .*)?$/i;
/** `00000000  f9 be b4 d9 76 65  |....ve|` of hexdump -C. */
const HEXDUMP = /^([\da-f]{7,16})((?: {1,2}[\da-f]{2})+) +\|.*$/i;
/** The last line of hexdump: the size. */
const SIZE = /^[\da-f]{7,16}$/i;

/** The bytes of a dump; undefined when a line is of no dump. */
function bytesOfDump(text: string): Uint8Array | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (!XXD.test(lines[0] ?? '') && !HEXDUMP.test(lines[0] ?? '')) return undefined;
  const rows = lines.map((line, n) => {
    if (line === '*') throw new Usage('the dump leaves out repeated lines (*); make it with hexdump -v -C');
    const hex = XXD.exec(line)?.[1] ?? HEXDUMP.exec(line)?.[2] ?? (SIZE.test(line) ? '' : undefined);
    if (hex === undefined)
      throw new Usage(`line ${n + 1} is not like the first one, which is of xxd or hexdump -C`);
    return hex.replaceAll(' ', '');
  });
  return decoded(rows.join(''));
}

/** A fault is named by its character, counted from 1. */
function bytesOfHex(text: string): Uint8Array {
  const digits = text.replace(/\b0x|\\x/gi, '  ');
  const at = digits.search(/[^\da-f\s:,]/i);
  if (at >= 0) throw new Usage(`character ${at + 1} is "${text[at]}", which is no hex digit`);
  return decoded(digits.replace(/[\s:,]+/g, ''));
}

function decoded(hex: string): Uint8Array {
  if (hex === '') throw new Usage('there is no hex in the input');
  if (hex.length % 2 === 1)
    throw new Usage(`${hex.length} hex digits are not a whole number of bytes; is the last one missing?`);
  return Buffer.from(hex, 'hex');
}
