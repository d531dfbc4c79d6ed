/** Name and version of this program, from its package.json: they stand in the user agent and in `--version`. */
import { createRequire } from 'node:module';

const read = createRequire(import.meta.url);

/** From `dist/src/run` and from `src/run` alike, the package's root is where package.json is. */
function findPackage(): { name: string; version: string } {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return read(up) as { name: string; version: string };
    } catch {
      continue;
    }
  }
  throw new Error('package.json is missing from the installation');
}

const { name, version } = findPackage();
export const NAME = name;
export const VERSION = version;
