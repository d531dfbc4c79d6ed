/** The lines of long lists, read so that Ctrl-C is handled in between. */
import { setImmediate } from 'node:timers/promises';

/** Lines between two moments at which signals are handled. */
const LINES = 5_000;

export interface ListLine {
  /** Without blanks around it. */
  readonly line: string;
  /** From 1. */
  readonly number: number;
}

/** Every line that is not empty, until `interrupted` aborts. */
export async function* linesOf(list: string, interrupted: AbortSignal): AsyncGenerator<ListLine> {
  for (const [n, text] of list.split('\n').entries()) {
    if (n % LINES === 0) await setImmediate();
    if (interrupted.aborted) return;
    const line = text.trim();
    if (line !== '') yield { line, number: n + 1 };
  }
}
