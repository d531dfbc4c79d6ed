/**
 * Writes a recording to a file. Each turn is appended synchronously, so nothing is buffered in memory, and if the process
 * is killed, the file ends with a complete turn; a slow disk therefore slows the node down. A full disk or the size limit
 * ends the recording, but not the node.
 */
import { closeSync, constants, lstatSync, openSync, type Stats, unlinkSync, writeSync } from 'node:fs';
import { type Reason, VerackError, VERSION } from '../index.js';
import { FORMAT, FORMAT_VERSION, type Header, MAX_LINE } from './recording-format.js';
import type { Sink } from './recorder.js';

/** Options of a recording file. */
export interface RecordingFileOptions {
  /** Maximum size of the file in bytes. */
  readonly limit: number;
  /** Overwrite an existing file. Default false. */
  readonly force?: boolean;
  /** Called once when the recording ends early: `ERR_LOCAL_LIMIT` with `limit`, or the `syscode` of a failed write. */
  readonly broken: (reason: Reason) => void;
}

/** Bytes that are reserved for the last line. */
const RESERVE = 64;
const MAX_TURN = MAX_LINE;

/** A recording file, open from its creation until `close` or an error. */
export class RecordingFile implements Sink {
  #descriptor: number;
  #size = 0;

  /** Creates the file. Throws `ERR_LOCAL_LIMIT` with `syscode` when that fails: `EEXIST` for a file that exists. */
  constructor(
    readonly path: string,
    private readonly options: RecordingFileOptions,
  ) {
    this.#descriptor = opened(path, options.force ?? false);
    const header: Header = { format: FORMAT, version: FORMAT_VERSION, verack: VERSION };
    this.take([JSON.stringify(header)]);
  }

  get isOpen(): boolean {
    return this.#descriptor >= 0;
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  take(lines: readonly string[]): void {
    if (!this.isOpen) return;
    const text = Buffer.from(`${lines.join('\n')}\n`);
    if (text.length > MAX_TURN || this.#size + text.length + RESERVE > this.options.limit)
      this.#break({ code: 'ERR_LOCAL_LIMIT', facts: { limit: this.options.limit } }, 'limit');
    else this.#append(text);
  }

  /** Writes the last line and closes the file. Idempotent. */
  close(why: 'stopped' | 'limit' = 'stopped'): void {
    if (this.isOpen) this.#append(Buffer.from(`{"in":"end","why":"${why}"}\n`));
    this.#release();
  }

  #append(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      this.#size += bytes.length;
    } catch (error) {
      const { code: syscode = 'unknown' } = error as NodeJS.ErrnoException;
      this.#break({ code: 'ERR_LOCAL_LIMIT', facts: { syscode } });
    }
  }

  #break(reason: Reason, why?: 'limit'): void {
    if (why) this.close(why);
    this.#release();
    this.options.broken(reason);
  }

  #release(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor >= 0) closeQuietly(descriptor);
  }
}

/** Creates a new file, and never follows a symbolic link. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Opens a device without blocking. */
const DEVICE = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Readable only by its owner, since a recording contains the keys of its sessions. */
const OWNER_ONLY = 0o600;

function opened(path: string, force: boolean): number {
  try {
    const kind = kindOf(path);
    if (kind?.isFIFO()) throw Object.assign(new Error(), { code: 'ESPIPE' });
    if (kind?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (kind?.isCharacterDevice()) return openSync(path, DEVICE);
    // Removed instead of truncated, so that hard links to the file and the target of a symbolic link are unchanged.
    if (kind && force) unlinkSync(path);
    return openSync(path, NEW, OWNER_ONLY);
  } catch (error) {
    const { code: syscode = 'unknown' } = error as NodeJS.ErrnoException;
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, path });
  }
}

/** What exists at the path; undefined for nothing, and where the permission model of Node.js permits writing but not reading. */
function kindOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return undefined;
    throw error;
  }
}

function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // The write has already reported the failure.
  }
}
