/** Reads a recording turn by turn, and validates every entry. */
import { VERSION } from '../index.js';
import { FORMAT, FORMAT_VERSION, type Header, MAX_LINE } from './recording-format.js';
import { linesOf, refused, type TextLine } from './line-reader.js';
import { faultIn, hasMoment, isShallow } from './input-schema.js';

/** A JSON object of a recording. */
export type Entry = Readonly<Record<string, unknown>> & { readonly in?: string; readonly out?: string };

/** One entry and its line number, from 1. */
export interface Line {
  readonly line: number;
  readonly entry: Entry;
}

/** An input with its node and times, and the effects that followed it. */
export interface Turn {
  readonly node: number;
  readonly at: number;
  readonly wall: number;
  readonly lines: readonly Line[];
  /** False for the last turn of a recording that was cut off, since its end may be missing. */
  readonly isWhole: boolean;
}

/** How a recording ends: with the reason in its last line, or `cut` when that line is missing. */
export type Ending = 'stopped' | 'limit' | 'cut';

/**
 * Reads the turns of a recording; returns how it ends. Throws `ERR_LOCAL_ARGUMENT`, with the line as `value`, for a file that
 * is not a recording or has another format version.
 */
export async function* turnsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Turn, Ending> {
  let turn: TurnBuilder | undefined;
  for await (const line of entriesOf(bytes)) {
    if (line.entry.in === 'end') {
      if (turn) yield turn.done(true);
      return line.entry.why === 'limit' ? 'limit' : 'stopped';
    }
    const isInside = line.entry.in === undefined || line.entry.at === undefined;
    if (turn && isInside) turn.add(line);
    else {
      if (turn) yield turn.done(true);
      turn = new TurnBuilder(line);
    }
  }
  if (turn) yield turn.done(false);
  return 'cut';
}

interface Sized extends Line {
  readonly size: number;
}

/** The entries after the header. A last line without a line break is skipped: it was being written when the recording was cut off. */
async function* entriesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Sized> {
  let isFirst = true;
  for await (const text of linesOf(bytes)) {
    if (isFirst) checkHeader(text);
    else if (text.isWhole) yield parsed(text);
    isFirst = false;
  }
  if (isFirst) throw refused(1, 'the file is empty');
}

class TurnBuilder {
  readonly #lines: Line[] = [];
  #size = 0;

  constructor(private readonly first: Line) {
    const { line, entry } = first;
    if (entry.in === undefined || !hasMoment(entry))
      throw refused(line, 'a turn begins with in, node, at and wall');
    this.#lines.push(first);
  }

  add(line: Sized): void {
    this.#lines.push(line);
    this.#size += line.size;
    if (this.#size > MAX_LINE)
      throw refused(line.line, `the turn is longer than ${MAX_LINE} characters, the limit of a recording`);
  }

  done(isWhole: boolean): Turn {
    const { node, at, wall } = this.first.entry as unknown as Turn;
    return { node, at, wall, lines: this.#lines, isWhole };
  }
}

function parsed({ line, text }: TextLine): Sized {
  const entry = objectIn(text);
  if (!entry) throw refused(line, 'not a JSON object');
  if (!isShallow(entry)) throw refused(line, 'nested too deep');
  const fault = entry.in === 'end' ? undefined : faultIn(entry);
  if (fault !== undefined) throw refused(line, fault);
  return { line, entry, size: text.length };
}

function objectIn(text: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}

function checkHeader({ line, text }: TextLine): void {
  const { format, version } = (objectIn(text.slice(0, 1_024)) ?? {}) as Partial<Header>;
  if (format !== FORMAT)
    throw refused(line, `not a recording of verack, which begins with {"format":"${FORMAT}"`);
  if (version === FORMAT_VERSION) return;
  throw refused(
    line,
    `its format version is ${String(version).slice(0, 20)}; verack ${VERSION} reads version ${FORMAT_VERSION}`,
  );
}
