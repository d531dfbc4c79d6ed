/** Reads and writes `banlist.json`. Writing is atomic: after a crash or a full disk the file is the old or the new one, complete. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readInputFile } from '../net/input-file.js';

/** Largest file that is read, bytes: more than `MAX_BANS` (10,000) entries need. */
const MAX_FILE = 4_000_000;

/**
 * The text of the file; undefined when it does not exist.
 *
 * @throws the system's error, `ESPIPE` for a pipe, and `ERR_LOCAL_ARGUMENT` for a file that is too large
 */
export function readBanlist(path: string): string | undefined {
  try {
    return readInputFile(path, MAX_FILE).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes a temporary file in the same directory (mode 0600), and renames it to `path`. Throws the system's error on failure,
 * after removing the temporary file.
 */
export function writeBanlist(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeDurably(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
