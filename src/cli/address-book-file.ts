/** Opens the address book in the data directory of a chain, and the asmap that groups its addresses. */
import {
  type AddressBook,
  createAddressBook,
  createNetgroups,
  isAsmap,
  loadPeers,
  type Netgroups,
  restoreAddressBook,
} from '../addresses/index.js';
import { systemClock, systemRandom, type Chain } from '../index.js';
import { Usage } from './exit-codes.js';
import { readNamedFile } from './input-file.js';
import type { Output } from './output.js';

/** Bytes. An asmap of the whole internet has under 2 MB. */
const MAX_ASMAP = 32 * 1024 * 1024;

/** The clock and the random source that an address book uses. */
export const bookSources = { clock: systemClock, random: systemRandom };

interface NewBook {
  readonly key: Uint8Array;
  readonly netgroups: Netgroups;
}

/** The address book in `directory`, or a new one where there is none. A damaged file is renamed and reported. */
export async function openBook(
  directory: string | undefined,
  { magic }: Chain,
  { key, netgroups }: NewBook,
  out: Output,
): Promise<AddressBook> {
  const { value, notice } =
    directory === undefined ? { value: undefined } : await loadPeers(directory, magic);
  if (notice !== undefined) out.failure(notice);
  if (value === undefined) return createAddressBook({ ...bookSources, key, netgroups });
  return restoreAddressBook(value, { ...bookSources, netgroups });
}

/**
 * The netgroups of an asmap file; Core's default groups (/16, /32) without a file.
 *
 * @throws Usage when the file cannot be read, is larger than 32 MiB or is not an asmap
 */
export function netgroupsOf(file: string | undefined): Netgroups {
  if (file === undefined) return createNetgroups();
  const asmap = new Uint8Array(readNamedFile(file, MAX_ASMAP));
  if (!isAsmap(asmap)) throw new Usage(`${file} is not an asmap that Bitcoin Core would accept`);
  return createNetgroups(asmap);
}
