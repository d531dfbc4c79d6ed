/** The options of a crawl and their defaults. */
import { type Chain, type Clock, formatEndpoint, parseEndpoint, VerackError } from '../index.js';
import type { AddressNetwork } from '../wire/index.js';
import type { Contacts } from './contact.js';
import type { CrawlFileEvent } from './events.js';
import type { OptOutList } from './opt-out.js';
import type { Snapshot } from './snapshot.js';

/** An address from which a crawl starts. */
export interface Seed {
  /** `host:port`. */
  readonly addr: string;
  /** `seednode`, `file`, `crawl`, `addresses` (an address book), or the name of a DNS seed. */
  readonly source: string;
  /** Service bits in the address book, in hex digits. */
  readonly services?: string;
}

/** The options of a crawl; {@link CRAWL_DEFAULTS} has usual values. */
export interface CrawlOptions {
  readonly chain: Chain;
  readonly contacts: Contacts;
  /** Returns the seeds. Called when a crawl begins, and not when one with known addresses is resumed. */
  readonly seeds: () => Promise<readonly Seed[]>;
  readonly clock: Clock;
  /** Returns `count` random bytes, to draw the addresses that are contacted again. */
  readonly random: (count: number) => Uint8Array;
  /** The user agent. */
  readonly agent: string;
  /** Name of the place from which contacts are made. */
  readonly vantage: string;
  /** Most open contacts. */
  readonly parallel: number;
  /** Most open contacts to one netgroup. */
  readonly perNetgroup: number;
  /** Number of contacts of each address in the sample; 1: no address is contacted twice. */
  readonly rounds: number;
  /** Number of addresses of each kind (answered, failed) that are contacted again. */
  readonly sample: number;
  /** Delay before contacts are repeated, milliseconds. */
  readonly roundDelay: number;
  /** Delay between two crawls, milliseconds; 0: one crawl only. */
  readonly every: number;
  /** Time that open contacts may take to close after an interruption, milliseconds. */
  readonly cancelTimeout: number;
  /** Networks that can be dialled; addresses of others are skipped. */
  readonly networks: readonly AddressNetwork[];
  /** Contact addresses that are not publicly routable too, as in test networks. */
  readonly allowUnroutable: boolean;
  /** Contact advertised addresses with any port; otherwise only the chain's port and the next one. */
  readonly anyPort: boolean;
  /** Most stored addresses. */
  readonly maxAddresses: number;
  /** Most stored addresses of one netgroup. */
  readonly maxPerNetgroup: number;
  readonly optOut: OptOutList;
  /** Dial with BIP324 first if the advertised services contain its bit. */
  readonly v2transport: boolean;
  /** The NDJSON file to write; absent: nothing is written. */
  readonly output?: string | undefined;
  /** Continue the crawl in `output`. */
  readonly resume: boolean;
  /** An earlier crawl, to compute churn. */
  readonly before?: Snapshot | undefined;
  /** Called with every event that is written. */
  readonly observe?: (event: CrawlFileEvent) => void;
}

/** Default values. `maxAddresses` is several times the number of addresses in the gossip of the main network. */
export const CRAWL_DEFAULTS = {
  parallel: 256,
  perNetgroup: 16,
  rounds: 1,
  sample: 2_000,
  roundDelay: 600_000,
  every: 0,
  cancelTimeout: 1_500,
  maxAddresses: 500_000,
  maxPerNetgroup: 20_000,
  replyTimeout: 90_000,
  contactTimeout: 150_000,
} as const;

const SAFE_CONTACT = /^[A-Za-z0-9 .,;:_?@/+-]{1,120}$/;

/**
 * The user agent of a crawler, with the name of the program and a contact address of its operator.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a contact with unsafe characters, or with more than 120 characters
 */
export function crawlerAgent(name: string, version: string, contact: string | undefined): string {
  if (contact === undefined) return `/${name}:${version}(crawler)/`;
  if (!SAFE_CONTACT.test(contact)) {
    const why = 'a contact is an address or URL of at most 120 letters, digits and .,;:_?@/+-';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: contact.slice(0, 80), why });
  }
  return `/${name}:${version}(crawler; ${contact})/`;
}

/** `HOST[:PORT]` in canonical notation, as addresses of gossip are stored. */
export function canonicalAddr(text: string, port: number): string {
  return formatEndpoint(parseEndpoint(text, port));
}
