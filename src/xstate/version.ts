/** The version of XState that this process has loaded. */
import { createRequire } from 'node:module';

let loaded: string | undefined;

/** For example `5.33.3`; `unknown` where XState's package.json cannot be read, as in a bundled program. */
export function xstateVersion(): string {
  loaded ??= readVersion();
  return loaded;
}

function readVersion(): string {
  try {
    const { version } = createRequire(import.meta.url)('xstate/package.json') as { version: string };
    return version;
  } catch {
    return 'unknown';
  }
}
