/**
 * The address book of a running node: loaded at the start, saved every 15 minutes and at the end (Core: `DumpAddresses`),
 * together with the anchors for the next run. If the data directory cannot be used, that is reported and nothing is saved; if
 * only the anchors cannot be read, that is reported and the node starts without them.
 */
import { join } from 'node:path';
import {
  type AddressBook,
  type AddressRecord,
  ANCHORS_FILE,
  type FileContents,
  KEY_SIZE,
  MAX_ANCHORS,
  PEERS_FILE,
  takeAnchors,
  writeAnchors,
  writePeersFile,
} from '../addresses/index.js';
import {
  type BitcoinNode,
  type Chain,
  type Endpoint,
  type Clock,
  parseEndpoint,
  type PeerInfo,
  systemClock,
  systemRandom,
  VerackError,
} from '../index.js';
import { formatAddress, parseAddress } from '../wire/index.js';
import { netgroupsOf, openBook } from './address-book-file.js';
import { chainDirectory } from './data-directory.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';

/** Core: DUMP_PEERS_INTERVAL. */
const SAVE_INTERVAL = 15 * 60_000;

/** An address book and what is saved with it. */
export interface KeptAddressBook {
  readonly book: AddressBook;
  /** The block-relay-only peers of the last run. Their file has been deleted, as Core deletes it. */
  readonly anchors: readonly Endpoint[];
  /** Starts saving the book every 15 minutes. */
  begin(): void;
  /** Saves the book and the anchors. Call it before the node stops, while its peers are connected. */
  end(node: BitcoinNode): Promise<void>;
}

/** The address book of `--datadir`; with `none`, or if the directory cannot be used, a new one that is not saved. */
export async function keptAddressBook(
  { datadir, asmap }: Pick<Flags, 'datadir' | 'asmap'>,
  chain: Chain,
  out: Output,
  clock: Clock = systemClock,
): Promise<KeptAddressBook> {
  const netgroups = netgroupsOf(asmap);
  const fresh = { key: systemRandom(KEY_SIZE), netgroups };
  const directory = chainDirectory(datadir, chain);
  try {
    const book = await openBook(directory, chain, fresh, out);
    const anchors = directory === undefined ? [] : await anchorsIn(directory, chain, out);
    return new SavedBook({ book, anchors, directory, chain, out, clock });
  } catch (error) {
    reportRefusal(error, 'nothing is saved', out);
    const book = await openBook(undefined, chain, fresh, out);
    return new SavedBook({ book, anchors: [], directory: undefined, chain, out, clock });
  }
}

async function anchorsIn(directory: string, { magic }: Chain, out: Output): Promise<Endpoint[]> {
  const { value = [], notice } = await takeAnchors(directory, magic).catch(
    (error: unknown): FileContents<readonly AddressRecord[]> => {
      reportRefusal(error, 'the anchors of the last run are not used', out);
      return { value: undefined };
    },
  );
  if (notice !== undefined) out.failure(notice);
  return value.map((address) => ({ host: formatAddress(address), port: address.port }));
}

/** Reports a file that the system refused; rethrows any other error, which is a bug. */
function reportRefusal(error: unknown, consequence: string, out: Output): void {
  if (!(error instanceof VerackError && error.code === 'ERR_LOCAL_LIMIT')) throw error;
  const { path = 'the data directory', why = 'refused' } = error.facts;
  out.failure(`${String(path)} cannot be used (${String(why)}): ${consequence}`);
}

interface SavedBookParts {
  readonly book: AddressBook;
  readonly anchors: readonly Endpoint[];
  /** Undefined: nothing is saved. */
  readonly directory: string | undefined;
  readonly chain: Chain;
  readonly out: Output;
  readonly clock: Clock;
}

class SavedBook implements KeptAddressBook {
  #timer: unknown;
  readonly #wasEmpty: boolean;

  constructor(private readonly parts: SavedBookParts) {
    this.#wasEmpty = parts.book.size() === 0;
  }

  get book(): AddressBook {
    return this.parts.book;
  }

  get anchors(): readonly Endpoint[] {
    return this.parts.anchors;
  }

  begin(): void {
    this.#timer = this.parts.clock.setTimeout(() => {
      this.begin();
      void this.#save();
    }, SAVE_INTERVAL);
  }

  async end(node: BitcoinNode): Promise<void> {
    const { directory, chain, out, clock } = this.parts;
    clock.clearTimeout(this.#timer);
    const anchors = node.peers.list().flatMap(anchorOf).slice(0, MAX_ANCHORS);
    await this.#save();
    if (directory === undefined || anchors.length === 0) return;
    await writeAnchors(directory, anchors, chain.magic).catch((error: unknown) =>
      reportRefusal(error, `${ANCHORS_FILE} is not written`, out),
    );
  }

  /** Saves the book, except one that is empty and was empty at the start: that needs no file. */
  async #save(): Promise<void> {
    const { directory, book, chain, out } = this.parts;
    if (directory === undefined || (this.#wasEmpty && book.size() === 0)) return;
    await writePeersFile(join(directory, PEERS_FILE), book.save(), chain.magic).catch((error: unknown) =>
      reportRefusal(error, 'the address book is not saved', out),
    );
  }
}

/** The address of a block-relay-only peer; none for other peers, which are not anchors. */
function anchorOf(peer: PeerInfo): AddressRecord[] {
  if (peer.connection_type !== 'block-relay-only' || peer.state !== 'established') return [];
  const { host, port } = parseEndpoint(peer.addr, 0, { allowZero: true });
  const parsed = parseAddress(host);
  return parsed.ok ? [{ ...parsed.value, port, time: peer.conntime, services: peer.services }] : [];
}
