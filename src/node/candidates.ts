/** Sources of addresses for automatic outbound connections. */
import { type DnsOptions, seedAddresses, type SeedAddress, type SeedOptions } from '../net/dns.js';
import type { Endpoint } from '../net/link.js';
import type { Chain } from '../networks.js';

/** The `source` of addresses that come from the address book. */
export const BOOK_SOURCE = 'address book';

/** A source of addresses. It is asked again when all addresses of its last answer were dialled. */
export interface CandidateSource {
  /**
   * Addresses in the order in which they are to be dialled. Resolves with an empty list when there is none, and rejects with a
   * `VerackError` when it fails or the signal aborts; the node treats that as an empty list.
   */
  find(signal: AbortSignal): Promise<readonly SeedAddress[]>;
  /** An address for a feeler to test; undefined when there is none. Without this function no feelers are sent. */
  findFeeler?(signal: AbortSignal): Promise<Endpoint | undefined>;
}

export interface SeedSourceOptions {
  readonly dns?: Omit<DnsOptions, 'signal'>;
  /** True: ask the DNS seeds; false: use the fixed list only. Default true. */
  readonly dnsseed?: boolean;
  /** Returns a random number in [0, 1). */
  readonly random: () => number;
  /** As in `SeedOptions`. */
  readonly unroutable?: NonNullable<SeedOptions['unroutable']>;
}

/** A source of the chain's DNS seeds, and of its fixed list when they return no address (Core: `ThreadDNSAddressSeed`). */
export function seedSource(
  chain: Chain,
  { dns, dnsseed = true, ...rest }: SeedSourceOptions,
): CandidateSource {
  const asked = dnsseed ? chain : { ...chain, seeds: [] };
  return { find: (signal) => seedAddresses(asked, { ...dns, ...rest, signal }) };
}
