/** The views of a crawl, named as the values of `--format`. */
import type { Snapshot } from '../snapshot.js';
import { bitnodesView } from './bitnodes.js';
import { csvView } from './csv.js';
import { parquetView } from './parquet.js';
import { seedsView } from './seeds.js';

export const FORMATS = ['bitnodes', 'seeds', 'csv', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

const TEXTS: Readonly<Record<Exclude<Format, 'parquet'>, (snapshot: Snapshot) => string>> = {
  bitnodes: bitnodesView,
  seeds: seedsView,
  csv: csvView,
};

/** The view of a crawl: text, or the bytes of a Parquet file. */
export async function viewOf(snapshot: Snapshot, format: Format): Promise<string | Uint8Array> {
  return format === 'parquet' ? parquetView(snapshot) : TEXTS[format](snapshot);
}
