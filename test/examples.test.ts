/** The examples of README: each runs and prints what its last lines say, and README quotes them as they are. */
import { readdirSync, readFileSync } from 'node:fs';
import { format } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

const directory = new URL('./examples/', import.meta.url);
const sourceOf = (name: string): string => readFileSync(new URL(name, directory), 'utf8');
const EXAMPLES = readdirSync(directory);

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  const print = (...values: unknown[]) => printed.push(...format(...values).split('\n'));
  jest.spyOn(console, 'log').mockImplementation(print);
});
afterEach(() => void jest.restoreAllMocks());

/** Without what differs from run to run. */
const stable = (line: string): string =>
  line.replace(/\d+ ms/, 'N ms').replace(/verack:[^/]*/, 'verack:VERSION');

const expectedOf = (name: string): string[] =>
  sourceOf(name)
    .split('// Prints:\n')[1]!
    .trimEnd()
    .split('\n')
    .map((line) => stable(line.replace(/^\/\/ /, '')));

test.each(EXAMPLES)('%s prints the expected output', async (name) => {
  await import(`./examples/${name}`);
  const expected = expectedOf(name);
  const lines = printed.map((line) => stable(line.trimEnd()));
  const [last, ...before] = expected.reverse();
  const given = last!.endsWith('…') ? [...lines.slice(0, before.length), last] : lines;
  expect(given).toEqual([...before.reverse(), last]);
  if (last!.endsWith('…')) expect(lines[before.length]).toContain(last!.slice(0, -1));
});

/** README names the file of a quote beside the language. */
const quotes = [...readFileSync('README.md', 'utf8').matchAll(/```ts (\S+)\n(.*?)```/gs)];

test('README has at most 200 lines', () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

test('README quotes every example', () => {
  expect(quotes.map(([, file]) => file).sort()).toEqual(
    EXAMPLES.map((name) => `test/examples/${name}`).sort(),
  );
});

test.each(quotes.map(([, file = '', quote = '']) => ({ file, quote })))(
  'README quotes $file',
  ({ file, quote }) => {
    expect(readFileSync(file, 'utf8')).toContain(quote);
  },
);
