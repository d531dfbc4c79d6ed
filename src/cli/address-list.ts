/** Address books as text: the lines that `verack addresses --add` reads, and the table that it prints. */
import type { AddressBook, NetService, Position, TableName } from '../addresses/index.js';
import { netClassOf } from '../addresses/index.js';
import { formatAddress, parseAddress, servicesLetters } from '../wire/index.js';
import { Usage } from './exit-codes.js';
import { linesOf } from './list-lines.js';
import { tabulated, type Column } from './table.js';

/** One line of a list. */
export interface ListedAddress {
  readonly service: NetService;
  readonly table: TableName;
}

/** `HOST PORT`, optionally followed by the table: `new` (the default) or `tried`. */
const LINE = /^(\S+)\s+(\d{1,5})(?:\s+(new|tried))?$/;

/** Parses one line that is not empty. @throws Usage that begins with `where` */
function listedAddress(line: string, where: string): ListedAddress {
  const [, host = '', port = '', table = 'new'] = LINE.exec(line) ?? [];
  if (host === '') throw new Usage(`${where}: expected HOST PORT [new|tried]`);
  const parsed = parseAddress(host);
  if (!parsed.ok) throw new Usage(`${where}: "${host.slice(0, 80)}" is not an address (${parsed.fault})`);
  if (Number(port) > 65_535) throw new Usage(`${where}: a port is at most 65535`);
  return { service: { ...parsed.value, port: Number(port) }, table: table as TableName };
}

/**
 * Parses a list: one address per line; empty lines and lines that begin with `#` are skipped.
 *
 * @param file - the name of the list in error messages
 * @throws Usage that names the first line that is not an address
 */
export async function listedAddresses(
  text: string,
  file: string,
  interrupted: AbortSignal,
): Promise<ListedAddress[]> {
  const listed: ListedAddress[] = [];
  for await (const { line, number } of linesOf(text, interrupted)) {
    if (!line.startsWith('#')) listed.push(listedAddress(line, `${file}, line ${number}`));
  }
  return listed;
}

interface Row extends Position {
  readonly table: TableName;
}

const column = (head: string, cell: (row: Row) => string): Column<Row> => ({
  head,
  cell,
  align: 'left',
  minWidth: 80,
});

const COLUMNS: readonly Column<Row>[] = [
  column('table', ({ table }) => table),
  column('slot', ({ bucket, position }) => `${bucket}/${position}`),
  column('address', ({ entry }) => formatAddress(entry)),
  column('port', ({ entry }) => String(entry.port)),
  column('network', ({ entry }) => netClassOf(entry)),
  column('serv', ({ entry }) => servicesLetters(entry.services)),
  column('seen', ({ entry }) => new Date(entry.time * 1_000).toISOString().slice(0, 16)),
  column('source', ({ entry }) => formatAddress(entry.source)),
];

const rowsOf = (book: AddressBook, table: TableName): Row[] =>
  [...book.positions(table)].map((at) => ({ ...at, table }));

/** A table with one row per occupied slot of `new` and `tried`; no lines for an empty book. */
export function addressLines(book: AddressBook): string[] {
  const rows = [...rowsOf(book, 'new'), ...rowsOf(book, 'tried')];
  return rows.length === 0 ? [] : tabulated(COLUMNS, rows);
}

/** `3 addresses: 2 new, 1 tried`. */
export function summaryOf(book: AddressBook): string {
  const all = book.size();
  const count = `${all} ${all === 1 ? 'address' : 'addresses'}`;
  return `${count}: ${book.size('new')} new, ${book.size('tried')} tried`;
}
