/** Opens the address book of a chain's folder, and the asmap that groups its addresses. */
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
import { readInputFile } from './input-file.js';
import type { Output } from './output.js';

/** The asmap of the whole internet has under 2 MB. */
const MAX_ASMAP = 32 * 1024 * 1024;

/** Time and chance of a book. */
export const surroundings = { clock: systemClock, random: systemRandom };

interface NewBook {
  readonly key: Uint8Array;
  readonly netgroups: Netgroups;
}

/** The book of the folder, or a new one. */
export async function openBook(
  folder: string | undefined,
  { magic }: Chain,
  { key, netgroups }: NewBook,
  out: Output,
): Promise<AddressBook> {
  const { value, notice } = folder === undefined ? { value: undefined } : await loadPeers(folder, magic);
  if (notice !== undefined) out.failure(notice);
  if (value === undefined) return createAddressBook({ ...surroundings, key, netgroups });
  return restoreAddressBook(value, { ...surroundings, netgroups });
}

/** @throws Usage when the file is not there, too large or no asmap */
export function netgroupsOf(file: string | undefined): Netgroups {
  if (file === undefined) return createNetgroups();
  const asmap = new Uint8Array(contentsOf(file, MAX_ASMAP));
  if (!isAsmap(asmap)) throw new Usage(`${file} is no asmap file that Bitcoin Core would take`);
  return createNetgroups(asmap);
}

/** @throws Usage when the file cannot be read or is larger than `limit` */
export function contentsOf(file: string, limit: number): Buffer {
  try {
    return readInputFile(file, limit);
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}
