/** The address book in the form of Bitcoin Core's RPC `getrawaddrman` (`AddrmanTableToJSON`). */
import { netClassOf } from '../net/netgroup.js';
import { formatAddress, type NetAddress } from '../wire/index.js';
import type { AddressBook } from './address-book.js';
import type { SavedEntry } from './entry.js';
import type { TableName } from './tables.js';

/** One address. `mapped_as` and `source_mapped_as` are present only if an asmap contains the address. */
export interface RawAddress {
  readonly address: string;
  readonly mapped_as?: number;
  readonly port: number;
  /** The service bits as a number, exact up to 2^53. */
  readonly services: number;
  readonly time: number;
  readonly network: string;
  readonly source: string;
  readonly source_network: string;
  readonly source_mapped_as?: number;
}

/** A table; the keys are `bucket/position`. */
export type RawTable = Readonly<Record<string, RawAddress>>;

/** Both tables. */
export type RawAddrman = Readonly<Record<TableName, RawTable>>;

function mapped<K extends string>(
  book: AddressBook,
  name: K,
  address: NetAddress,
): Partial<Record<K, number>> {
  const asn = book.netgroups.asnOf(address);
  return (asn === 0 ? {} : { [name]: asn }) as Partial<Record<K, number>>;
}

function rawAddress(book: AddressBook, entry: SavedEntry): RawAddress {
  return {
    address: formatAddress(entry),
    ...mapped(book, 'mapped_as', entry),
    port: entry.port,
    services: Number(BigInt(`0x${entry.services}`)),
    time: entry.time,
    network: netClassOf(entry),
    source: formatAddress(entry.source),
    source_network: netClassOf(entry.source),
    ...mapped(book, 'source_mapped_as', entry.source),
  };
}

function rawTable(book: AddressBook, table: TableName): RawTable {
  const rows = [...book.positions(table)].map(
    ({ bucket, position, entry }) => [`${bucket}/${position}`, rawAddress(book, entry)] as const,
  );
  return Object.fromEntries(rows);
}

/** The result of `getrawaddrman` for a book. */
export function rawAddrman(book: AddressBook): RawAddrman {
  return { new: rawTable(book, 'new'), tried: rawTable(book, 'tried') };
}
