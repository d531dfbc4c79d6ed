/** What `verack addresses` does: lists the address book, adds to it, takes it from a file and writes it to one. */
import { join } from 'node:path';
import { addAbortSignal } from 'node:stream';
import {
  type AddressBook,
  DETERMINISTIC_KEY,
  KEY_SIZE,
  type Netgroups,
  PEERS_FILE,
  rawAddrman,
  readPeersFile,
  restoreAddressBook,
  setAside,
  writePeersFile,
} from '../addresses/index.js';
import { systemRandom, type Chain } from '../index.js';
import { servicesOf } from '../wire/index.js';
import { addressLines, type ListedAddress, listedAddresses, summaryOf } from './address-list.js';
import type { Invocation } from './command.js';
import { chainFolder } from './data-directory.js';
import { EXIT, Usage } from './exit-codes.js';
import { chainOf } from './node-options.js';
import { contentsOf, netgroupsOf, openBook, surroundings } from './address-book-file.js';
import type { Output } from './output.js';

/** What `addpeeraddress` says of an address. */
const SERVICES = servicesOf('NETWORK', 'WITNESS');
/** A list of a million onion addresses has 70 MB. */
const MAX_LIST = 128 * 1024 * 1024;

/** Runs `verack addresses`. */
export async function runAddresses({ flags, out, interrupted }: Invocation): Promise<number> {
  const chain = chainOf(flags);
  const keeps = flags.deterministic === true ? (flags.datadir ?? 'none') : flags.datadir;
  const folder = chainFolder(keeps, chain);
  const netgroups = netgroupsOf(flags.asmap);
  const added =
    flags.add === undefined ? [] : listedAddresses(await listOf(flags.add, interrupted), flags.add);
  const key = flags.deterministic === true ? DETERMINISTIC_KEY : systemRandom(KEY_SIZE);
  const opened =
    flags.import === undefined
      ? await openBook(folder, chain, { key, netgroups }, out)
      : await importBook(flags.import, folder, chain, netgroups, out);
  addAll(opened, added, out);
  if (folder !== undefined && (added.length > 0 || flags.import !== undefined))
    await writePeersFile(join(folder, PEERS_FILE), opened.save(), chain.magic);
  if (flags.export !== undefined) await writePeersFile(flags.export, opened.save(), chain.magic);
  show(opened, out);
  return EXIT.ok;
}

/** The book of any file; that of the folder makes way for it. */
async function importBook(
  file: string,
  folder: string | undefined,
  { magic }: Chain,
  netgroups: Netgroups,
  out: Output,
): Promise<AddressBook> {
  const read = await readPeersFile(file, magic);
  if (read?.ok !== true) throw new Usage(`${file} ${read?.why ?? 'is not there'}`);
  const old = folder === undefined ? undefined : await setAside(join(folder, PEERS_FILE), 'replaced');
  if (old !== undefined) out.info(`The book that was there is kept as ${old}.`);
  return restoreAddressBook(read.value, { ...surroundings, netgroups });
}

/** As the RPC `addpeeraddress`: the source is the address itself, and tried goes through new. */
function addListed(book: AddressBook, { service, table }: ListedAddress): boolean {
  const record = { ...service, time: Math.floor(Date.now() / 1_000), services: SERVICES };
  return book.add([record], service) && (table === 'new' || book.good(service));
}

function addAll(book: AddressBook, listed: readonly ListedAddress[], out: Output): void {
  const added = listed.filter((each) => addListed(book, each)).length;
  const rest = listed.length - added;
  if (rest > 0)
    out.info(
      `${rest} of ${listed.length} addresses were not added: known, not routable, or their slot is taken.`,
    );
}

function show(book: AddressBook, out: Output): void {
  out.object(rawAddrman(book));
  for (const line of addressLines(book)) out.answer(line);
  out.info(summaryOf(book));
}

/** The text of a list, or of standard input. */
async function listOf(file: string, interrupted: AbortSignal): Promise<string> {
  if (file !== '-') return contentsOf(file, MAX_LIST).toString('utf8');
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of addAbortSignal(interrupted, process.stdin)) {
    text += chunk as string;
    if (text.length > MAX_LIST) throw new Usage(`the list is longer than ${MAX_LIST} characters`);
  }
  return text;
}
