/** Where the addresses for automatic outbound connections come from. */
import { type DnsOptions, seedAddresses, type SeedAddress, type SeedOptions } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { Chain } from '../networks.js';

/** The `source` of addresses of the address book. */
export const BOOK_SOURCE = 'address book';

/** A source of addresses. Asked again when all of its answer were dialled. */
export interface CandidateSource {
  /** In the order in which they are to be dialled. An empty answer is no error. Gives up when the signal aborts. */
  find(signal: AbortSignal): Promise<readonly SeedAddress[]>;
  /** An address for a feeler to test, if there is one. Without this function no feelers are sent. */
  findFeeler?(signal: AbortSignal): Promise<Endpoint | undefined>;
}

export interface SeedSourceOptions {
  readonly dns?: Omit<DnsOptions, 'signal'>;
  /** Ask the DNS seeds; false: take the fixed list alone. Default true. */
  readonly dnsseed?: boolean;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
  /** As in `SeedOptions`. */
  readonly unroutable?: NonNullable<SeedOptions['unroutable']>;
}

/** The DNS seeds of the chain, and its fixed list when they give no address (Core: ThreadDNSAddressSeed). */
export function seedSource(
  chain: Chain,
  { dns, dnsseed = true, ...rest }: SeedSourceOptions,
): CandidateSource {
  const asked = dnsseed ? chain : { ...chain, seeds: [] };
  return { find: (signal) => seedAddresses(asked, { ...dns, ...rest, signal }) };
}
