/**
 * The file that a recording goes to. Each turn is one synchronous append: nothing waits in memory, a slow disk slows the
 * node down instead, and when the process is killed the file ends with a whole turn. A disk that is full, or a file at
 * its limit, ends the recording and nothing else.
 */
import { closeSync, constants, lstatSync, openSync, type Stats, unlinkSync, writeSync } from 'node:fs';
import { type Reason, VerackError, VERSION } from '../index.js';
import { FORMAT, FORMAT_VERSION, type Header, MAX_LINE } from './recording-format.js';
import type { Sink } from './recorder.js';

export interface RecordingFileOptions {
  /** Bytes. */
  readonly limit: number;
  /** Replace a file that exists. Default false. */
  readonly force?: boolean;
  /** Called once when the recording ends early: `ERR_LOCAL_LIMIT` with `limit`, or the `syscode` of a failed write. */
  readonly broken: (reason: Reason) => void;
}

/** What the last line takes. */
const RESERVE = 64;
const MAX_TURN = MAX_LINE;

export class RecordingFile implements Sink {
  #descriptor: number;
  #size = 0;

  /** Creates the file. Throws `ERR_LOCAL_LIMIT` with `syscode` when that cannot be; `EEXIST` for a file that exists. */
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

  /** Ends the file in order. Idempotent. */
  close(why: 'stopped' | 'limit' = 'stopped'): void {
    if (this.isOpen) this.#append(Buffer.from(`{"in":"end","why":"${why}"}\n`));
    this.#leave();
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
    this.#leave();
    this.options.broken(reason);
  }

  #leave(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor >= 0) closeQuietly(descriptor);
  }
}

/** A new file, never what a symbolic link points to. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Without waiting for a reader: a pipe is refused. */
const DEVICE = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Readable by its owner alone: a recording holds the keys of its sessions. */
const OWNER_ONLY = 0o600;

function opened(path: string, force: boolean): number {
  try {
    const kind = kindOf(path);
    if (kind?.isFIFO()) throw Object.assign(new Error(), { code: 'ESPIPE' });
    if (kind?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (kind?.isCharacterDevice()) return openSync(path, DEVICE);
    // Removed, not emptied: other names of the file, and what a link points to, stay as they are.
    if (kind && force) unlinkSync(path);
    return openSync(path, NEW, OWNER_ONLY);
  } catch (error) {
    const { code: syscode = 'unknown' } = error as NodeJS.ErrnoException;
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, path });
  }
}

/** What is there; undefined for nothing, and where the permission model of Node.js allows to write the file but not to read it. */
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
    // What could not be written was reported by the write.
  }
}
