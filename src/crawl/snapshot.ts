/**
 * The data of a crawl file by address, from which all views and estimates are computed.
 *
 * It has one record per contacted address, and one counter per advertised address, at most `maxAddresses` of the latter.
 */
import { createHash } from 'node:crypto';
import { CrawlCounts } from './counts.js';
import type { AttemptEvent, BeginEvent, CrawlFileEvent, EndEvent, ReplyEvent } from './events.js';
import { AttemptRecord } from './attempt-record.js';

/** The result of one contact. */
export interface Contact {
  readonly round: number;
  readonly t: number;
  readonly answered: boolean;
}

/** The replies of one address, from all contacts. */
export interface Advertised {
  /** Number of advertised addresses by network. */
  readonly networks: Readonly<Record<string, number>>;
  /** Number of entries of the longest reply. */
  readonly largest: number;
  /** A digest of the addresses in the longest reply, independent of their order. */
  readonly digest: string;
}

/** The record of a contacted address. */
export interface NodeRecord {
  readonly addr: string;
  readonly network: string;
  readonly distance: number;
  readonly contacts: Contact[];
  /** The last contact. */
  last: AttemptRecord;
  /** The last contact that was answered. */
  lastAnswered: AttemptRecord | undefined;
  advertised: Advertised;
}

/** Default limit of advertised addresses that are counted. */
const MAX_ADDRESSES = 1_000_000;
const NO_ADDRESSES: Advertised = { networks: {}, largest: 0, digest: '' };

export class Snapshot {
  readonly nodes = new Map<string, NodeRecord>();
  /** For each advertised address, the number of nodes that advertised it. */
  readonly sources = new Map<string, number>();
  readonly rounds: number[] = [];
  begin: BeginEvent | undefined;
  end: EndEvent | undefined;
  counts = new CrawlCounts();
  /** Number of crawls in the file. */
  crawls = 0;
  #attempts = 0;
  #reachable = 0;
  /** Replies whose attempt line was not read yet. */
  readonly #pending = new Map<string, Advertised>();

  constructor(
    private readonly networkOf: (addr: string) => string,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  /** Number of contacts, including repeat contacts. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Number of addresses that answered at least once. */
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

  /** A new crawl replaces the results of the previous one; a resumed crawl continues them. */
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
    const before = this.#pending.get(addr) ?? node?.advertised ?? NO_ADDRESSES;
    const networks = { ...before.networks };
    for (const [each] of addresses) {
      const network = this.networkOf(each);
      networks[network] = (networks[network] ?? 0) + 1;
      // Only in the first contact of a node, so that it counts as one source.
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
    const node = { addr, network, distance, contacts: [], last, lastAnswered, advertised: NO_ADDRESSES };
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
