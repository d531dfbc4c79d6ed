/**
 * Names to addresses: one host's, and a chain's first peers from its DNS seeds.
 *
 * Seeds are asked as Bitcoin Core asks them (`net.cpp`, `ThreadDNSAddressSeed`): `x9.` before the name wants nodes with the
 * services 0x9 (NETWORK and WITNESS), and of each seed's answer at most 32 addresses count. Nothing here judges whether an
 * address is routable; a lying server can name any.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP, isIPv4 } from 'node:net';

import type { Chain } from '../networks.js';
import { type Reason, VerackError } from '../reasons.js';
import { canonicalAddress, parseEndpoint } from './endpoint.js';
import type { Endpoint } from './link.js';

export type IpFamily = 'ipv4' | 'ipv6';

export interface DnsOptions {
  /** DNS servers to ask, `ip` or `ip:port` (`[ip6]:port`). Default: the system's. */
  readonly servers?: readonly string[];
  /** Milliseconds that one question may take, repetitions included. Default 5,000. */
  readonly timeout?: number;
  /** The families wanted. Default: both. */
  readonly onlynet?: readonly IpFamily[];
  /** Gives up: the promise rejects with a `VerackError` `ERR_LOCAL_CANCELLED`. */
  readonly signal?: AbortSignal;
}

export interface SeedOptions extends DnsOptions {
  /** Random numbers in [0, 1), for the order of the addresses. */
  readonly random: () => number;
}

export interface SeedAddress extends Endpoint {
  /** The seed that named it, without prefix; `fixed` for a fixed seed. */
  readonly source: string;
}

/** What a lookup reports, once. Nothing after it was cancelled. */
export interface LookupHandler {
  /** IP addresses, at least one. */
  found(hosts: readonly string[]): void;
  failed(reason: Reason): void;
}

/** Looks a host name up. Returns a function that cancels. */
export type Lookup = (name: string, handler: LookupHandler) => () => void;

/** The service prefix of {@link seedAddresses}: NETWORK (1) and WITNESS (8). */
export const SEED_PREFIX = 'x9.';
export const MAX_PER_SEED = 32;
const TIMEOUT_MS = 5_000;
const TRIES = 2;
const FAMILIES: readonly IpFamily[] = ['ipv4', 'ipv6'];
/** Names that live outside DNS; asking for them would tell a DNS server where we go (RFC 7686). */
const NOT_DNS = /\.(onion|i2p|internal)\.?$/i;

function cancelled(): VerackError {
  return new VerackError('ERR_LOCAL_CANCELLED');
}

function syscodeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
}

/** `work`, unless time or patience runs out first; then `stop` is called. */
async function bounded<T>(work: Promise<T>, options: DnsOptions, stop: () => void): Promise<T> {
  const { timeout = TIMEOUT_MS, signal } = options;
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' })),
      timeout,
    );
    abort = () => reject(cancelled());
    signal?.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    stop();
  }
}

function resolverOf(options: DnsOptions): Resolver {
  const { timeout = TIMEOUT_MS, servers } = options;
  const resolver = new Resolver({ timeout: Math.max(1, Math.ceil(timeout / TRIES)), tries: TRIES });
  try {
    if (servers) resolver.setServers(servers);
  } catch {
    const why = 'a DNS server is given as ip or ip:port';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: servers?.join(',').slice(0, 80) ?? '', why });
  }
  return resolver;
}

function ask(name: string, family: IpFamily, options: DnsOptions): Promise<string[]> {
  const resolver = resolverOf(options);
  const work = family === 'ipv4' ? resolver.resolve4(name) : resolver.resolve6(name);
  return bounded(work, options, () => resolver.cancel());
}

/** Asks for A and AAAA at once; fails only when neither gives an address. */
async function askServers(name: string, options: DnsOptions): Promise<string[]> {
  const { onlynet = FAMILIES } = options;
  const answers = await Promise.allSettled(onlynet.map((family) => ask(name, family, options)));
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (found.length === 0 && failed) throw failed.reason;
  return found;
}

/** The system's own way (hosts file and all). It cannot be stopped, only left alone. */
async function askSystem(name: string, options: DnsOptions): Promise<string[]> {
  const found = await bounded(lookup(name, { all: true }), options, () => undefined);
  return found.map(({ address }) => address);
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

/**
 * Every address of `host`, at least one, each once, in canonical spelling, in the order of the answer. An address in place
 * of a name is its own answer. Without `servers` the system is asked, hosts file included.
 *
 * @throws VerackError `ERR_DIAL_DNS` with facts `host` and `syscode` (`ENOTFOUND`, `ETIMEOUT`, `EREFUSED` …; `ENODATA` when
 *   there are addresses of unwanted families only, `ENOTDNS` for `.onion`, `.i2p` and `.internal`), `ERR_LOCAL_CANCELLED`, or
 *   `ERR_LOCAL_ARGUMENT` for unusable `servers`
 */
export async function resolveHost(host: string, options: DnsOptions = {}): Promise<string[]> {
  if (options.signal?.aborted) throw cancelled();
  if (NOT_DNS.test(host)) throw unresolved(host, 'ENOTDNS');
  const addresses = unique(isIP(host) ? [host] : await addressesOf(host, options), options);
  if (addresses.length === 0) throw unresolved(host, 'ENODATA');
  return addresses;
}

/** {@link resolveHost} for a node, which cancels lookups and hears of them in callbacks. */
export const lookupWith =
  (options: Omit<DnsOptions, 'signal'> = {}): Lookup =>
  (name, handler) => {
    const abort = new AbortController();
    resolveHost(name, { ...options, signal: abort.signal }).then(
      (hosts) => abort.signal.aborted || handler.found(hosts),
      (error: unknown) => abort.signal.aborted || handler.failed(reasonOf(error)),
    );
    return () => abort.abort();
  };

const reasonOf = (error: unknown): Reason =>
  error instanceof VerackError
    ? { code: error.code, facts: error.facts }
    : { code: 'ERR_LOCAL_BUG', facts: { what: String(error) } };

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1));
    [order[last], order[at]] = [order[at]!, order[last]!];
  }
  return order;
}

/** What one seed names, nothing when it does not answer; a seed that knows no prefix is asked without. */
async function askSeed(seed: string, options: SeedOptions): Promise<string[]> {
  for (const name of [SEED_PREFIX + seed, seed]) {
    try {
      return unique(await askServers(name, options), options);
    } catch (error) {
      if (error instanceof VerackError) throw error;
    }
  }
  return [];
}

function fixedAddresses(chain: Pick<Chain, 'fixedSeeds' | 'port'>, options: SeedOptions): SeedAddress[] {
  const endpoints = chain.fixedSeeds.map((text) => parseEndpoint(text, chain.port));
  return endpoints
    .filter(({ host }) => isWanted(host, options))
    .map(({ host, port }) => ({ host, port, source: 'fixed' }));
}

/**
 * Addresses to begin with: all seeds are asked at once, at most {@link MAX_PER_SEED} of each count, an address named twice
 * counts for the first seed in the chain's list. When DNS gives nothing at all, the fixed seeds. The order is random. Empty
 * when a chain has neither (regtest, a custom signet); a seed that fails is no error. Takes at most two timeouts.
 *
 * @throws VerackError `ERR_LOCAL_CANCELLED`, or `ERR_LOCAL_ARGUMENT` for unusable `servers`
 */
export async function seedAddresses(
  chain: Pick<Chain, 'seeds' | 'fixedSeeds' | 'port'>,
  options: SeedOptions,
): Promise<SeedAddress[]> {
  if (options.signal?.aborted) throw cancelled();
  const answers = await Promise.all(chain.seeds.map((seed) => askSeed(seed, options)));
  const found = new Map<string, SeedAddress>();
  for (const [n, source] of chain.seeds.entries()) {
    for (const host of shuffled(answers[n] ?? [], options.random).slice(0, MAX_PER_SEED)) {
      if (!found.has(host)) found.set(host, { host, port: chain.port, source });
    }
  }
  const addresses = found.size > 0 ? [...found.values()] : fixedAddresses(chain, options);
  return shuffled(addresses, options.random);
}
