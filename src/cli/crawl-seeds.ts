/** The addresses that `verack crawl` begins with: given nodes, a file, an earlier crawl, an address book, or the DNS seeds. */
import { readPeersFile, type SavedEntry } from '../addresses/index.js';
import {
  addressesIn,
  ADDRESS_BOOK,
  canonicalAddr,
  classifyHost,
  loadSnapshot,
  networkLookup,
  OptOutList,
  type Seed,
  Snapshot,
} from '../crawl/index.js';
import { type Chain, type Reason, REASONS, reasonOf, VerackError } from '../index.js';
import { type Endpoint, formatEndpoint, seedAddresses, type SeedOptions } from '../net/index.js';
import { formatAddress } from '../wire/index.js';
import { Usage } from './exit-codes.js';
import { endpointOf } from './host-endpoint.js';
import { beginsWith, readTextFile } from './input-file.js';
import { linesOf } from './list-lines.js';
import type { NodeNet } from './node-net.js';
import type { Flags } from './options.js';

/** `{`, with which every line of a crawl file begins. */
const BRACE = 0x7b;

/** The options that select the first addresses. */
interface SeedFlags extends Flags {
  readonly seednode?: readonly string[];
  readonly allowUnroutable?: boolean;
}

/** The addresses in a list, or in the file of an earlier crawl together with its snapshot, to compare with. */
export async function readFormer(
  file: string,
  chain: Chain,
  interrupted: AbortSignal,
): Promise<{ seeds: Seed[]; snapshot?: Snapshot }> {
  // Only the first byte: a crawl may be larger than what is read as a whole.
  if (!beginsWith(file, BRACE)) return { seeds: await listedSeeds(file, chain, interrupted) };
  const snapshot = await loadSnapshot(file, new Snapshot(networkLookup()), interrupted);
  return { seeds: [...snapshot.nodes.keys()].map((addr) => ({ addr, source: 'crawl' })), snapshot };
}

async function listedSeeds(file: string, chain: Chain, interrupted: AbortSignal): Promise<Seed[]> {
  const seeds: Seed[] = [];
  for await (const { line } of linesOf(readTextFile(file), interrupted))
    for (const at of addressesIn(line, chain.port)) seeds.push({ addr: formatEndpoint(at), source: 'file' });
  return seeds;
}

/** The addresses that are not to be contacted; none without a file. */
export async function readOptOuts(
  file: string | undefined,
  interrupted: AbortSignal,
): Promise<{ entries: string[]; list: OptOutList }> {
  const entries: string[] = [];
  const list = new OptOutList();
  for await (const { line } of linesOf(file === undefined ? '' : readTextFile(file), interrupted))
    for (const entry of OptOutList.entriesOf(line)) {
      list.add(entry);
      entries.push(entry);
    }
  return { entries, list };
}

/**
 * Every address of a `peers.dat`, the `tried` ones first; none when `file` is undefined. The file is not changed.
 *
 * @throws Usage when the file does not exist, is damaged, larger than 64 MiB, or of another chain
 * @throws VerackError `ERR_LOCAL_LIMIT` when the system refuses
 */
export async function seedsOfBook(file: string | undefined, { magic }: Chain): Promise<Seed[]> {
  if (file === undefined) return [];
  const read = await readPeersFile(file, magic);
  if (read?.ok !== true) throw new Usage(`${file} ${read?.why ?? 'is not there'}`);
  return [...read.value.triedEntries, ...read.value.newEntries].map(bookSeedOf);
}

const bookSeedOf = (entry: SavedEntry): Seed => ({
  addr: formatEndpoint({ host: formatAddress(entry), port: entry.port }),
  source: ADDRESS_BOOK,
  services: entry.services,
});

/** How the first addresses are found. */
export interface FirstOptions {
  readonly signal: AbortSignal;
  /** The addresses of the names of `--seednode` at their last look-up, for a later crawl in which one fails. */
  readonly known: Map<string, readonly Endpoint[]>;
  /** The host of a `--seednode` has no address, but the crawl begins with others. */
  readonly failed: (host: string, reason: Reason) => void;
  /** As in `SeedOptions`. */
  readonly unroutable: NonNullable<SeedOptions['unroutable']>;
}

/**
 * The nodes of `--seednode` and `given`; the results of the DNS seeds when there are none of either. Names are looked up
 * in each call. The seeds are never queried where a proxy resolves names.
 *
 * @throws Usage when there is no address, or a seed node is not public
 * @throws VerackError `ERR_DIAL_DNS` or `ERR_DIAL_NO_LOOKUP` when no name of `--seednode` has an address and `given` is empty
 */
export async function firstAddresses(
  flags: SeedFlags,
  chain: Chain,
  net: NodeNet,
  given: readonly Seed[],
  options: FirstOptions,
): Promise<readonly Seed[]> {
  if (flags.seednode === undefined) return given.length > 0 ? given : dnsSeeds(flags, chain, net, options);
  const failures = new Map<string, VerackError>();
  const found = await Promise.all(
    flags.seednode.map((text) =>
      addressesOf(text, chain, net, options).catch((error: unknown) => {
        if (!(error instanceof VerackError) || REASONS[error.code].family !== 'dial') throw error;
        failures.set(text, error);
        return options.known.get(text) ?? [];
      }),
    ),
  );
  const first = [...found.flat().map((at) => seedOf(at, flags, chain)), ...given];
  const [failure] = failures.values();
  if (first.length === 0 && failure) throw failure;
  for (const [host, error] of failures) options.failed(host, reasonOf(error));
  return first;
}

async function addressesOf(
  text: string,
  chain: Chain,
  { proxied, options: { dns } }: NodeNet,
  { signal, known }: FirstOptions,
): Promise<readonly Endpoint[]> {
  const { host, port } = endpointOf(text, chain.port);
  const hosts = await proxied.resolve(host, { ...dns, signal });
  const addresses = hosts.map((each) => ({ host: each, port }));
  known.set(text, addresses);
  return addresses;
}

function seedOf(at: Endpoint, { allowUnroutable = false }: SeedFlags, chain: Chain): Seed {
  if (classifyHost(at.host).network === 'not_publicly_routable' && !allowUnroutable)
    throw new Usage(`--seednode ${at.host} is not publicly routable; --allow-unroutable permits it`);
  return { addr: canonicalAddr(formatEndpoint(at), chain.port), source: 'seednode' };
}

async function dnsSeeds(
  flags: SeedFlags,
  chain: Chain,
  { proxied, options: { dns } }: NodeNet,
  { signal, unroutable }: FirstOptions,
): Promise<Seed[]> {
  const source = flags.dnsseed === false || proxied.hasNameProxy ? { ...chain, seeds: [] } : chain;
  const found = await seedAddresses(source, { ...dns, signal, random: Math.random, unroutable });
  if (found.length === 0)
    throw new Usage(`there is no address to begin with on ${chain.chain}: give one with --seednode`);
  return found.map(({ host, port, source }) => ({ addr: formatEndpoint({ host, port }), source }));
}
