/**
 * The file that a recording goes to. Each turn is one synchronous append: nothing waits in memory, a slow disk slows the
 * node down instead, and when the process is killed the file ends with a whole turn. A disk that is full, or a file at
 * its limit, ends the recording and nothing else.
 */
import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import { type Reason, VerackError } from '../reasons.js';
import { VERSION } from '../version.js';
import { FORMAT, FORMAT_VERSION, type Header, MAX_LINE } from './recording-format.js';
import type { Sink } from './recorder.js';

export interface RecordingFileOptions {
  /** Bytes. */
  readonly limit: number;
  /** Hears once why the recording ended before its time: `ERR_LOCAL_LIMIT` with `limit`, or the `syscode` of a failed write. */
  readonly broken: (reason: Reason) => void;
}

/** What the last line takes. */
const RESERVE = 64;
const MAX_TURN = MAX_LINE;

export class RecordingFile implements Sink {
  #descriptor: number;
  #size = 0;

  /** Makes the file, or empties it. Throws `ERR_LOCAL_LIMIT` with `syscode` when that cannot be. */
  constructor(
    readonly path: string,
    private readonly options: RecordingFileOptions,
  ) {
    this.#descriptor = opened(path);
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

/** Without waiting for a reader: a pipe is refused. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;

const OWNER_ONLY = 0o600;

/** Readable by its owner alone, also where there was a file before: a recording holds the keys of its sessions. */
function opened(path: string): number {
  try {
    const descriptor = openSync(path, FLAGS, OWNER_ONLY);
    const kind = fstatSync(descriptor);
    if (kind.isFile()) fchmodSync(descriptor, OWNER_ONLY);
    if (!kind.isFIFO()) return descriptor;
    closeSync(descriptor);
  } catch (error) {
    const { code: syscode = 'unknown' } = error as NodeJS.ErrnoException;
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, path });
  }
  throw new VerackError('ERR_LOCAL_LIMIT', { syscode: 'ESPIPE', path });
}

function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // What could not be written was told by the write.
  }
}
