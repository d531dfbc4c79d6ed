/** Splits long lists into lines, with pauses in which Ctrl-C is handled. */
import { setImmediate } from 'node:timers/promises';

/** Lines between two pauses. */
const LINES = 5_000;

export interface ListLine {
  /** Without white space at its ends. */
  readonly line: string;
  /** Its number, from 1. */
  readonly number: number;
}

/** Yields each line that is not empty, until `interrupted` aborts. */
export async function* linesOf(list: string, interrupted: AbortSignal): AsyncGenerator<ListLine> {
  for (const [n, text] of list.split('\n').entries()) {
    if (n % LINES === 0) await setImmediate();
    if (interrupted.aborted) return;
    const line = text.trim();
    if (line !== '') yield { line, number: n + 1 };
  }
}
