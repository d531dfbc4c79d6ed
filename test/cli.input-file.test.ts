/** Files that a verb reads as a whole: bounded, whatever the system says of their size. */
import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { readTextFile } from '../src/cli/input-file.js';
import { ran } from './support/command-line.js';

test('is read up to its limit and not beyond', () => {
  const size = Buffer.byteLength(readTextFile('package.json'));
  expect(readTextFile('package.json', size)).toContain('"verack"');
  expect(() => readTextFile('package.json', size - 1)).toThrow(
    `"package.json" is larger than ${size - 1} bytes`,
  );
});

(existsSync('/dev/zero') ? test.each : test.skip.each)([
  'learn --diff /dev/zero /dev/zero',
  'crawl --regtest --from /dev/zero',
  'crawl --regtest --addresses /dev/zero',
  'crawl --regtest --optout /dev/zero',
  'conform --compare /dev/zero --html x.html',
  'addresses --datadir none --asmap /dev/zero',
  'addresses --datadir none --add /dev/zero',
  'addresses --datadir none --import /dev/zero',
])('a device without an end is refused: %s', async (line) => {
  const { code, stderr } = await ran(line, CLI_COMMANDS);
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/ is larger than \d+ bytes|has more than \d+ bytes/),
  ]);
});
