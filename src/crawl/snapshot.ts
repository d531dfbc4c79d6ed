/**
 * The facts of a crawl file about each address, collected event by event: the source of every view and every estimate.
 *
 * Memory: one entry per address that was contacted, one counter per address that was advertised, at most `maxAddresses` of
 * each.
 */
import { createHash } from 'node:crypto';
import { CrawlCounts } from './counts.js';
import type { AttemptEvent, BeginEvent, CrawlFileEvent, EndEvent, ReplyEvent } from './events.js';
import { AttemptRecord } from './attempt-record.js';

/** One contact in short. */
export interface Contact {
  readonly round: number;
  readonly t: number;
  readonly answered: boolean;
}

/** What the replies of one address held, in all contacts. */
export interface Advertised {
  /** Addresses, by network. */
  readonly networks: Readonly<Record<string, number>>;
  /** Entries of its longest reply, and a digest of the addresses in it, whatever their order. */
  readonly largest: number;
  readonly digest: string;
}

/** Everything that is known about one address that was contacted. */
export interface NodeRecord {
  readonly addr: string;
  readonly network: string;
  readonly distance: number;
  readonly contacts: Contact[];
  /** The last contact, and the last one that was answered. */
  last: AttemptRecord;
  lastAnswered: AttemptRecord | undefined;
  advertised: Advertised;
}

/** Default limit of remembered addresses. */
const MAX_ADDRESSES = 1_000_000;
const NOTHING: Advertised = { networks: {}, largest: 0, digest: '' };

export class Snapshot {
  readonly nodes = new Map<string, NodeRecord>();
  /** How many different nodes advertised an address. */
  readonly sources = new Map<string, number>();
  readonly rounds: number[] = [];
  begin: BeginEvent | undefined;
  end: EndEvent | undefined;
  counts = new CrawlCounts();
  /** Crawls in the file. */
  crawls = 0;
  #attempts = 0;
  #reachable = 0;
  /** Replies whose attempt line has not come yet. */
  readonly #pending = new Map<string, Advertised>();

  constructor(
    private readonly networkOf: (addr: string) => string,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  /** All contacts, repeat contacts included. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Addresses that answered at least once. */
  get reachable(): number {
    return this.#reachable;
  }

  apply(event: CrawlFileEvent): void {
    if (event.event === 'begin') this.#begins(event);
    else if (event.event === 'round') this.rounds.push(event.round);
    else if (event.event === 'reply') this.#replied(event);
    else if (event.event === 'attempt') this.#attempted(event);
    else if (event.event === 'end') this.end = event;
  }

  /** A crawl that begins anew replaces the results of the one before it; a resumed one continues them. */
  #begins(event: BeginEvent): void {
    this.begin = event;
    this.end = undefined;
    if (event.resumed) return;
    this.crawls += 1;
    this.rounds.length = 0;
    this.nodes.clear();
    this.sources.clear();
    this.#pending.clear();
    this.counts = new CrawlCounts();
    this.#attempts = 0;
    this.#reachable = 0;
  }

  #replied({ addr, addresses }: ReplyEvent): void {
    const node = this.nodes.get(addr);
    const before = this.#pending.get(addr) ?? node?.advertised ?? NOTHING;
    const networks = { ...before.networks };
    for (const [each] of addresses) {
      const network = this.networkOf(each);
      networks[network] = (networks[network] ?? 0) + 1;
      // Only the first contact of a node counts: a later one does not make it another source.
      if (!node && each !== addr) this.#count(each);
    }
    const isLargest = addresses.length > before.largest;
    const longest = isLargest ? { largest: addresses.length, digest: digestOf(addresses) } : before;
    const { largest, digest } = longest;
    this.#pending.set(addr, { networks, largest, digest });
  }

  #count(addr: string): void {
    const count = this.sources.get(addr);
    if (count === undefined && this.sources.size >= this.maxAddresses) return;
    this.sources.set(addr, (count ?? 0) + 1);
  }

  #attempted(event: AttemptEvent): void {
    const { addr, round, t } = event;
    const answered = event.outcome === 'reachable';
    const last = new AttemptRecord(event);
    const node = this.nodes.get(addr) ?? this.#enter(event, last);
    this.#attempts += 1;
    const isFirst = answered && !node.lastAnswered;
    if (isFirst) this.#reachable += 1;
    this.counts.add(event, isFirst ? this.#reachable : undefined);
    node.contacts.push({ round, t, answered });
    node.last = last;
    if (answered) node.lastAnswered = last;
    node.advertised = this.#pending.get(addr) ?? node.advertised;
    this.#pending.delete(addr);
  }

  #enter({ addr, network, distance }: AttemptEvent, last: AttemptRecord): NodeRecord {
    const lastAnswered = undefined;
    const node = { addr, network, distance, contacts: [], last, lastAnswered, advertised: NOTHING };
    this.nodes.set(addr, node);
    return node;
  }
}

const digestOf = (addresses: ReplyEvent['addresses']): string =>
  createHash('sha256')
    .update(
      addresses
        .map(([addr]) => addr)
        .sort()
        .join(' '),
    )
    .digest('hex')
    .slice(0, 16);
