/** The addresses that `verack crawl` begins with: given nodes, a file, an earlier crawl, an address book, or the DNS seeds. */
import { readPeersFile, type SavedEntry } from '../addresses/index.js';
import {
  addressesIn,
  ADDRESS_BOOK,
  canonicalAddr,
  classifyHost,
  loadSnapshot,
  networkLookup,
  type Seed,
  Snapshot,
} from '../crawl/index.js';
import { type Chain, VerackError } from '../index.js';
import { formatEndpoint, parseEndpoint, seedAddresses } from '../net/index.js';
import { formatAddress } from '../wire/index.js';
import { Usage } from './exit-codes.js';
import { readTextFile } from './input-file.js';
import type { NodeNet } from './node-net.js';
import type { Flags } from './options.js';

/** The options that select the first addresses. */
interface SeedFlags extends Flags {
  readonly seednode?: readonly string[];
  readonly allowUnroutable?: boolean;
}

/** The text of a file. Throws `Usage` or `ERR_LOCAL_ARGUMENT` when it cannot be read or is larger than 64 MiB. */
export function readText(file: string): string {
  try {
    return readTextFile(file);
  } catch (error) {
    if (error instanceof Usage) throw error;
    const why = `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`;
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: file, why });
  }
}

/** The addresses in a list, or in the file of an earlier crawl together with its snapshot, to compare with. */
export function readFormer(file: string, chain: Chain): { seeds: Seed[]; snapshot?: Snapshot } {
  const text = readText(file);
  if (!text.startsWith('{')) {
    const seeds = addressesIn(text, chain.port).map((at) => ({ addr: formatEndpoint(at), source: 'file' }));
    return { seeds };
  }
  const snapshot = loadSnapshot(file, new Snapshot(networkLookup()));
  return { seeds: [...snapshot.nodes.keys()].map((addr) => ({ addr, source: 'crawl' })), snapshot };
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
  return [...read.value.triedEntries, ...read.value.newEntries].map(seedOf);
}

const seedOf = (entry: SavedEntry): Seed => ({
  addr: formatEndpoint({ host: formatAddress(entry), port: entry.port }),
  source: ADDRESS_BOOK,
  services: entry.services,
});

/** The nodes of `--seednode`; a name gives all of its addresses. @throws Usage for an address that is not public */
export async function seedNodes(
  flags: SeedFlags,
  chain: Chain,
  { proxied, options: { dns } }: NodeNet,
  signal: AbortSignal,
): Promise<Seed[]> {
  const found = await Promise.all(
    (flags.seednode ?? []).map(async (text) => {
      const { host, port } = parseEndpoint(text, chain.port);
      const hosts = await proxied.resolve(host, { ...dns, signal });
      return hosts.map((each) => ({ host: each, port }));
    }),
  );
  return found.flat().map((at) => {
    const { network } = classifyHost(at.host);
    if (network === 'not_publicly_routable' && !flags.allowUnroutable)
      throw new Usage(`--seednode ${at.host} is not publicly routable; --allow-unroutable permits it`);
    return { addr: canonicalAddr(formatEndpoint(at), chain.port), source: 'seednode' };
  });
}

/** `given`, or the results of the DNS seeds when it is empty. The seeds are never queried where a proxy resolves names. */
export async function firstAddresses(
  flags: SeedFlags,
  chain: Chain,
  { proxied, options: { dns } }: NodeNet,
  given: readonly Seed[],
  signal: AbortSignal,
): Promise<readonly Seed[]> {
  if (given.length > 0) return given;
  const source = flags.dnsseed === false || proxied.hasNameProxy ? { ...chain, seeds: [] } : chain;
  const found = await seedAddresses(source, { ...dns, signal, random: Math.random });
  if (found.length === 0)
    throw new Usage(`there is no address to begin with on ${chain.chain}: give one with --seednode`);
  return found.map(({ host, port, source }) => ({ addr: formatEndpoint({ host, port }), source }));
}
