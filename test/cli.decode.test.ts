/** What `decode` accepts: the forms in which people paste bytes. */
import { describe, expect, test } from '@jest/globals';
import { bytesOfInput, readInput } from '../src/cli/hex-input.js';
import { annotateFrames } from '../src/decode/annotate.js';
import { ran } from './support/command-line.js';
import { CLI_COMMANDS } from '../src/cli/commands.js';

const HEX = 'f9beb4d976657261636b000000000000000000005df6e0e2';
const BYTES = Buffer.from(HEX, 'hex');
const pairs = (separator: string, prefix = ''): string =>
  (HEX.match(/../g) ?? []).map((pair) => prefix + pair).join(separator);

const XXD = `00000000: f9be b4d9 7665 7261 636b 0000 0000 0000  ....verack......
00000010: 0000 0000 5df6 e0e2                      ....]...
`;
const HEXDUMP = `00000000  f9 be b4 d9 76 65 72 61  63 6b 00 00 00 00 00 00  |....verack......|
00000010  00 00 00 00 5d f6 e0 e2                           |....]...|
00000018
`;

describe('the input', () => {
  test.each<[form: string, text: string | Uint8Array]>([
    ['hex', HEX],
    ['hex in capitals and lines', `${HEX.slice(0, 8)}\n ${HEX.slice(8).toUpperCase()}\r\n`],
    ['0x', `0x${HEX}`],
    ['an array of C', pairs(', ', '0x')],
    ['a string of Python', pairs('', '\\x')],
    ['colons', pairs(':')],
    ['xxd', XXD],
    ['hexdump -C', HEXDUMP],
    ['the bytes themselves', BYTES],
  ])('%s', (_, text) => {
    expect(Buffer.from(bytesOfInput(Buffer.from(text)))).toEqual(BYTES);
  });

  test.each<[text: string, says: RegExp]>([
    ['f9 g0', /character 4 is "g", which is not a hex digit/],
    ['f9 0', /3 hex digits are not a whole number/],
    [' \n', /the input contains no hex digits/],
    [`${XXD}nothing`, /line 3 does not have the format of xxd/],
    [HEXDUMP.replace(/\n/, '\n*\n'), /omits repeated lines/],
  ])('%j is refused', (text, says) => {
    expect(() => bytesOfInput(Buffer.from(text))).toThrow(says);
  });

  test('is read in pieces up to its limit', async () => {
    const pieces = async function* (count: number): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < count; n++) yield await Promise.resolve(new Uint8Array(1_000));
    };
    expect((await readInput(pieces(5), 5_000)).length).toBe(5_000);
    await expect(readInput(pieces(1e9), 5_000)).rejects.toThrow('the input has more than 5000 bytes');
  });
});

test('a message of another chain is named', async () => {
  const [frame] = annotateFrames(Buffer.from(HEX.replace('f9beb4d9', 'c0c0c0c0'), 'hex'));
  expect(frame).toMatchObject({ network: 'Dogecoin', command: 'verack', ok: true });
  const { stdout } = await ran(`decode ${HEX.replace('f9beb4d9', 'fbc0b6db')}`, CLI_COMMANDS);
  expect(stdout).toMatch(/^verack, Litecoin, 24 bytes at 0: good\n/);
});
