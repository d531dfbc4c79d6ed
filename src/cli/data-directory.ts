/** Where the program keeps files between runs: one directory for each chain. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Chain, NETWORKS } from '../index.js';

/** The value of `--datadir` that keeps nothing. */
const NONE = 'none';

/** `XDG_DATA_HOME`, or `~/.local/share`. The XDG specification says to ignore a relative path. */
function dataHome(env: NodeJS.ProcessEnv): string {
  const home = env.XDG_DATA_HOME ?? '';
  return isAbsolute(home) ? home : join(homedir(), '.local', 'share');
}

/** The name of the chain; for a custom signet followed by its magic. */
const directoryName = ({ name, magicHex }: Chain): string =>
  NETWORKS[name].magicHex === magicHex ? name : `${name}-${magicHex}`;

/** The directory of a chain: in `datadir`, by default in `verack` in the XDG data directory; undefined to keep nothing. */
export function chainDirectory(
  datadir: string | undefined,
  chain: Chain,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (datadir === NONE) return undefined;
  return join(datadir ?? join(dataHome(env), 'verack'), directoryName(chain));
}
