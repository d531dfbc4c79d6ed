/**
 * Reads and writes `peers.dat` and `anchors.dat`: the only file of the address book that does I/O.
 *
 * Files are written under a temporary name and renamed, so that after a crash the file is the old or the new one. A damaged
 * file is renamed, not deleted, and the program continues without it; Bitcoin Core refuses to start instead.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readInputFile } from '../net/input-file.js';
import { VerackError } from '../reasons.js';
import type { AddressRecord } from './entry.js';
import { decodeAnchors, decodePeers, encodeAnchors, encodePeers, type FileDecoding } from './peers-format.js';
import type { SavedBook } from './saved-book.js';

/** The file name of the address book, as in Bitcoin Core. */
export const PEERS_FILE = 'peers.dat';
/** The file name of the anchors, as in Bitcoin Core. */
export const ANCHORS_FILE = 'anchors.dat';

/** Largest file that is read, bytes. A full book needs about 9 MB, so a larger file is not an address book. */
const MAX_FILE = 64 * 1024 * 1024;

/** The result of reading a file. */
export interface FileContents<T> {
  /** Undefined when there was no file, or a damaged one. */
  readonly value: T | undefined;
  /** Set when the file was damaged: one sentence that says what was wrong and how the file was renamed. */
  readonly notice?: string;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** The library's error for a failed system call. */
function refused(path: string, error: unknown): VerackError {
  return new VerackError('ERR_LOCAL_LIMIT', { path, why: codeOf(error) });
}

/** The bytes of a file; undefined when there is none, a sentence's end when it is too large. */
function contentsOf(path: string): FileDecoding<Uint8Array> | undefined {
  try {
    return { ok: true, value: new Uint8Array(readInputFile(path, MAX_FILE)) };
  } catch (error) {
    if (error instanceof VerackError)
      return { ok: false, why: `has more than ${MAX_FILE} bytes, as no address book has` };
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refused(path, error);
  }
}

/** A name in the same directory that no file has: `peers.dat.damaged`, `peers.dat.damaged.1`, … */
async function freeName(path: string, ending: string): Promise<string> {
  for (let i = 0; ; i++) {
    const name = `${path}.${ending}${i === 0 ? '' : `.${i}`}`;
    const isTaken = await stat(name).then(
      () => true,
      () => false,
    );
    if (!isTaken) return name;
  }
}

/**
 * Renames a file to an unused name that begins with `path.ending`, so that its name becomes free. Resolves with the new name;
 * undefined when the file does not exist.
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export async function setAside(path: string, ending: string): Promise<string | undefined> {
  const name = await freeName(path, ending);
  try {
    await rename(path, name);
    return name;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refused(path, error);
  }
}

async function readOrSetAside<T>(
  path: string,
  read: (file: Uint8Array) => FileDecoding<T>,
): Promise<FileContents<T>> {
  const file = contentsOf(path);
  if (file === undefined) return { value: undefined };
  const decoded = file.ok ? read(file.value) : file;
  if (decoded.ok) return { value: decoded.value };
  const name = await setAside(path, 'damaged');
  return { value: undefined, notice: `${path} ${decoded.why}; it is kept as ${name ?? path}.` };
}

/**
 * Reads a book from a file without changing the file; undefined when the file does not exist.
 * @param magic - the magic of the chain, 4 bytes
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export function readPeersFile(path: string, magic: Uint8Array): Promise<FileDecoding<SavedBook> | undefined> {
  return new Promise((resolve) => {
    const file = contentsOf(path);
    resolve(file?.ok === true ? decodePeers(file.value, magic) : file);
  });
}

/**
 * Reads the book in a directory. A damaged file, or one of another chain, is renamed, and `notice` says so.
 * @param magic - the magic of the chain, 4 bytes
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export function loadPeers(folder: string, magic: Uint8Array): Promise<FileContents<SavedBook>> {
  return readOrSetAside(join(folder, PEERS_FILE), (file) => decodePeers(file, magic));
}

/**
 * Writes a book to a file, atomically. Creates the directory if necessary.
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses; `ENXIO` for a device, a pipe or a socket
 */
export function writePeersFile(path: string, saved: SavedBook, magic: Uint8Array): Promise<void> {
  return replaceFile(path, encodePeers(saved, magic));
}

/**
 * Reads the anchors in a directory and deletes the file, so that anchors that crash this node are tried only once.
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export async function takeAnchors(
  folder: string,
  magic: Uint8Array,
): Promise<FileContents<readonly AddressRecord[]>> {
  const path = join(folder, ANCHORS_FILE);
  const contents = await readOrSetAside(path, (file) => decodeAnchors(file, magic));
  await rm(path, { force: true });
  return contents;
}

/**
 * Writes the anchors in a directory, atomically: the block-relay-only peers at a regular shutdown.
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export function writeAnchors(
  folder: string,
  addresses: readonly AddressRecord[],
  magic: Uint8Array,
): Promise<void> {
  return replaceFile(join(folder, ANCHORS_FILE), encodeAnchors(addresses, magic));
}

async function replaceFile(path: string, file: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    if (await isSpecial(path)) throw Object.assign(new Error(), { code: 'ENXIO' });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(temporary, file);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw refused(path, error);
  }
}

/** Whether the path names a device, a pipe or a socket, which the renamed file would replace. */
async function isSpecial(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isSymbolicLink() && !found.isDirectory();
}

/** Writes a new file with mode 0600, and waits until it is on the disk. */
async function writeDurably(path: string, file: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(file);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
