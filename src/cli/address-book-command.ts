/** Runs `verack addresses`: lists the address book, adds addresses to it, imports it from a file and exports it to one. */
import { lstatSync, realpathSync } from 'node:fs';
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
import { chainDirectory } from './data-directory.js';
import { EXIT, Usage } from './exit-codes.js';
import { chainOf } from './node-options.js';
import { bookSources, netgroupsOf, openBook } from './address-book-file.js';
import { readTextFile } from './input-file.js';
import type { Output } from './output.js';

/** The service bits that Bitcoin Core's RPC `addpeeraddress` assumes for an address. */
const SERVICES = servicesOf('NETWORK', 'WITNESS');
/** Bytes of an address list that are read. A list of a million onion addresses has 70 MB. */
const MAX_LIST = 128 * 1024 * 1024;

/** Runs `verack addresses`. */
export async function runAddresses({ flags, out, interrupted }: Invocation): Promise<number> {
  const chain = chainOf(flags);
  const keeps = flags.deterministic === true ? (flags.datadir ?? 'none') : flags.datadir;
  const directory = chainDirectory(keeps, chain);
  const netgroups = netgroupsOf(flags.asmap);
  const added =
    flags.add === undefined
      ? []
      : await listedAddresses(await listOf(flags.add, interrupted), flags.add, interrupted);
  const key = flags.deterministic === true ? DETERMINISTIC_KEY : systemRandom(KEY_SIZE);
  const opened =
    flags.import === undefined
      ? await openBook(directory, chain, { key, netgroups }, out)
      : await importBook(flags.import, directory, chain, netgroups, out);
  addAll(opened, added, out);
  if (directory !== undefined && (added.length > 0 || flags.import !== undefined))
    await writePeersFile(join(directory, PEERS_FILE), opened.save(), chain.magic);
  if (flags.export !== undefined) await writePeersFile(targetOf(flags.export), opened.save(), chain.magic);
  show(opened, out);
  return EXIT.ok;
}

/** The address book in `file`. A `peers.dat` that is already in `directory` is renamed first, so that nothing is lost. */
async function importBook(
  file: string,
  directory: string | undefined,
  { magic }: Chain,
  netgroups: Netgroups,
  out: Output,
): Promise<AddressBook> {
  const read = await readPeersFile(file, magic);
  if (read?.ok !== true) throw new Usage(`${file} ${read?.why ?? 'is not there'}`);
  const old = directory === undefined ? undefined : await setAside(join(directory, PEERS_FILE), 'replaced');
  if (old !== undefined) out.info(`The address book that was there is kept as ${old}.`);
  return restoreAddressBook(read.value, { ...bookSources, netgroups });
}

/** The file that a link names: the new file would replace the link itself, for example /dev/stdout. Throws for a dangling link. */
const targetOf = (file: string): string =>
  lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? realpathSync(file) : file;

/** As Core's RPC `addpeeraddress`: the source is the address itself; an address for `tried` is added to `new` first, then moved. */
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

/** The text of a list file, or of standard input for `-`. */
async function listOf(file: string, interrupted: AbortSignal): Promise<string> {
  if (file !== '-') return readTextFile(file, MAX_LIST);
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of addAbortSignal(interrupted, process.stdin)) {
    text += chunk as string;
    if (text.length > MAX_LIST) throw new Usage(`the list is longer than ${MAX_LIST} characters`);
  }
  return text;
}
