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
import {
  BIP155,
  formatAddress,
  type Hex64,
  type NetAddress,
  networkOfNetAddress,
  parseAddress,
  servicesOf,
  sha256,
} from '../wire/index.js';
import { isBadPort } from './bad-ports.js';
import { BOOK_SOURCE, type CandidateSource } from './candidates.js';
import { outboundGroup } from './outbound-netgroups.js';

/** Addresses of one answer. */
const ANSWER = 32;
/** Draws for one answer: Core gives up after 100 for one address. A small book is drawn from less often. */
const MAX_DRAWS = 400;
const DRAWS_PER_ADDRESS = 4;
/** An address that was tried within this time, seconds, is left out of the first draws. */
const RECENT = 10 * MINUTE;
const RECENT_DRAWS = 30;
const BAD_PORT_DRAWS = 50;
/** How long a book that is not empty is tried before the DNS seeds are asked, milliseconds; a large book longer. */
const SEED_DELAY = 11_000;
const LARGE_BOOK_DELAY = 300_000;
const LARGE_BOOK = 1_000;
/** With so many full-relay peers the seeds are not needed. */
const ENOUGH_PEERS = 2;

export interface BookSourceOptions {
  readonly book: AddressBook;
  /** The DNS seeds and the fixed list. */
  readonly seeds: CandidateSource;
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly requiredServices: Hex64;
  /** Networks that can be dialled. */
  readonly networks: readonly Network[];
  /** Groups that outbound connections have already, as {@link outboundGroup} names them. */
  readonly takenGroups: () => ReadonlySet<string>;
  /** Established full-relay peers. */
  readonly fullRelayPeers: () => number;
}

/** Core's address for who told of an address that came from no peer: `CNetAddr::SetInternal`. */
function internalSource(name: string): NetAddress {
  const prefix = [0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24];
  const hash = sha256(new TextEncoder().encode(name)).subarray(0, 16 - prefix.length);
  return { networkID: BIP155.ipv6.id, addr: Uint8Array.of(...prefix, ...hash) };
}

const endpointOf = (address: AddressRecord): Endpoint => ({
  host: formatAddress(address),
  port: address.port,
});

export class BookSource implements CandidateSource {
  readonly #began: number;
  #hasAsked = false;

  constructor(private readonly options: BookSourceOptions) {
    this.#began = options.clock.now();
  }

  async find(signal: AbortSignal): Promise<readonly SeedAddress[]> {
    if (this.#isPoor()) await this.#askSeeds(signal);
    return this.#draw();
  }

  /** An address of tried whose slot another one claims, or one that nobody has tried. */
  findFeeler(): Promise<Endpoint | undefined> {
    const { book, networks } = this.options;
    book.resolveCollisions();
    const claimed = book.selectTriedCollision();
    if (claimed) return Promise.resolve(endpointOf(claimed.address));
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

  #isPoor(): boolean {
    const { book, clock, fullRelayPeers } = this.options;
    const size = book.size();
    if (size === 0) return true;
    const delay = size >= LARGE_BOOK ? LARGE_BOOK_DELAY : SEED_DELAY;
    return !this.#hasAsked && clock.now() - this.#began >= delay && fullRelayPeers() < ENOUGH_PEERS;
  }

  async #askSeeds(signal: AbortSignal): Promise<void> {
    this.#hasAsked = true;
    for (const seed of await this.options.seeds.find(signal)) this.#add(seed);
  }

  /** The time is drawn, so that addresses of seeds do not look fresh: 3 to 7 days ago, 7 to 14 for the fixed list. */
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
    for (let draws = 0; draws < this.#maxDraws && found.size < ANSWER; draws++) {
      const selected = book.select({ networks });
      if (!selected) break;
      const endpoint = endpointOf(selected.address);
      if (!this.#isCandidate(selected, draws, groups)) continue;
      found.set(`${endpoint.host} ${endpoint.port}`, { ...endpoint, source: BOOK_SOURCE });
    }
    return [...found.values()];
  }

  /** Takes the group of the address, so that an answer has each group once. */
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
