/**
 * Resolves host names, and finds the first peers of a chain with its DNS seeds.
 *
 * Seeds are queried as in Bitcoin Core (`net.cpp`, `ThreadDNSAddressSeed`): the prefix `x9.` selects nodes with the services
 * 0x9 (NETWORK and WITNESS), and at most 32 addresses of each seed are used. Addresses of public seeds must be public;
 * addresses of seeds that the user chose are not checked.
 */
import { isIP, isIPv4 } from 'node:net';

import ipaddr from 'ipaddr.js';

import { type Chain, NETWORKS } from '../networks.js';
import { type Reason, VerackError } from '../reasons.js';
import { isRoutable } from '../wire/address-ranges.js';
import { onAbort } from './abort.js';
import { type IpFamily, queryHostsAndServers, queryServers } from './dns-servers.js';
import { canonicalAddress, parseEndpoint } from './endpoint.js';
import { kindOfHost } from './host-kind.js';
import type { Endpoint } from './link.js';
import { checkChoice, checkOptionNames } from './option-names.js';
import { type Query, ResolverProcess } from './resolver-process.js';

export type { IpFamily } from './dns-servers.js';

/** How names are looked up. */
export interface DnsOptions {
  /** DNS servers to query, `ip` or `ip:port` (`[ip6]:port`) each. Default: those of the system. */
  readonly servers?: readonly string[];
  /**
   * Time limit of one query including repetitions, milliseconds. Default 5,000. It starts when the query is passed to the
   * resolver, not while it waits in the queue.
   */
  readonly timeout?: number;
  /** The wanted address families. Default: both. */
  readonly onlynet?: readonly IpFamily[];
  /** On abort the promise rejects with a `VerackError` `ERR_LOCAL_CANCELLED`. */
  readonly signal?: AbortSignal;
}

/** How DNS seeds are queried. */
export interface SeedOptions extends DnsOptions {
  /** Returns a random number in [0, 1), for the order of the addresses. */
  readonly random: () => number;
  /**
   * Called once, before the promise resolves, with addresses of public seeds that are not public (0.0.0.0, 127.0.0.1, 10.0.0.1,
   * …): this is how a DNS server blocks a name. They are not part of the result.
   */
  readonly unroutable?: (addresses: readonly SeedAddress[]) => void;
}

const DNS_NAMES: Readonly<Record<keyof DnsOptions, true>> = {
  servers: true,
  timeout: true,
  onlynet: true,
  signal: true,
};

const SEED_NAMES: Readonly<Record<keyof SeedOptions, true>> = {
  ...DNS_NAMES,
  random: true,
  unroutable: true,
};

/** An address to connect to, and where it came from. */
export interface SeedAddress extends Endpoint {
  /** The DNS seed without prefix; `fixed` for the fixed list; another name for another source of candidates. */
  readonly source: string;
}

/** Receives the result of a look-up. One of the functions is called, once; none after the look-up was cancelled. */
export interface LookupHandler {
  /** The name has these IP addresses; at least one. */
  found(hosts: readonly string[]): void;
  /** No address was found. */
  failed(reason: Reason): void;
}

/** Looks a host name up. Returns a function that cancels the look-up. */
export type Lookup = (name: string, handler: LookupHandler) => () => void;

/** The service prefix of {@link seedAddresses}: NETWORK (1) and WITNESS (8). */
export const SEED_PREFIX = 'x9.';
/** Most addresses of one seed that are used (Core). */
export const MAX_PER_SEED = 32;
const TIMEOUT_MS = 5_000;
const FAMILIES: readonly IpFamily[] = ['ipv4', 'ipv6'];

function cancelled(): VerackError {
  return new VerackError('ERR_LOCAL_CANCELLED');
}

function syscodeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
}

/** Starts a query. The function calls `started` when the time limit is to start, for a query that may have to wait in a queue. */
type Ask = (started: () => void) => Query;

/** The answer. Rejects when the time limit or the abort comes first. */
async function answerOf(ask: Ask, { timeout = TIMEOUT_MS, signal }: DnsOptions): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  let expire = (): void => undefined;
  let forget = (): void => undefined;
  const limit = new Promise<never>((_, reject) => {
    expire = () => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' }));
    forget = onAbort(signal, () => reject(cancelled()));
  });
  const query = ask(() => (timer ??= setTimeout(expire, timeout)));
  try {
    return await Promise.race([query.answer, limit]);
  } finally {
    clearTimeout(timer);
    forget();
    query.abandon();
  }
}

const system = new ResolverProcess();

/** Queries the system's resolver, which includes the hosts file. */
function askSystem(name: string, options: DnsOptions): Promise<string[]> {
  const { timeout = TIMEOUT_MS } = options;
  const fallback = (): Query => queryHostsAndServers(name, timeout);
  return answerOf((started) => system.ask({ name, started, fallback }), options);
}

function askServers(name: string, options: DnsOptions): Promise<string[]> {
  const { onlynet: families = FAMILIES, timeout = TIMEOUT_MS, servers } = options;
  return answerOf(() => queryServers(name, { families, timeout, servers }), options);
}

function isWanted(address: string, { onlynet = FAMILIES }: DnsOptions): boolean {
  return onlynet.includes(isIPv4(address) ? 'ipv4' : 'ipv6');
}

function unresolved(host: string, syscode: string): VerackError {
  return new VerackError('ERR_DIAL_DNS', { host: host.slice(0, 253), syscode });
}

async function addressesOf(host: string, options: DnsOptions): Promise<string[]> {
  try {
    return await (options.servers ? askServers(host, options) : askSystem(host, options));
  } catch (error) {
    throw error instanceof VerackError ? error : unresolved(host, syscodeOf(error));
  }
}

function unique(addresses: readonly string[], options: DnsOptions): string[] {
  return [...new Set(addresses.map(canonicalAddress))].filter((address) => isWanted(address, options));
}

/** @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that is not in `known`, or an unknown address family */
function checkDnsOptions(options: DnsOptions, known: object): void {
  checkOptionNames(options, known);
  for (const family of options.onlynet ?? []) checkChoice('onlynet', family, FAMILIES);
}

/**
 * Resolves a host name: its addresses, at least one, without duplicates, in canonical notation, in the order of the answer. For
 * an IP address the result is that address. Without `servers` the system's resolver is used, including the hosts file.
 *
 * @throws VerackError `ERR_DIAL_DNS` with facts `host` and `syscode` (`ENOTFOUND`, `ETIMEOUT`, `EREFUSED` …; `ENODATA` when
 *   there are only addresses of other families, `ENOTDNS` for `.onion`, `.i2p` and `.internal`), `ERR_LOCAL_CANCELLED`, or
 *   `ERR_LOCAL_ARGUMENT` for unusable `servers` or an option that does not exist
 */
export async function resolveHost(host: string, options: DnsOptions = {}): Promise<string[]> {
  checkDnsOptions(options, DNS_NAMES);
  if (options.signal?.aborted) throw cancelled();
  if (!isIP(host) && kindOfHost(host) !== 'name') throw unresolved(host, 'ENOTDNS');
  const addresses = unique(isIP(host) ? [host] : await addressesOf(host, options), options);
  if (addresses.length === 0) throw unresolved(host, 'ENODATA');
  return addresses;
}

/**
 * Wraps {@link resolveHost}, or a function like it, as a {@link Lookup}: a node cancels look-ups and needs callbacks.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist
 */
export function lookupWith(
  options: Omit<DnsOptions, 'signal'> = {},
  resolve: typeof resolveHost = resolveHost,
): Lookup {
  checkDnsOptions(options, DNS_NAMES);
  return (name, handler) => {
    const abort = new AbortController();
    resolve(name, { ...options, signal: abort.signal }).then(
      (hosts) => abort.signal.aborted || handler.found(hosts),
      (error: unknown) => abort.signal.aborted || handler.failed(reasonOf(error)),
    );
    return () => abort.abort();
  };
}

const reasonOf = (error: unknown): Reason =>
  error instanceof VerackError
    ? { code: error.code, facts: error.facts }
    : { code: 'ERR_LOCAL_BUG', facts: { what: String(error) } };

/** A random permutation (Fisher–Yates). */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1));
    [order[last], order[at]] = [order[at]!, order[last]!];
  }
  return order;
}

/** Queries one seed: first with the prefix, and without it if that fails, since some seeds do not support it. No answer gives no address. */
async function askSeed(seed: string, options: SeedOptions): Promise<SeedAnswer> {
  for (const name of [SEED_PREFIX + seed, seed]) {
    try {
      return answerOfSeed(seed, unique(await askServers(name, options), options));
    } catch (error) {
      if (error instanceof VerackError) throw error;
    }
  }
  return { dialled: [], unroutable: [] };
}

/** The seeds of the public chains: their nodes have public addresses. */
const PUBLIC_SEEDS = new Set(Object.values(NETWORKS).flatMap(({ seeds }) => seeds));

interface SeedAnswer {
  readonly dialled: readonly string[];
  readonly unroutable: readonly string[];
}

/** Separates public addresses from others. A private seed, chosen by the user, may return any address. */
function answerOfSeed(seed: string, hosts: readonly string[]): SeedAnswer {
  if (!PUBLIC_SEEDS.has(seed)) return { dialled: hosts, unroutable: [] };
  return {
    dialled: hosts.filter(isPublic),
    unroutable: hosts.filter((host) => !isPublic(host)),
  };
}

/** Whether an address is routable (Core's rule), and neither multicast nor reserved (RFC 1112, RFC 4291): TCP cannot use those. */
function isPublic(host: string): boolean {
  const bytes = Uint8Array.from(ipaddr.parse(host).toByteArray());
  return isRoutable(bytes) && bytes[0]! < (bytes.length === 4 ? 224 : 255);
}

function fixedAddresses(chain: Pick<Chain, 'fixedSeeds' | 'port'>, options: SeedOptions): SeedAddress[] {
  const endpoints = chain.fixedSeeds.map((text) => parseEndpoint(text, chain.port));
  return endpoints
    .filter(({ host }) => isWanted(host, options))
    .map(({ host, port }) => ({ host, port, source: 'fixed' }));
}

/**
 * The first addresses of a chain, in random order. All seeds are queried at the same time, and at most 32 addresses of each are
 * used; an address that several seeds return belongs to the first seed in the list. If DNS returns no public address, the result
 * is the fixed list. It is empty when the chain has neither (regtest, a custom signet). A seed that fails is ignored. Takes at
 * most twice the timeout.
 *
 * @throws VerackError `ERR_LOCAL_CANCELLED`, or `ERR_LOCAL_ARGUMENT` for unusable `servers` or an option that does not exist
 */
export async function seedAddresses(
  chain: Pick<Chain, 'seeds' | 'fixedSeeds' | 'port'>,
  options: SeedOptions,
): Promise<SeedAddress[]> {
  checkDnsOptions(options, SEED_NAMES);
  const { signal, random } = options;
  if (signal?.aborted) throw cancelled();
  const answers = await Promise.all(chain.seeds.map((seed) => askSeed(seed, options)));
  reportUnroutable(chain, answers, options);
  const found = new Map<string, SeedAddress>();
  for (const [n, source] of chain.seeds.entries()) {
    for (const host of shuffled(answers[n]?.dialled ?? [], random).slice(0, MAX_PER_SEED)) {
      if (!found.has(host)) found.set(host, { host, port: chain.port, source });
    }
  }
  const addresses = found.size > 0 ? [...found.values()] : fixedAddresses(chain, options);
  return shuffled(addresses, random);
}

function reportUnroutable(
  { seeds, port }: Pick<Chain, 'seeds' | 'port'>,
  answers: readonly SeedAnswer[],
  options: SeedOptions,
): void {
  const unroutable = seeds.flatMap((source, n) =>
    (answers[n]?.unroutable ?? []).slice(0, MAX_PER_SEED).map((host) => ({ host, port, source })),
  );
  if (unroutable.length > 0) options.unroutable?.(unroutable);
}
