/**
 * A bounded writer around stdout or stderr: what cannot be written is counted and dropped, and never ends the program.
 *
 * Two things can be wrong. Writing fails: a full disk (ENOSPC), a closed pipe (EPIPE), a device error (EIO). Or a reader
 * stalls, so that what it does not read would fill the memory. Both become events; the first line that can be written
 * again follows a notice that says how many were lost. Lines are never cut: what is left of one that a full
 * disk cut is written first.
 */
import { fstatSync, openSync, readlinkSync, writeSync } from 'node:fs';

/** Bytes that may wait for a slow reader of a long-running verb. */
export const MAX_PENDING = 1_048_576;
/** Milliseconds before writing is tried again after it failed. */
export const RETRY_AFTER = 1_000;

/** What `configure` can set once the command line is known. */
export interface OutputStreamSettings {
  /** The text about lost lines, without a line break; written where the lines would have been. */
  readonly notice: (lost: number, fault: string) => string;
  /** Bytes that may wait for the reader; Infinity for a verb whose output is finite. */
  readonly limit: number;
}

export interface OutputStreamOptions extends Partial<OutputStreamSettings> {
  /** Lines are dropped from now on: an error code of the system, or `stalled` for a reader that does not read. */
  readonly failed?: (fault: string) => void;
  /** Lines are written again; so many were lost. */
  readonly recovered?: (lost: number) => void;
  /** Milliseconds of a clock that does not go back. */
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

/** Calls back once for each write: without a code when all of it was written. */
interface Target {
  readonly pending: number;
  /** Whether the end of the last text could not be written yet. */
  readonly isPartial: boolean;
  write(text: string, done: (fault?: string) => void): void;
}

const NOTICE = (lost: number, fault: string): string => `${lost} lines could not be written (${fault})`;

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

  configure(settings: OutputStreamSettings): void {
    this.#settings = settings;
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  /** Lines that were dropped and that no notice has reported yet. */
  get lost(): number {
    return this.#lost;
  }

  /** Opens the file behind the stream anew by its path, as after a rotation; false when the stream is no regular file. */
  reopen(): boolean {
    return this.#target instanceof FileTarget && this.#target.reopen();
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The system's code of the first write that failed; undefined while none has. A reader that stalls is no such failure. */
  get writeError(): string | undefined {
    return this.#writeError ?? (this.#target.isPartial ? 'ENOSPC' : undefined);
  }

  /** Writes one or more whole lines, or drops them; false when they are dropped already. Never throws. */
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

  /** Resolves when nothing is pending or when writing fails: for the end of the program. Never rejects. */
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
    // A reader that has stalled has to catch up with half of it: otherwise notices and lines would alternate.
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

  /** A reader reads again: the notice does not wait for the next line. */
  #retry(): void {
    if (this.#lost > 0 && this.#fault === 'stalled') this.write('');
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}

const linesIn = (text: string): number => text.split('\n').length - 1;

/** Where Node writes at once and ignores that only a part fitted: files, and devices that are no terminals. */
function isFile(stream: WritableOutput): stream is WritableOutput & { readonly fd: number } {
  if (typeof stream.fd !== 'number' || stream.isTTY) return false;
  try {
    const stats = fstatSync(stream.fd);
    return stats.isFile() || stats.isCharacterDevice();
  } catch {
    return false;
  }
}

/** Where a regular file is; undefined for others, and where the system does not report it. */
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

/** Pipes, sockets and terminals: Node buffers what the reader does not take. */
class StreamTarget implements Target {
  readonly isPartial = false;

  constructor(private readonly stream: WritableOutput) {
    // Each write is called back with its error; without a listener the same error would end the program.
    stream.on('error', () => undefined);
  }

  get pending(): number {
    return this.stream.writableLength;
  }

  write(text: string, done: (fault?: string) => void): void {
    this.stream.write(text, (error) => done(error ? codeOf(error) : undefined));
  }
}

/** Files, written at once. A disk that fills up may take a part of a line: the rest is kept, and written first. */
class FileTarget implements Target {
  readonly pending = 0;
  #rest: Uint8Array = new Uint8Array(0);

  #fd: number;
  readonly #path: string | undefined;

  constructor(fd: number) {
    this.#fd = fd;
    this.#path = pathOf(fd);
  }

  /** The old file stays open: other parts of the process may write to it. */
  reopen(): boolean {
    if (this.#path === undefined) return false;
    try {
      this.#fd = openSync(this.#path, 'a', 0o644);
    } catch {
      // The old file is written on.
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
      // What has begun will be finished with the next write: it is not lost.
      if (isBegun) done();
      else done(codeOf(error));
    }
  }

  /** Writes the start of a text; throws when none of it can be written. */
  #begin(bytes: Uint8Array): boolean {
    const written = bytes.length === 0 ? 0 : writeSync(this.#fd, bytes);
    this.#rest = bytes.subarray(written);
    return true;
  }

  #finish(): void {
    while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(this.#fd, this.#rest));
  }
}
