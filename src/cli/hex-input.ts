/**
 * Reads bytes in the forms that people paste: hex digits with spaces, colons, commas, `0x` or `\x`; the output of `xxd` or
 * of `hexdump -C`; or the bytes themselves.
 */
import { Usage } from './exit-codes.js';

/** Most bytes of input: more than four times the size of the largest message in the format of `xxd`. */
export const MAX_INPUT = 64_000_000;

/** Reads a stream to its end. Rejects with `Usage` when it has more than `limit` bytes. */
export async function readInput(stream: AsyncIterable<Uint8Array>, limit = MAX_INPUT): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit)
      throw new Usage(`the input has more than ${limit} bytes; split it between two messages`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The bytes that the input represents. @throws Usage that describes the fault in the input */
export function bytesOfInput(input: Uint8Array): Uint8Array {
  if (isBinary(input)) return input;
  const text = Buffer.from(input.buffer, input.byteOffset, input.length).toString('latin1');
  return bytesOfDump(text) ?? bytesOfHex(text);
}

/** Whether the input contains a byte that a hex text does not: a control character other than white space, or a non-ASCII byte. */
const isBinary = (input: Uint8Array): boolean =>
  input.some((byte) => byte > 0x7e || (byte < 0x20 && (byte < 0x09 || byte > 0x0d)));

/** `00000000: f9be b4d9 7665  ....ve` of xxd; two spaces end the bytes. */
const XXD = /^[\da-f]{7,16}: ((?:[\da-f]+ )*[\da-f]+)(?: .*)?$/i;
/** `00000000  f9 be b4 d9 76 65  |....ve|` of hexdump -C. */
const HEXDUMP = /^([\da-f]{7,16})((?: {1,2}[\da-f]{2})+) +\|.*$/i;
/** The last line of hexdump, which is the size of the data. */
const SIZE = /^[\da-f]{7,16}$/i;

/** The bytes of a dump; undefined when the first line is not from xxd or hexdump. */
function bytesOfDump(text: string): Uint8Array | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (!XXD.test(lines[0] ?? '') && !HEXDUMP.test(lines[0] ?? '')) return undefined;
  const rows = lines.map((line, n) => {
    if (line === '*') throw new Usage('the dump omits repeated lines (*); create it with hexdump -v -C');
    const hex = XXD.exec(line)?.[1] ?? HEXDUMP.exec(line)?.[2] ?? (SIZE.test(line) ? '' : undefined);
    if (hex === undefined)
      throw new Usage(`line ${n + 1} does not have the format of xxd or hexdump -C, as the first line has`);
    return hex.replaceAll(' ', '');
  });
  return decoded(rows.join(''));
}

/** The bytes of hex digits. @throws Usage that names the first wrong character, counted from 1 */
function bytesOfHex(text: string): Uint8Array {
  const digits = text.replace(/\b0x|\\x/gi, '  ');
  const at = digits.search(/[^\da-f\s:,]/i);
  if (at >= 0) throw new Usage(`character ${at + 1} is "${text[at]}", which is not a hex digit`);
  return decoded(digits.replace(/[\s:,]+/g, ''));
}

function decoded(hex: string): Uint8Array {
  if (hex === '') throw new Usage('the input contains no hex digits');
  if (hex.length % 2 === 1)
    throw new Usage(`${hex.length} hex digits are not a whole number of bytes; is the last one missing?`);
  return Buffer.from(hex, 'hex');
}
