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

/** The versions of XState on which the differential test of `compile` passes. */
export const TESTED_XSTATE: readonly string[] = ['5.33.0', '5.33.1', '5.33.2', '5.33.3'];

/** Whether the loaded version of XState is in {@link TESTED_XSTATE}. False in a bundled program, where the version cannot be read. */
export const isTested = (version = xstateVersion()): boolean => TESTED_XSTATE.includes(version);

/** @throws Error if {@link isTested} is false. */
export function refuseUntested(): void {
  if (isTested()) return;
  const tested = TESTED_XSTATE.join(', ');
  throw new Error(
    `compile() was tested with XState ${tested}, but ${xstateVersion()} is loaded: install one of these, or use the machine without compile()`,
  );
}

let isWarned = false;

/** {@link isTested}; when it is false, the first call emits a process warning that the machines are not compiled. */
export function mayCompile(): boolean {
  if (isTested() || isWarned) return isTested();
  isWarned = true;
  const message = `XState ${xstateVersion()} was not tested with verack (${TESTED_XSTATE.join(', ')}): machines are not compiled`;
  process.emitWarning(message, { code: 'VERACK_XSTATE_UNTESTED' });
  return false;
}
