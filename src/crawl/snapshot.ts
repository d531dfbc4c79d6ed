/**
 * What a crawl file says about each address, gathered event by event: the source of every view and every estimate.
 *
 * Memory: one entry per address that was contacted, one counter per address that was told, at most `maxAddresses` of each.
 */
import { createHash } from 'node:crypto';
import type { AttemptEvent, BeginEvent, CrawlFileEvent, EndEvent, ReplyEvent } from './events.js';

/** One contact in short: 1 answered, 0 did not. */
export interface Contact {
  readonly round: number;
  readonly t: number;
  readonly answered: boolean;
}

/** Everything that is known about one address that was contacted. */
export interface NodeRecord {
  readonly addr: string;
  readonly network: string;
  readonly distance: number;
  readonly contacts: Contact[];
  /** The last contact, and the last one that was answered. */
  readonly last: AttemptEvent;
  readonly lastAnswered: AttemptEvent | undefined;
  /** Addresses that it told, by network, in all contacts. */
  told: Record<string, number>;
  /** Replies by status. */
  replies: Record<string, number>;
  /** Entries of its longest reply, and a digest of the addresses in it, whatever their order. */
  largest: number;
  digest: string;
}

/** What an address told, gathered before its attempt line comes. */
type Telling = Pick<NodeRecord, 'told' | 'replies' | 'largest' | 'digest'>;

/** Addresses that are remembered when nobody says otherwise. */
const MAX_ADDRESSES = 1_000_000;

export class Snapshot {
  readonly nodes = new Map<string, NodeRecord>();
  /** How many different nodes told an address. */
  readonly tellers = new Map<string, number>();
  readonly rounds: number[] = [];
  begin: BeginEvent | undefined;
  end: EndEvent | undefined;
  /** Crawls in the file. */
  crawls = 0;
  #attempts = 0;
  #reachable = 0;
  readonly #told = new Map<string, Telling>();

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
    else if (event.event === 'reply') this.#hears(event);
    else if (event.event === 'attempt') this.#attempted(event);
    else if (event.event === 'end') this.end = event;
  }

  /** A crawl that begins anew replaces what the one before it said; a resumed one goes on. */
  #begins(event: BeginEvent): void {
    this.begin = event;
    this.end = undefined;
    if (event.resumed) return;
    this.crawls += 1;
    this.rounds.length = 0;
    this.nodes.clear();
    this.tellers.clear();
    this.#told.clear();
    this.#attempts = 0;
    this.#reachable = 0;
  }

  #hears({ addr, status, addresses }: ReplyEvent): void {
    const telling = this.#told.get(addr) ?? { told: {}, replies: {}, largest: 0, digest: '' };
    this.#told.set(addr, telling);
    telling.replies[status] = (telling.replies[status] ?? 0) + 1;
    if (addresses.length > telling.largest) {
      telling.largest = addresses.length;
      telling.digest = digestOf(addresses.map(([each]) => each));
    }
    const isFirst = !this.nodes.has(addr);
    for (const [each] of addresses) {
      const network = this.networkOf(each);
      telling.told[network] = (telling.told[network] ?? 0) + 1;
      if (isFirst && each !== addr) this.#count(each);
    }
  }

  /** A node that is contacted again tells nothing new about who knows whom: only its first contact counts. */
  #count(addr: string): void {
    const count = this.tellers.get(addr);
    if (count === undefined && this.tellers.size >= this.maxAddresses) return;
    this.tellers.set(addr, (count ?? 0) + 1);
  }

  #attempted(event: AttemptEvent): void {
    this.#attempts += 1;
    const { addr, network, distance, round, t } = event;
    const answered = event.outcome === 'reachable';
    const telling = this.#told.get(addr) ?? { told: {}, replies: {}, largest: 0, digest: '' };
    const before = this.nodes.get(addr);
    if (answered && !before?.lastAnswered) this.#reachable += 1;
    const contacts = before?.contacts ?? [];
    contacts.push({ round, t, answered });
    const lastAnswered = answered ? event : before?.lastAnswered;
    this.nodes.set(addr, { addr, network, distance, contacts, last: event, lastAnswered, ...telling });
  }
}

const digestOf = (addrs: readonly string[]): string =>
  createHash('sha256')
    .update([...addrs].sort().join(' '))
    .digest('hex')
    .slice(0, 16);
