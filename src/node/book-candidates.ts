/**
 * The address book as the source of automatic outbound connections. Which of its addresses are dialled, and when the DNS
 * seeds are asked, follows Bitcoin Core (`ThreadOpenConnections`, `ThreadDNSAddressSeed`).
 */
import type { AddressBook, Selected } from '../addresses/address-book.js';
import { DAY, MINUTE, type AddressRecord } from '../addresses/entry.js';
import type { SeedAddress } from '../net/dns.js';
import type { Clock } from '../net/environment.js';
import { I2P_PORT, type Network } from '../net/host-kind.js';
import type { Endpoint } from '../net/link.js';
import { hasServices } from '../services.js';
import { formatAddress, type Hex64, networkOfNetAddress, parseAddress, servicesOf } from '../wire/index.js';
import { internalSource } from './internal-address.js';
import { isBadPort } from './bad-ports.js';
import { BOOK_SOURCE, type CandidateSource } from './candidates.js';
import { outboundGroup } from './outbound-netgroups.js';

/** Most addresses that one call of {@link BookSource.find} returns. */
const MAX_CANDIDATES = 32;
/** Most random draws for one call; Core makes at most 100 for each single address. */
const MAX_DRAWS = 400;
const DRAWS_PER_ADDRESS = 4;
/** Addresses that were tried within this time, seconds, are excluded from the first {@link RECENT_DRAWS} draws. */
const RECENT = 10 * MINUTE;
const RECENT_DRAWS = 30;
/** Addresses with a port of another service are excluded from this many first draws. */
const BAD_PORT_DRAWS = 50;
/** How long the addresses of a book are tried before the seeds are asked, milliseconds. */
const SEED_DELAY = 11_000;
/** The same for a book of at least {@link LARGE_BOOK} addresses. */
const LARGE_BOOK_DELAY = 300_000;
/** How long the addresses of the seed nodes are tried before the DNS seeds are asked (Core: `ThreadDNSAddressSeed`). */
const SEED_NODES_DELAY = 30_000;
const LARGE_BOOK = 1_000;
/** With this many established full-relay peers, the seeds are asked only when the book is empty. */
const ENOUGH_PEERS = 2;

export interface BookSourceOptions {
  readonly book: AddressBook;
  /** Sources that fill the book when it has too few addresses, in this order: the seed nodes, the DNS seeds with the fixed list. */
  readonly seeds: readonly CandidateSource[];
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly requiredServices: Hex64;
  /** Networks that can be dialled. */
  readonly networks: readonly Network[];
  /** Network groups that outbound connections have already, as {@link outboundGroup} names them. */
  readonly takenGroups: () => ReadonlySet<string>;
  /** The number of established full-relay peers. */
  readonly fullRelayPeers: () => number;
}

const endpointOf = (address: AddressRecord): Endpoint => ({
  host: formatAddress(address),
  port: address.port,
});

export class BookSource implements CandidateSource {
  /** When this source was created, or last asked a seed, milliseconds of the node's clock. */
  #since: number;
  /** How many of the seeds were asked already. */
  #asked = 0;

  constructor(private readonly options: BookSourceOptions) {
    this.#since = options.clock.now();
  }

  async find(signal: AbortSignal): Promise<readonly SeedAddress[]> {
    const { book, seeds } = this.options;
    if (book.size() > 0 && this.#isDue()) await this.#ask(this.#asked, signal);
    for (let next = 0; next < seeds.length && book.size() === 0; next++) await this.#ask(next, signal);
    return this.#draw();
  }

  /** An address of the tried table whose slot another address claims (Core: `SelectTriedCollision`), or an address of the new table. */
  findFeeler(): Promise<Endpoint | undefined> {
    const { book, networks } = this.options;
    book.resolveCollisions();
    const claimed = book.selectTriedCollision();
    const isReachable = networks.some(
      (network) => claimed && network === networkOfNetAddress(claimed.address),
    );
    if (claimed && isReachable) return Promise.resolve(endpointOf(claimed.address));
    for (let draws = 0; draws < this.#maxDraws; draws++) {
      const selected = book.select({ newOnly: true, networks });
      if (!selected) break;
      if (this.#isDialled(selected, draws)) return Promise.resolve(endpointOf(selected.address));
    }
    return Promise.resolve(undefined);
  }

  get #maxDraws(): number {
    return Math.min(MAX_DRAWS, BAD_PORT_DRAWS + DRAWS_PER_ADDRESS * this.options.book.size());
  }

  /** Whether the next seed is to be asked although the book is not empty. */
  #isDue(): boolean {
    const { seeds, clock, fullRelayPeers } = this.options;
    const isWaitOver = clock.now() - this.#since >= this.#delay;
    return this.#asked < seeds.length && isWaitOver && fullRelayPeers() < ENOUGH_PEERS;
  }

  get #delay(): number {
    if (this.#asked > 0) return SEED_NODES_DELAY;
    return this.options.book.size() >= LARGE_BOOK ? LARGE_BOOK_DELAY : SEED_DELAY;
  }

  async #ask(which: number, signal: AbortSignal): Promise<void> {
    const { seeds, clock } = this.options;
    for (const seed of (await seeds[which]?.find(signal)) ?? []) this.#add(seed);
    this.#asked = which + 1;
    this.#since = clock.now();
  }

  /** Stores an address with a random time 3 to 7 days ago, 7 to 14 for the fixed list, so that it does not look recently seen. */
  #add({ host, port, source }: SeedAddress): void {
    const parsed = parseAddress(host);
    if (!parsed.ok) return;
    const { book, clock } = this.options;
    const [least, spread] = source === 'fixed' ? [7 * DAY, 7 * DAY] : [3 * DAY, 4 * DAY];
    const time = Math.floor(clock.wall() / 1_000 - least - spread * book.draw());
    const record = { ...parsed.value, port, time, services: servicesOf('NETWORK', 'WITNESS') };
    book.add([record], internalSource(source));
  }

  #draw(): SeedAddress[] {
    const { book, networks, takenGroups } = this.options;
    const groups = new Set(takenGroups());
    const found = new Map<string, SeedAddress>();
    for (let draws = 0; draws < this.#maxDraws && found.size < MAX_CANDIDATES; draws++) {
      const selected = book.select({ networks });
      if (!selected) break;
      const endpoint = endpointOf(selected.address);
      if (!this.#isCandidate(selected, draws, groups)) continue;
      found.set(`${endpoint.host} ${endpoint.port}`, { ...endpoint, source: BOOK_SOURCE });
    }
    return [...found.values()];
  }

  /** Adds the network group of an accepted address to `groups`, so that the result has at most one address of each group. */
  #isCandidate(selected: Selected, draws: number, groups: Set<string>): boolean {
    const { address } = selected;
    if (!this.#isDialled(selected, draws)) return false;
    if (!hasServices(address.services, this.options.requiredServices)) return false;
    const group = outboundGroup(formatAddress(address), this.options.book.netgroups);
    if (group === undefined) return true;
    const isFree = !groups.has(group);
    groups.add(group);
    return isFree;
  }

  #isDialled({ address, lastTry }: Selected, draws: number): boolean {
    const now = this.options.clock.wall() / 1_000;
    if (draws < RECENT_DRAWS && now - lastTry < RECENT) return false;
    if (draws < BAD_PORT_DRAWS && isBadPort(address.port)) return false;
    return networkOfNetAddress(address) !== 'i2p' || address.port === I2P_PORT;
  }
}
