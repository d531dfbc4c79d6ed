/** The table of a crawl as Parquet, written with `hyparquet-writer`: an optional dependency, loaded on demand. */
import { VerackError } from '../../index.js';
import type { Snapshot } from '../snapshot.js';
import { COLUMNS, tableOf } from './table.js';

type Column = 'STRING' | 'BOOLEAN' | 'DOUBLE' | 'INT64';

const BOOLEANS = ['handshake_successful', 'relay', 'requested_addrs'];
const FRACTIONS = ['time_connect', 'handshake_duration'];
const TEXTS = ['host', 'network', 'user_agent', 'outcome', 'reason', 'transport', 'v2', 'vantage'];

function typeOf(name: string): Column {
  if (BOOLEANS.includes(name)) return 'BOOLEAN';
  if (FRACTIONS.includes(name)) return 'DOUBLE';
  return TEXTS.includes(name) ? 'STRING' : 'INT64';
}

/**
 * The bytes of a Parquet file, one row group.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when `hyparquet-writer` is not installed
 */
export async function parquetView(snapshot: Snapshot): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await load();
  const rows = tableOf(snapshot);
  const columnData = COLUMNS.map((name) => {
    const type = typeOf(name);
    const data = rows.map((row) => {
      const cell = row[name] ?? null;
      return type === 'INT64' && typeof cell === 'number' ? BigInt(Math.trunc(cell)) : cell;
    });
    return { name, data, type, nullable: true };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

async function load(): Promise<typeof import('hyparquet-writer')> {
  try {
    return await import('hyparquet-writer');
  } catch {
    const why = 'it needs hyparquet-writer: npm install hyparquet-writer';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: 'parquet', why });
  }
}
