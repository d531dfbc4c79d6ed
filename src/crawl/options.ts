/** The options of a crawl and their defaults. */
import { type Chain, type Clock, formatEndpoint, parseEndpoint, VerackError } from '../index.js';
import type { AddressNetwork } from '../wire/index.js';
import type { Contacts } from './contact.js';
import type { CrawlFileEvent } from './events.js';
import type { OptOutList } from './opt-out.js';
import type { Snapshot } from './snapshot.js';

/** An address to begin with. */
export interface Seed {
  readonly addr: string;
  /** `seednode`, `file`, `crawl`, `addresses` (an address book), or the name of a DNS seed. */
  readonly source: string;
  /** Service bits that the address book has, in hex digits. */
  readonly services?: string;
}

export interface CrawlOptions {
  readonly chain: Chain;
  readonly contacts: Contacts;
  /** Called when a crawl begins; not when one is resumed. */
  readonly seeds: () => Promise<readonly Seed[]>;
  readonly clock: Clock;
  /** `count` random bytes: which addresses are contacted again. */
  readonly random: (count: number) => Uint8Array;
  readonly agent: string;
  readonly vantage: string;
  /** Contacts that are open at a time. */
  readonly parallel: number;
  /** Of these, most to one netgroup. */
  readonly perNetgroup: number;
  /** Contacts of each address of the sample; 1: no address is contacted twice. */
  readonly rounds: number;
  /** Addresses of each kind (answered, failed) that are contacted again. */
  readonly sample: number;
  /** Milliseconds before contacts are repeated. */
  readonly roundDelay: number;
  /** Milliseconds between two crawls; 0: one crawl. */
  readonly every: number;
  readonly cancelTimeout: number;
  /** Networks that contacts can reach from here. */
  readonly networks: readonly AddressNetwork[];
  readonly allowUnroutable: boolean;
  readonly anyPort: boolean;
  readonly maxAddresses: number;
  readonly maxPerNetgroup: number;
  readonly optOut: OptOutList;
  /** Try BIP324 first where gossip advertises it, or where nothing is known. */
  readonly v2transport: boolean;
  /** NDJSON file; none: nothing is written. */
  readonly output?: string | undefined;
  /** Go on with `output`. */
  readonly resume: boolean;
  /** An earlier crawl, for churn. */
  readonly before?: Snapshot | undefined;
  /** Called with every event that is written. */
  readonly observe?: (event: CrawlFileEvent) => void;
}

/** What everything else is compared with. Addresses: what gossip of the main network holds, several times over. */
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
 * The user agent of a crawler: names the program and a contact.
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for a contact with other characters, or of more than 120
 */
export function crawlerAgent(name: string, version: string, contact: string | undefined): string {
  if (contact === undefined) return `/${name}:${version}(crawler)/`;
  if (!SAFE_CONTACT.test(contact)) {
    const why = 'a contact is an address or URL of at most 120 letters, digits and .,;:_?@/+-';
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: contact.slice(0, 80), why });
  }
  return `/${name}:${version}(crawler; ${contact})/`;
}

/** `HOST[:PORT]` as gossip would spell it. Onion and I2P names are addresses, other names are not. */
export function canonicalAddr(text: string, port: number): string {
  return formatEndpoint(parseEndpoint(text, port));
}
