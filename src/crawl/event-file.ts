/**
 * The crawl file: written with one system call per contact, so that a killed process loses at most the contact under way;
 * read line by line, and cut back to its last whole contact before a crawl goes on.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import { VerackError } from '../index.js';
import type { CrawlFileEvent } from './events.js';

/** The longest line that is read; 1,000 addresses take about 80 kB. */
const MAX_LINE = 4_000_000;
const CHUNK = 1 << 20;

const bad = (file: string, why: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', { value: file, why });

/** A failed system call, as `ERR_LOCAL_LIMIT` with `syscode` and `file`. */
function attempt<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const syscode = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new VerackError('ERR_LOCAL_LIMIT', { syscode, file });
  }
}

/** Appends events. Throws `ERR_LOCAL_LIMIT` when the disk is full or the file cannot be written. */
export class EventWriter {
  readonly #fd: number;
  readonly #hash: Hash;
  #bytes = 0;
  #lines = 0;

  /** `before`: the hash and size of what the file holds already; without it the file must not exist. */
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

/** What a file holds up to its last whole contact. */
export interface FileState {
  readonly bytes: number;
  readonly lines: number;
  readonly hash: Hash;
}

/** A line, and the offset behind it. */
interface Line {
  readonly text: string;
  readonly end: number;
}

/** The lines that end in a line feed; text after the last line feed is not a line. */
function* linesOf(file: string): Generator<Line> {
  const fd = attempt(file, () => openSync(file, 'r'));
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
    const value: unknown = JSON.parse(text);
    const isEvent = typeof value === 'object' && value !== null && 'event' in value;
    return isEvent ? (value as CrawlFileEvent) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The events of a crawl file in order, contact by contact: replies whose attempt line is missing are left out, and so is a
 * line that was cut. Returns the state of the file up to there.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when a line other than the last is no event, `ERR_LOCAL_LIMIT` when the file
 *   cannot be read
 */
export function* readEvents(file: string): Generator<CrawlFileEvent, FileState> {
  const hash = createHash('sha256');
  let pending: { event: CrawlFileEvent; text: string }[] = [];
  let state = { bytes: 0, lines: 0 };
  for (const { text, end } of linesOf(file)) {
    const event = parse(text);
    if (!event) throw bad(file, `line ${state.lines + pending.length + 1} is no event of a crawl`);
    pending.push({ event, text });
    if (event.event === 'reply') continue;
    for (const each of pending) hash.update(`${each.text}\n`);
    state = { bytes: end, lines: state.lines + pending.length };
    yield* pending.map((each) => each.event);
    pending = [];
  }
  return { ...state, hash };
}

/** Cuts a file back to a state that {@link readEvents} returned. */
export function cutBack(file: string, { bytes }: FileState): void {
  attempt(file, () => truncateSync(file, bytes));
}
