/**
 * Formats tables without borders for a given width. First, columns are dropped in the order of their `drop` numbers; then
 * columns with a `minWidth` are shortened down to it. If a row is still too long, the terminal wraps it.
 */

const GAP = '  ';

/** One column: its heading, its cells, and how it adapts to a narrow terminal. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  /** Default `left`. */
  readonly align?: 'left' | 'right';
  /** The width in characters down to which the column may be shortened; without it, it is never shortened. */
  readonly minWidth?: number;
  /** Columns are dropped in the order of this number, lowest first; a column without one is never dropped. */
  readonly drop?: number;
}

/** The lines of a table; the last line names the dropped columns, if there are any. `width` is in characters. */
export function tabulated<T>(columns: readonly Column<T>[], rows: readonly T[], width = Infinity): string[] {
  const { lines, dropped } = table(columns, rows, width);
  return dropped.length === 0 ? lines : [...lines, droppedLine(dropped)];
}

/** `not shown at this width: mping, net; -v shows all columns` */
export const droppedLine = (dropped: readonly string[]): string =>
  `(not shown at this width: ${dropped.join(', ')}; -v shows all columns)`;

/** The lines of a table, its heading first, and the headings of the dropped columns. */
export function table<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width = Infinity,
): { lines: string[]; dropped: string[] } {
  const measured = columns.map((column) => {
    const cells = [column.head, ...rows.map((row) => column.cell(row))];
    const natural = Math.max(...cells.map((cell) => cell.length));
    return { ...column, cells, width: natural, minWidth: Math.min(natural, column.minWidth ?? natural) };
  });
  const shown = kept(measured, width);
  shorten(shown, width);
  const line = (n: number): string =>
    shown
      .map((column) => padded(column, n))
      .join(GAP)
      .trimEnd();
  return {
    lines: [...rows.keys(), rows.length].map(line),
    dropped: measured.filter((column) => !shown.includes(column)).map(({ head }) => head),
  };
}

interface Measured {
  readonly head: string;
  readonly cells: readonly string[];
  readonly align?: 'left' | 'right';
  readonly minWidth: number;
  readonly drop?: number;
  width: number;
}

const total = (columns: readonly Measured[], widthOf: (column: Measured) => number): number =>
  columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length);

/** The columns that remain when enough are dropped for the others to fit in their minimum widths. */
function kept(columns: readonly Measured[], width: number): Measured[] {
  const shown = [...columns];
  const order = columns.filter(({ drop }) => drop !== undefined).sort((a, b) => a.drop! - b.drop!);
  for (const next of order) {
    if (total(shown, ({ minWidth }) => minWidth) <= width) break;
    shown.splice(shown.indexOf(next), 1);
  }
  return shown;
}

/** Shortens the widest column by one character at a time, until all fit or none can be shortened. */
function shorten(columns: readonly Measured[], width: number): void {
  while (total(columns, (column) => column.width) > width) {
    const shortenable = columns.filter((column) => column.width > column.minWidth);
    if (shortenable.length === 0) return;
    shortenable.reduce((widest, column) => (column.width > widest.width ? column : widest)).width--;
  }
}

function padded({ cells, align, width }: Measured, n: number): string {
  const text = cells[n]!;
  const short = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return align === 'right' ? short.padStart(width) : short.padEnd(width);
}
