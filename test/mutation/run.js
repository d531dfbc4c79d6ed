/**
 * Runs Stryker part by part and writes the report. A mutant of unchanged code that was killed before, on this machine, stays
 * killed; the others run again. `-- --force` runs all of them, which is necessary after tests were removed; a part's name
 * runs that part alone.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { doneOf, resultsOf, PARTS } from './parts.js';

const options = process.argv.slice(2);
const named = options.filter((option) => option in PARTS);
const others = options.filter((option) => !(option in PARTS));

/** Leaves only the killed: Stryker looks at the text of the suite, not of the tests that it imports. */
function forget(file) {
  if (!existsSync(file)) return;
  const results = JSON.parse(readFileSync(file, 'utf8'));
  for (const one of Object.values(results.files))
    one.mutants = one.mutants.filter(({ status }) => status === 'Killed');
  writeFileSync(file, JSON.stringify(results));
}

function run(part) {
  forget(resultsOf(part));
  const { status } = spawnSync('npx', ['stryker', 'run', 'test/mutation/stryker.config.js', ...others], {
    stdio: 'inherit',
    env: { ...process.env, MUTATION_PART: part },
  });
  if (status !== 0) process.exit(status ?? 1);
  copyFileSync(resultsOf(part), doneOf(part));
}

for (const part of named.length > 0 ? named : Object.keys(PARTS)) run(part);
await import('./report.js');
