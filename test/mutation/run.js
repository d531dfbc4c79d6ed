/**
 * Runs Stryker room by room and writes the report. A mutant of unchanged code that was killed before, on this machine, stays
 * killed; the others are asked again. `-- --force` asks all of them, which is due when tests were taken away; a room's name
 * runs that room alone.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { doneOf, resultsOf, ROOMS } from './parts.js';

const options = process.argv.slice(2);
const named = options.filter((option) => option in ROOMS);
const others = options.filter((option) => !(option in ROOMS));

/** Leaves only the killed: Stryker looks at the text of the suite, not of the tests that it imports. */
function forget(file) {
  if (!existsSync(file)) return;
  const results = JSON.parse(readFileSync(file, 'utf8'));
  for (const one of Object.values(results.files))
    one.mutants = one.mutants.filter(({ status }) => status === 'Killed');
  writeFileSync(file, JSON.stringify(results));
}

function run(room) {
  forget(resultsOf(room));
  const { status } = spawnSync('npx', ['stryker', 'run', 'test/mutation/stryker.config.js', ...others], {
    stdio: 'inherit',
    env: { ...process.env, MUTATION_ROOM: room },
  });
  if (status !== 0) process.exit(status ?? 1);
  copyFileSync(resultsOf(room), doneOf(room));
}

for (const room of named.length > 0 ? named : Object.keys(ROOMS)) run(room);
await import('./report.js');
