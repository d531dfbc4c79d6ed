/** Each pattern that selects tests, in a jest config, a script of package.json or a page, selects at least one file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
const ALL = (readdirSync('test', { recursive: true }) as string[]).map((path) => `test/${path}`);
const TESTS = ALL.filter((path) => path.endsWith('.test.ts'));
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** A glob of a jest config as a regular expression: `**` stands for directories, `*` for a part of a name. */
const expressionOf = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace('<rootDir>/', '')
      .replaceAll('.', '\\.')
      .replaceAll('**/', '\0')
      .replaceAll('*', '[^/]*')
      .replaceAll('\0', '(.*/)?')}$`,
  );

interface JestConfig {
  readonly testMatch: readonly string[];
}

const CONFIGS = readdirSync('.').filter((file) => /^jest\..*config\.js$/.test(file));
const GLOBS: string[] = [];
// One after the other: jest cannot load modules that share an import at the same time.
for (const file of CONFIGS) {
  const { default: config } = (await import(`../${file}`)) as { readonly default: JestConfig };
  GLOBS.push(...config.testMatch);
}

test.each(GLOBS)('the glob %s matches a test', (glob) => {
  expect(TESTS.filter((path) => expressionOf(glob).test(path))).not.toEqual([]);
});

/** The words after `--` that are not options, each of which jest reads as a regular expression. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/npm (?:test|run test:\w+) -- ([^`|#\n]+)/g)].flatMap(([, words = '']) =>
    words
      .trim()
      .split(/\s+/)
      .filter((word) => !word.startsWith('-') && !word.includes('=')),
  );
const PAGES = ['README.md', 'CONTRIBUTING.md', ...ALL.filter((path) => path.endsWith('.md'))];
const LINES = [...Object.values(scripts), ...PAGES.map((page) => readFileSync(page, 'utf8'))];

test.each([...new Set(LINES.flatMap(wordsOf))])('the pattern %s matches a test', (pattern) => {
  expect(TESTS.filter((path) => path.includes(pattern))).not.toEqual([]);
});

test.each(Object.entries(scripts))('the script %s names files that exist', (_, line) => {
  const paths = line.split(' ').filter((word) => /^(test|src|diagrams|\.ci)\/.*\.(js|json)$/.test(word));
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});
