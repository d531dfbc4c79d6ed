/** The table of a crawl as Parquet, written with `hyparquet-writer`: an optional dependency, loaded on demand. */
import { VerackError } from '../../index.js';
import type { Snapshot } from '../snapshot.js';
import { type Cell, COLUMNS, tableOf } from './table.js';

type Column = 'STRING' | 'BOOLEAN' | 'DOUBLE' | 'INT64';

const BOOLEANS = ['handshake_successful', 'relay', 'requested_addrs'];
const FRACTIONS = ['time_connect', 'handshake_duration'];
const TEXTS = ['host', 'network', 'user_agent', 'outcome', 'reason', 'transport', 'v2', 'vantage'];

function typeOf(name: string): Column {
  if (BOOLEANS.includes(name)) return 'BOOLEAN';
  if (FRACTIONS.includes(name)) return 'DOUBLE';
  return TEXTS.includes(name) ? 'STRING' : 'INT64';
}

/** Service bits are the only column of 64 bits without a sign. */
const SERVICES = {
  name: 'services',
  type: 'INT64',
  converted_type: 'UINT_64',
  repetition_type: 'OPTIONAL',
} as const;

const HIGHEST = 2n ** 63n - 1n;

/** A peer's clock can be any 64-bit number, so a time computed with it may need more bits. */
function int64(number: number): bigint {
  const value = BigInt(Math.trunc(number));
  return value > HIGHEST ? HIGHEST : value;
}

/**
 * The bytes of a Parquet file, one row group.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `hyparquet-writer` is not installed
 */
export async function parquetView(snapshot: Snapshot): Promise<Uint8Array> {
  const { parquetWriteBuffer, schemaFromColumnData } = await load();
  const rows = tableOf(snapshot);
  const columnData = COLUMNS.map((name) => ({ name, data: rows.map((row) => parquetCell(name, row[name])) }));
  const typed = columnData.map((column) =>
    column.name === SERVICES.name ? column : { ...column, type: typeOf(column.name), nullable: true },
  );
  const schema = schemaFromColumnData({ columnData: typed, schemaOverrides: { services: SERVICES } });
  return new Uint8Array(parquetWriteBuffer({ columnData, schema }));
}

const parquetCell = (name: string, cell: Cell = null): Cell =>
  typeof cell === 'number' && typeOf(name) === 'INT64' ? int64(cell) : cell;

async function load(): Promise<typeof import('hyparquet-writer')> {
  try {
    return await import('hyparquet-writer');
  } catch {
    const why = 'it needs hyparquet-writer: npm install hyparquet-writer';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: 'parquet', why });
  }
}
