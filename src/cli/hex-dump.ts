/** Formats annotated bytes in four columns: offset, bytes, field, value. */
import type { AnnotatedField, Annotation } from '../decode/annotate.js';
import type { Paint } from './output.js';

const BYTES_PER_LINE = 16;
/** A field with more lines than this is shortened. */
const MAX_LINES = 4;

/** The lines of one message. */
export function annotationLines(
  { command, network, offset, size, ok, fields, verdicts }: Annotation,
  paint: Paint,
): string[] {
  const title = [
    command || '(no command)',
    ...(network === undefined ? [] : [network]),
    `${size} bytes at ${offset}`,
  ];
  const width = Math.max(0, ...fields.map(({ name }) => name.length));
  return [
    `${paint('bold', title.join(', '))}: ${ok ? paint('green', 'good') : paint('red', 'bad')}`,
    ...fields.flatMap((field) => lines(field, width, paint)),
    ...verdicts.map(({ code, says }) => `  ${paint(ok ? 'yellow' : 'red', code)} ${says}`),
  ];
}

function lines({ offset, hex, name, value }: AnnotatedField, width: number, paint: Paint): string[] {
  const rows = hex.match(new RegExp(`.{1,${2 * BYTES_PER_LINE}}`, 'g')) ?? [''];
  const shown = rows.slice(0, rows.length > MAX_LINES ? MAX_LINES - 1 : MAX_LINES);
  const left = rows.length - shown.length;
  const hidden =
    left === 0 ? [] : [`${' '.repeat(8)}  … ${hex.length / 2 - shown.length * BYTES_PER_LINE} more bytes`];
  return [
    ...shown.map((row, n) => {
      const at = paint('dim', String(offset + n * BYTES_PER_LINE).padStart(8));
      const bytes = (row.match(/../g) ?? []).join(' ').padEnd(3 * BYTES_PER_LINE - 1);
      return n === 0
        ? `${at}  ${bytes}  ${name.padEnd(width)}  ${value}`.trimEnd()
        : `${at}  ${bytes}`.trimEnd();
    }),
    ...hidden,
  ];
}
