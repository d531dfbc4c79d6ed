/**
 * A bounded writer for stdout or stderr. Lines that cannot be written are counted and dropped; they never end the program.
 *
 * There are two kinds of failure. A write fails: the disk is full (ENOSPC), the pipe is closed (EPIPE), the device has an
 * error (EIO). Or the reader stalls, and the unread lines would fill the memory. Both are reported to `failed`. When lines
 * can be written again, a notice with the number of lost lines is written first. Lines are never cut: if a full disk
 * accepted only a part of a line, the rest of it is written before anything else.
 */
import { fstatSync, openSync, readlinkSync, writeSync } from 'node:fs';

/** Bytes that may wait for a slow reader of a long-running verb. */
export const MAX_PENDING = 1_048_576;
/** Milliseconds before writing is tried again after it failed. */
export const RETRY_AFTER = 1_000;

/** Settings that are known only once the command line is parsed; see `OutputStream.configure`. */
export interface OutputStreamSettings {
  /** The notice about lost lines, without a line break; it is written in place of the lines. */
  readonly notice: (lost: number, fault: string) => string;
  /** Most bytes that may wait for the reader; Infinity for a verb whose output is finite. */
  readonly limit: number;
}

/** Settings and callbacks of an `OutputStream`. */
export interface OutputStreamOptions extends Partial<OutputStreamSettings> {
  /** Called when lines begin to be dropped, with the error code of the system, or `stalled` for a reader that does not read. */
  readonly failed?: (fault: string) => void;
  /** Called when lines are written again, with the number of lost lines. */
  readonly recovered?: (lost: number) => void;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** The part of a stream that is needed here: `process.stdout`, `process.stderr` or any writable stream. */
export interface WritableOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly fd?: number;
  readonly writableLength: number;
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: 'error' | 'drain', listener: () => void): unknown;
}

/** Where text is written: a file, or a stream. */
interface Target {
  /** Bytes that are not written yet. */
  readonly pending: number;
  /** Whether only the beginning of the last text has been written. */
  readonly isPartial: boolean;
  /** Calls `done` once: without a code when the text was written, else with the system's error code. */
  write(text: string, done: (fault?: string) => void): void;
}

const NOTICE = (lost: number, fault: string): string => `${lost} lines could not be written (${fault})`;

/** A bounded writer; see the top of this file. */
export class OutputStream {
  readonly #stream: WritableOutput;
  readonly #target: Target;
  readonly #options: OutputStreamOptions;
  #settings: OutputStreamSettings;
  #fault: string | undefined;
  #writeError: string | undefined;
  #lost = 0;
  #dropped = 0;
  #retryAt = 0;
  #idle: (() => void)[] = [];

  constructor(stream: WritableOutput, options: OutputStreamOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    this.#settings = { notice: NOTICE, limit: MAX_PENDING, ...options };
    this.#target = isFile(stream) ? new FileTarget(stream.fd) : new StreamTarget(stream);
    stream.on('drain', () => this.#retry());
  }

  /** Replaces the settings of the constructor. */
  configure(settings: OutputStreamSettings): void {
    this.#settings = settings;
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  /** The width in characters; undefined for a stream without one, and for a terminal that reports 0: its size is not set. */
  get columns(): number | undefined {
    const { columns } = this.#stream;
    return columns === 0 ? undefined : columns;
  }

  /** Lines that were dropped and that no notice has reported yet. */
  get lost(): number {
    return this.#lost;
  }

  /** Opens the file of the stream again by its path, as needed after a rotation; false when the stream is not a regular file. */
  reopen(): boolean {
    return this.#target instanceof FileTarget && this.#target.reopen();
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The system's error code of the first write that failed; undefined if none has. A stalled reader does not count. */
  get writeError(): string | undefined {
    return this.#writeError ?? (this.#target.isPartial ? 'ENOSPC' : undefined);
  }

  /** Writes one or more whole lines; false when they are dropped at once. Never throws. */
  write(text: string): boolean {
    if (!this.#canWrite(text)) {
      this.#count(linesIn(text));
      return false;
    }
    const lost = this.#lost;
    this.#lost = 0;
    this.#target.write(this.#notice(lost) + text, (fault) => this.#written(fault, text, lost));
    return true;
  }

  /** Resolves when nothing is pending, or when a write fails. Never rejects. Call it before the program exits. */
  async drain(): Promise<void> {
    if (this.#target.pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #count(lines: number): void {
    this.#lost += lines;
    this.#dropped += lines;
  }

  #canWrite(text: string): boolean {
    const { limit } = this.#settings;
    if (this.#fault !== undefined && this.#fault !== 'stalled') return this.#now() >= this.#retryAt;
    // After a stall, half of the limit must be free first: otherwise notices and lines would alternate.
    const most = this.#fault === 'stalled' ? limit / 2 : limit;
    if (this.#target.pending + text.length <= most) return true;
    this.#fail('stalled');
    return false;
  }

  #notice(lost: number): string {
    return lost > 0 ? `${this.#settings.notice(lost, this.#fault ?? 'stalled')}\n` : '';
  }

  #written(fault: string | undefined, text: string, lost: number): void {
    if (fault !== undefined) {
      this.#lost += lost;
      this.#count(linesIn(text));
      this.#retryAt = this.#now() + RETRY_AFTER;
      this.#writeError ??= fault;
      this.#fail(fault);
    } else if (lost > 0) {
      this.#fault = undefined;
      this.#options.recovered?.(lost);
    }
    if (fault !== undefined || this.#target.pending === 0) this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(fault: string): void {
    if (this.#fault === fault) return;
    this.#fault = fault;
    this.#options.failed?.(fault);
  }

  /** Writes the notice as soon as the reader reads again, without waiting for the next line. */
  #retry(): void {
    if (this.#lost > 0 && this.#fault === 'stalled') this.write('');
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}

const linesIn = (text: string): number => text.split('\n').length - 1;

/** Whether Node would write synchronously and ignore a partial write: files, and devices that are not terminals. */
function isFile(stream: WritableOutput): stream is WritableOutput & { readonly fd: number } {
  if (typeof stream.fd !== 'number' || stream.isTTY) return false;
  try {
    const stats = fstatSync(stream.fd);
    return stats.isFile() || stats.isCharacterDevice();
  } catch {
    return false;
  }
}

/** The path of a regular file; undefined for anything else, and where the system does not report it. */
function pathOf(fd: number): string | undefined {
  try {
    return fstatSync(fd).isFile() ? readlinkSync(`/proc/self/fd/${fd}`) : undefined;
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? 'EIO';
};

/** Pipes, sockets and terminals: Node buffers what the reader has not read. */
class StreamTarget implements Target {
  readonly isPartial = false;

  constructor(private readonly stream: WritableOutput) {
    // The callback of each write receives its error, but without a listener the same error would end the program.
    stream.on('error', () => undefined);
  }

  get pending(): number {
    return this.stream.writableLength;
  }

  write(text: string, done: (fault?: string) => void): void {
    this.stream.write(text, (error) => done(error ? codeOf(error) : undefined));
  }
}

/** Files, which are written synchronously. If a disk is full after a part of a line, the rest is kept and written first. */
class FileTarget implements Target {
  readonly pending = 0;
  #rest: Uint8Array = new Uint8Array(0);

  #fd: number;
  readonly #path: string | undefined;

  constructor(fd: number) {
    this.#fd = fd;
    this.#path = pathOf(fd);
  }

  /** Opens the file by its path. The old descriptor stays open, since other parts of the process may write to it. */
  reopen(): boolean {
    if (this.#path === undefined) return false;
    try {
      this.#fd = openSync(this.#path, 'a', 0o644);
    } catch {
      // The old file remains in use.
    }
    return true;
  }

  get isPartial(): boolean {
    return this.#rest.length > 0;
  }

  write(text: string, done: (fault?: string) => void): void {
    let isBegun = false;
    try {
      this.#finish();
      isBegun = this.#begin(Buffer.from(text));
      this.#finish();
      done();
    } catch (error) {
      // The rest of a text that has begun is written before the next one, so it is not lost.
      if (isBegun) done();
      else done(codeOf(error));
    }
  }

  /** Writes as much of a text as fits; throws when none of it can be written. */
  #begin(bytes: Uint8Array): boolean {
    const written = bytes.length === 0 ? 0 : writeSync(this.#fd, bytes);
    this.#rest = bytes.subarray(written);
    return true;
  }

  #finish(): void {
    while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(this.#fd, this.#rest));
  }
}
