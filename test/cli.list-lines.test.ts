/** Long lists are read so that an interruption ends the reading. */
import { expect, test } from '@jest/globals';
import { type ListLine, linesOf } from '../src/cli/list-lines.js';

async function readLines(list: string, interrupted: AbortSignal): Promise<ListLine[]> {
  const lines: ListLine[] = [];
  for await (const line of linesOf(list, interrupted)) lines.push(line);
  return lines;
}

test('lines that are not empty, with their numbers', async () => {
  const lines = readLines('a\n\n  b \r\n', new AbortController().signal);
  expect(await lines).toEqual([
    { line: 'a', number: 1 },
    { line: 'b', number: 3 },
  ]);
});

test('a signal that arrives while a long list is read ends it', async () => {
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  const read = await readLines('x\n'.repeat(100_000), controller.signal);
  expect(read.length).toBeLessThan(20_000);
});
