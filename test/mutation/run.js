/**
 * Runs Stryker room by room and writes the report. What is known of unchanged code and tests is taken from the last run, if
 * one was made on this machine; `-- --force` asks every mutant again, and a room's name runs that room alone.
 */
import { spawnSync } from 'node:child_process';
import { ROOMS } from './rooms.js';

const options = process.argv.slice(2);
const named = options.filter((option) => option in ROOMS);
const others = options.filter((option) => !(option in ROOMS));

for (const room of named.length > 0 ? named : Object.keys(ROOMS)) {
  const { status } = spawnSync('npx', ['stryker', 'run', 'test/mutation/stryker.config.js', ...others], {
    stdio: 'inherit',
    env: { ...process.env, MUTATION_ROOM: room },
  });
  if (status !== 0) process.exit(status ?? 1);
}
await import('./report.js');
