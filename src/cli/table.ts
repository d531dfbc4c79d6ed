/**
 * Tables without borders, fitted to a width: first whole columns are dropped in the order of their `drop` numbers, then
 * columns with a `least` are shortened down to that. What is too long even then is left to the terminal to wrap.
 */

const GAP = '  ';

/** One column: its head, what it shows, and what happens to it in a narrow terminal. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  /** Default `left`. */
  readonly align?: 'left' | 'right';
  /** Characters that stay when the column is shortened; without it, it is never shortened. */
  readonly least?: number;
  /** The column with the lowest number is dropped first; without one, it is never dropped. */
  readonly drop?: number;
}

/** The lines of a table; the last one names the columns that were dropped, if any were. */
export function tabulated<T>(columns: readonly Column<T>[], rows: readonly T[], width = Infinity): string[] {
  const { lines, dropped } = table(columns, rows, width);
  return dropped.length === 0 ? lines : [...lines, droppedLine(dropped)];
}

/** `not shown at this width: mping, net; -v shows all columns` */
export const droppedLine = (dropped: readonly string[]): string =>
  `(not shown at this width: ${dropped.join(', ')}; -v shows all columns)`;

/** The head, a line for each row, and the heads of the columns that were dropped. */
export function table<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width = Infinity,
): { lines: string[]; dropped: string[] } {
  const measured = columns.map((column) => {
    const cells = [column.head, ...rows.map((row) => column.cell(row))];
    const natural = Math.max(...cells.map((cell) => cell.length));
    return { ...column, cells, width: natural, least: Math.min(natural, column.least ?? natural) };
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
  readonly least: number;
  readonly drop?: number;
  width: number;
}

const total = (columns: readonly Measured[], widthOf: (column: Measured) => number): number =>
  columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length);

/** Without those that have to go so that the others fit when they are shortened. */
function kept(columns: readonly Measured[], width: number): Measured[] {
  const shown = [...columns];
  const order = columns.filter(({ drop }) => drop !== undefined).sort((a, b) => a.drop! - b.drop!);
  for (const next of order) {
    if (total(shown, ({ least }) => least) <= width) break;
    shown.splice(shown.indexOf(next), 1);
  }
  return shown;
}

/** Takes a character from the widest column until all fit, or none can be shortened any more. */
function shorten(columns: readonly Measured[], width: number): void {
  while (total(columns, (column) => column.width) > width) {
    const roomy = columns.filter((column) => column.width > column.least);
    if (roomy.length === 0) return;
    roomy.reduce((widest, column) => (column.width > widest.width ? column : widest)).width--;
  }
}

function padded({ cells, align, width }: Measured, n: number): string {
  const text = cells[n]!;
  const short = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return align === 'right' ? short.padStart(width) : short.padEnd(width);
}
