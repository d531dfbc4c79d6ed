/** Name and version of this program, and of the XState it is pinned to, from its package.json. */
import { createRequire } from 'node:module';

const read = createRequire(import.meta.url);

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: { readonly xstate: string };
}

/** From `dist/src/run` and from `src/run` alike, the package's root is where package.json is. */
function findPackage(): Package {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return read(up) as Package;
    } catch {
      continue;
    }
  }
  throw new Error('package.json is missing from the installation');
}

const { name, version, dependencies } = findPackage();
export const NAME = name;
export const VERSION = version;
export const XSTATE_VERSION = dependencies.xstate;
