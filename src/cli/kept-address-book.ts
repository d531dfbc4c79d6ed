/**
 * The address book of a running node: loaded at the start, saved every 15 minutes and at the end (Core: `DumpAddresses`),
 * with the anchors for the next run. A directory that cannot be used is reported, and the node runs without it.
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
import { chainFolder } from './data-directory.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';

/** Core: DUMP_PEERS_INTERVAL. */
const SAVE_INTERVAL = 15 * 60_000;

export interface KeptAddressBook {
  readonly book: AddressBook;
  /** Block-relay-only peers of the last run; their file is deleted. */
  readonly anchors: readonly Endpoint[];
  /** Saves the book from now on. */
  begin(): void;
  /** Saves the book and the anchors: call it while the node still has its peers. */
  end(node: BitcoinNode): Promise<void>;
}

/** The book of `--datadir`; with `none`, or where the folder cannot be used, one that is forgotten. */
export async function keptAddressBook(
  { datadir, asmap }: Pick<Flags, 'datadir' | 'asmap'>,
  chain: Chain,
  out: Output,
  clock: Clock = systemClock,
): Promise<KeptAddressBook> {
  const netgroups = netgroupsOf(asmap);
  const fresh = { key: systemRandom(KEY_SIZE), netgroups };
  const folder = chainFolder(datadir, chain);
  try {
    const book = await openBook(folder, chain, fresh, out);
    const anchors = folder === undefined ? [] : anchorsOf(await takeAnchors(folder, chain.magic), out);
    return new Keeper({ book, anchors, folder, chain, out, clock });
  } catch (error) {
    reportRefusal(error, 'nothing is kept', out);
    const book = await openBook(undefined, chain, fresh, out);
    return new Keeper({ book, anchors: [], folder: undefined, chain, out, clock });
  }
}

function anchorsOf({ value = [], notice }: FileContents<readonly AddressRecord[]>, out: Output): Endpoint[] {
  if (notice !== undefined) out.failure(notice);
  return value.map((address) => ({ host: formatAddress(address), port: address.port }));
}

/** What the system refuses is no fault of the program. */
function reportRefusal(error: unknown, consequence: string, out: Output): void {
  if (!(error instanceof VerackError && error.code === 'ERR_LOCAL_LIMIT')) throw error;
  const { path = 'the data directory', why = 'refused' } = error.facts;
  out.failure(`${String(path)} cannot be used (${String(why)}): ${consequence}`);
}

interface KeeperParts {
  readonly book: AddressBook;
  readonly anchors: readonly Endpoint[];
  /** Undefined: nothing is kept. */
  readonly folder: string | undefined;
  readonly chain: Chain;
  readonly out: Output;
  readonly clock: Clock;
}

class Keeper implements KeptAddressBook {
  #timer: unknown;
  readonly #wasEmpty: boolean;

  constructor(private readonly parts: KeeperParts) {
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
    const { folder, chain, out, clock } = this.parts;
    clock.clearTimeout(this.#timer);
    const anchors = node.peers.list().flatMap(anchorOf).slice(0, MAX_ANCHORS);
    await this.#save();
    if (folder === undefined || anchors.length === 0) return;
    await writeAnchors(folder, anchors, chain.magic).catch((error: unknown) =>
      reportRefusal(error, `${ANCHORS_FILE} is not written`, out),
    );
  }

  /** An empty book that was empty is no file. */
  async #save(): Promise<void> {
    const { folder, book, chain, out } = this.parts;
    if (folder === undefined || (this.#wasEmpty && book.size() === 0)) return;
    await writePeersFile(join(folder, PEERS_FILE), book.save(), chain.magic).catch((error: unknown) =>
      reportRefusal(error, 'the address book is not saved', out),
    );
  }
}

/** The peer as an anchor, if it is one. */
function anchorOf(peer: PeerInfo): AddressRecord[] {
  if (peer.connection_type !== 'block-relay-only' || peer.state !== 'established') return [];
  const { host, port } = parseEndpoint(peer.addr, 0, { allowZero: true });
  const parsed = parseAddress(host);
  return parsed.ok ? [{ ...parsed.value, port, time: peer.conntime, services: peer.services }] : [];
}
