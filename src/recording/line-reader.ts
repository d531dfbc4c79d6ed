/** Splits a byte stream into lines of bounded length. */
import { VerackError } from '../index.js';
import { MAX_LINE } from './recording-format.js';

/** A line without its line break. */
export interface TextLine {
  /** Its number, from 1. */
  readonly line: number;
  readonly text: string;
  /** False for text after the last line break. */
  readonly isWhole: boolean;
}

const BREAK = 0x0a;

/** The lines of a stream. Throws `ERR_LOCAL_ARGUMENT` for a line longer than {@link MAX_LINE} bytes. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  let line = 0;
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    parts.push(part);
    size += part.length;
    if (size > MAX_LINE) throw refused(line + 1, `longer than ${MAX_LINE} bytes, the limit of a recording`);
  };
  const lineOf = (isWhole: boolean): TextLine => {
    const text = Buffer.concat(parts).toString('utf8');
    parts = [];
    size = 0;
    return { line: ++line, text, isWhole };
  };
  for await (const chunk of bytes) {
    let from = 0;
    for (let to = chunk.indexOf(BREAK); to >= 0; to = chunk.indexOf(BREAK, from)) {
      take(chunk.subarray(from, to));
      yield lineOf(true);
      from = to + 1;
    }
    take(chunk.subarray(from));
  }
  if (size > 0) yield lineOf(false);
}

/** The error for an invalid line; `why` is a sentence without a full stop. */
export const refused = (line: number, why: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', { value: `line ${line}`, why });
