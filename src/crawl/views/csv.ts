/** CSV (RFC 4180) with the column names of p2p-crawler. */
import type { Snapshot } from '../snapshot.js';
import { type Cell, COLUMNS, tableOf } from './table.js';

/** Text that a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function field(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  // A user agent is untrusted text: without the apostrophe a spreadsheet could execute it.
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csvView = (snapshot: Snapshot): string =>
  [
    COLUMNS.join(','),
    ...tableOf(snapshot).map((row) => COLUMNS.map((name) => field(row[name] ?? null)).join(',')),
  ]
    .map((line) => `${line}\n`)
    .join('');
