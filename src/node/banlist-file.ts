/** Reads and writes `banlist.json`. Writing is atomic: after a crash or a full disk the file is the old or the new one, complete. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** Largest file that is read, bytes: more than `MAX_BANS` (10,000) entries need. */
const MAX_FILE = 4_000_000;

/**
 * The text of the file; undefined when it does not exist. Throws the system's error for any other failure, and a `RangeError`
 * for a file above 4,000,000 bytes.
 */
export function readBanlist(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_FILE) throw new RangeError(`more than ${MAX_FILE} bytes`);
    return readFileSync(path, 'utf8');
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
