/** Writes README.md from Stryker's results of each part: a line per file, and what survived, by reason. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { REASONS, UNEXPLAINED } from './accepted-survivors.js';
import { doneOf, PARTS } from './parts.js';

const COUNTED = ['Killed', 'Timeout', 'Survived', 'NoCoverage'];
const ERRORS = ['RuntimeError', 'CompileError'];

const { version } = createRequire(import.meta.url)('@stryker-mutator/core/package.json');

const files = Object.keys(PARTS)
  .filter((part) => existsSync(doneOf(part)))
  .flatMap((part) => Object.entries(JSON.parse(readFileSync(doneOf(part), 'utf8')).files))
  .map(([file, { mutants, source }]) => ({ file, mutants, lines: source.split('\n') }));

const known = new Set(files.map(({ file }) => file));
const missing = ['machines', 'src/wire'].flatMap((root) =>
  readdirSync(root, { recursive: true })
    .map((file) => join(root, file))
    .filter((file) => file.endsWith('.ts') && !known.has(file)),
);

const percent = (part, whole) => (whole === 0 ? '–' : ((100 * part) / whole).toFixed(1));
const row = (cells) => `| ${cells.join(' | ')} |`;

/** How many mutants came to each end; the scores are shares of those that could run. */
function tally(mutants) {
  const count = (...ends) => mutants.filter(({ status }) => ends.includes(status)).length;
  const [killed, timeout, survived, uncovered] = COUNTED.map((end) => count(end));
  const all = killed + timeout + survived + uncovered;
  const scores = [percent(killed + timeout, all), percent(killed, all)];
  return [killed, timeout, survived, uncovered, count(...ERRORS), count('Pending'), ...scores];
}

/** The code that a mutant replaces, on one line. */
function original({ location: { start, end } }, lines) {
  const taken = lines.slice(start.line - 1, end.line);
  taken[taken.length - 1] = taken.at(-1).slice(0, end.column - 1);
  taken[0] = taken[0].slice(start.column - 1);
  return taken.join(' ');
}

const short = (code) => {
  const line = code.replace(/\s+/g, ' ').replace(/\|/g, '¦').replace(/`/g, "'").trim();
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
};

const survivors = files.flatMap(({ file, mutants, lines }) =>
  mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map((mutant) => ({
      file,
      line: mutant.location.start.line,
      text: lines[mutant.location.start.line - 1].trim(),
      was: original(mutant, lines),
      is: mutant.replacement,
    })),
);

const fits = ({ file, line, was, is }, mutant) =>
  mutant.file.endsWith(file) &&
  (line === undefined || line.test(mutant.text)) &&
  (was === undefined || was.test(mutant.was)) &&
  (is === undefined || is.test(mutant.is));

const reasonOf = (mutant) =>
  REASONS.find(({ places }) => places.some((place) => fits(place, mutant)))?.reason ?? UNEXPLAINED;

function group(reason) {
  const its = survivors.filter((mutant) => reasonOf(mutant) === reason);
  if (its.length === 0) return [];
  const lines = its.map(
    ({ file, line, was, is }) => `- ${file}:${line} \`${short(was)}\` → \`${short(is)}\``,
  );
  return [`### ${its.length} × ${reason}`, '', ...new Set(lines), ''];
}

const HEAD = [
  'file',
  'killed',
  'timeout',
  'survived',
  'no coverage',
  'error',
  'not asked',
  'score',
  'killed alone',
];
const table = [
  row(HEAD),
  row(HEAD.map((_, i) => (i === 0 ? '---' : '--:'))),
  ...files.map(({ file, mutants }) => row([file, ...tally(mutants)])),
  row(['**all**', ...tally(files.flatMap(({ mutants }) => mutants)).map((cell) => `**${cell}**`)]),
];

const page = [
  '# Mutation tests',
  '',
  `Written by \`npm run test:mutation\` with Stryker ${version} on ${new Date().toISOString().slice(0, 10)}, Node ${process.version}.`,
  '',
  'Stryker changes `machines/` and `src/wire/` in one place at a time and asks whether a test fails. All its mutators, every',
  'file, static code included; the tests are those of `parts.js`, with a fixed seed. _score_: killed or timed out, of all',
  'that ran (_error_: the tests could not even be loaded).',
  '',
  '<!-- prettier-ignore -->',
  ...table,
  '',
  `Without a mutant, or not asked yet: ${missing.join(', ') || 'none'}.`,
  '',
  `## The ${survivors.length} that no test detects, by reason`,
  '',
  '<!-- prettier-ignore-start -->',
  '',
  ...[...REASONS.map(({ reason }) => reason), UNEXPLAINED].flatMap(group),
  '<!-- prettier-ignore-end -->',
  '',
];
writeFileSync('test/mutation/README.md', page.join('\n'));
console.log(table.at(-1));
