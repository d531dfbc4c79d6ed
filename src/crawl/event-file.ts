/**
 * Reads and writes the crawl file. Each contact is written with one system call, so that a killed process loses at most the
 * current contact. Before a crawl is resumed, the file is truncated to its last complete contact.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import { VerackError } from '../index.js';
import { openInputFile } from '../net/index.js';
import { crawlEventOf } from './event-schema.js';
import type { CrawlFileEvent } from './events.js';

/** The longest line that is read, bytes; 1,000 addresses need about 80 kB. */
const MAX_LINE = 4_000_000;
const CHUNK = 1 << 20;

const bad = (file: string, why: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', { value: file, why });

/** Executes a system call; a failure is thrown as `ERR_LOCAL_LIMIT` with `syscode` and `file`. */
function attempt<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const syscode = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, file });
  }
}

/** Appends events to a file. Its functions throw `ERR_LOCAL_LIMIT` when the file cannot be written, for example when the disk is full. */
export class EventWriter {
  readonly #fd: number;
  readonly #hash: Hash;
  #bytes = 0;
  #lines = 0;

  /** `before`: the state of an existing file, which is continued; without it the file must not exist. */
  constructor(
    private readonly file: string,
    before?: FileState,
  ) {
    this.#hash = before?.hash ?? createHash('sha256');
    this.#bytes = before?.bytes ?? 0;
    this.#lines = before?.lines ?? 0;
    this.#fd = attempt(file, () => openSync(file, before ? 'a' : 'ax', 0o644));
  }

  get state(): { readonly bytes: number; readonly lines: number; readonly sha256: string } {
    return { bytes: this.#bytes, lines: this.#lines, sha256: this.#hash.copy().digest('hex') };
  }

  /** Writes the events of one contact in one call. */
  write(events: readonly CrawlFileEvent[]): void {
    const text = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    attempt(this.file, () => {
      let done = 0;
      while (done < text.length) done += writeSync(this.#fd, text, done);
    });
    this.#hash.update(text);
    this.#bytes += text.length;
    this.#lines += events.length;
  }

  close(): void {
    attempt(this.file, () => {
      fsyncSync(this.#fd);
      closeSync(this.#fd);
    });
  }
}

/** The state of a file up to its last complete contact: its size, its number of lines, and its SHA-256. */
export interface FileState {
  readonly bytes: number;
  readonly lines: number;
  readonly hash: Hash;
}

/** A line, and the offset of its end in the file. */
interface Line {
  readonly text: string;
  readonly end: number;
}

/** The lines that end in a line feed; text after the last line feed is not a line. */
function* linesOf(file: string): Generator<Line> {
  const fd = attempt(file, () => openInputFile(file));
  try {
    const chunk = Buffer.alloc(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    let end = 0;
    for (;;) {
      const count = attempt(file, () => readSync(fd, chunk, 0, CHUNK, null));
      if (count === 0) return;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, start)) {
        end += at + 1 - start;
        yield { text: rest.toString('utf8', start, at), end };
        start = at + 1;
      }
      rest = rest.subarray(start);
      if (rest.length > MAX_LINE) throw bad(file, `a line has more than ${MAX_LINE} bytes`);
    }
  } finally {
    closeSync(fd);
  }
}

function parse(text: string): CrawlFileEvent | undefined {
  try {
    return crawlEventOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Yields the events of a crawl file in order, contact by contact. Replies without an attempt line, and an incomplete last line,
 * are ignored. Returns the state of the file up to there.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when a complete line is not an event, `ERR_LOCAL_LIMIT` when the file cannot be read
 */
export function* readEvents(file: string): Generator<CrawlFileEvent, FileState> {
  const hash = createHash('sha256');
  let pending: { event: CrawlFileEvent; text: string }[] = [];
  let state = { bytes: 0, lines: 0 };
  for (const { text, end } of linesOf(file)) {
    const event = parse(text);
    if (!event) throw bad(file, `line ${state.lines + pending.length + 1} is not an event of a crawl`);
    pending.push({ event, text });
    if (event.event === 'reply') continue;
    for (const each of pending) hash.update(`${each.text}\n`);
    state = { bytes: end, lines: state.lines + pending.length };
    yield* pending.map((each) => each.event);
    pending = [];
  }
  return { ...state, hash };
}

/** Truncates a file to a state that {@link readEvents} returned. */
export function cutBack(file: string, { bytes }: FileState): void {
  attempt(file, () => truncateSync(file, bytes));
}
