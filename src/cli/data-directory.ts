/** Where the program keeps what outlives a run: one folder for each chain. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Chain, NETWORKS } from '../index.js';

/** What `--datadir` says to keep nothing. */
const NONE = 'none';

/** `XDG_DATA_HOME`, or `~/.local/share`; the specification has relative paths ignored. */
function dataHome(env: NodeJS.ProcessEnv): string {
  const home = env.XDG_DATA_HOME ?? '';
  return isAbsolute(home) ? home : join(homedir(), '.local', 'share');
}

/** The name of the chain; a signet of one's own has its magic in it. */
const folderName = ({ name, magicHex }: Chain): string =>
  NETWORKS[name].magicHex === magicHex ? name : `${name}-${magicHex}`;

/** The folder of a chain: in `datadir`, or in `verack` in the XDG data directory; undefined to keep nothing. */
export function chainFolder(
  datadir: string | undefined,
  chain: Chain,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (datadir === NONE) return undefined;
  return join(datadir ?? join(dataHome(env), 'verack'), folderName(chain));
}
