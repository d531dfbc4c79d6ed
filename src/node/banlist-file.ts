/** Reads and writes `banlist.json`, so that a crash or a full disk leaves the old file or the new one, never a part. */
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

/** Bytes of a file that is read at most: more than {@link MAX_BANS} entries need. */
const MAX_FILE = 4_000_000;

/** The text; undefined when there is no such file. Throws the system's error for other failures, and for one that is too large. */
export function readBanlist(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_FILE) throw new RangeError(`more than ${MAX_FILE} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file beside it, readable by its owner alone, and puts it in its place. Throws the system's error, and leaves nothing behind. */
export function writeBanlist(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeDurably(beside, text);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
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
