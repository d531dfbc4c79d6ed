/** Builds `dist` only when a source file is newer than the last build, so that `npm start` and the end-to-end tests start quickly. */
import { execSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

const BUILD_INFO = 'dist/.tsbuildinfo';
const SOURCES = ['src', 'machines', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

function newestOf(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestOf(join(path, name))));
}

const built = existsSync(BUILD_INFO) ? statSync(BUILD_INFO).mtimeMs : 0;
if (Math.max(...SOURCES.map(newestOf)) > built) {
  const now = new Date();
  console.error('building dist/ from the sources, which takes some seconds …');
  execSync('npm run --silent build', { stdio: 'inherit' });
  // tsc does not write the file when its output has not changed.
  utimesSync(BUILD_INFO, now, now);
}
