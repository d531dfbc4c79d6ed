/** Formats a session: its title, its messages in two columns with times, and with `-v` the fields of each message. */
import { sequenceOf } from '../conformance/explain.js';
import type { SessionLine } from '../recording/transcripts.js';
import type { Output } from './output.js';

/** The session to format. */
export interface TranscriptView {
  readonly title: string;
  readonly entries: readonly SessionLine[];
  /** The number of further entries that are not shown. */
  readonly left: number;
  /** The heading of the left column. */
  readonly us: string;
}

/** The lines of a transcript, with an empty line at the end. */
export function transcriptLines({ title, entries, left, us }: TranscriptView, out: Output): string[] {
  const [head = '', ...lines] = sequenceOf(entries, us, 'peer');
  const time = (ms: number): string => `${ms.toFixed(1)} ms`.padStart(12);
  return [
    out.paint('bold', title),
    `${' '.repeat(12)}  ${out.paint('dim', head)}`,
    ...entries.flatMap((entry, n) => [
      `${out.paint('dim', time(entry.at))}  ${lines[n] ?? ''}`.trimEnd(),
      ...(out.verbose > 0 ? fieldLines(entry, out) : []),
    ]),
    ...(left > 0 ? [`${' '.repeat(12)}  … and ${left} more`] : []),
    '',
  ];
}

function fieldLines({ side, fields = [] }: SessionLine, out: Output): string[] {
  const indent = ' '.repeat(side === 'node' ? 63 : 16);
  return fields.map(({ name, value, hex }) => out.paint('dim', `${indent}${name} ${value || short(hex)}`));
}

const short = (hex: string): string => (hex.length > 64 ? `${hex.slice(0, 64)}…` : hex);

/** A number with its noun: `1 session`, `2 sessions`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
