/**
 * The lines of a crawl file: NDJSON, append-only, one self-contained event per line. `t` is UNIX time in milliseconds.
 *
 * The reply lines of a contact come before its attempt line, and all are written in one call: replies without an attempt line
 * belong to an incomplete contact, and are ignored.
 */
import type { ContactReport } from './contact.js';
import type { Reply } from './reply.js';

/** Version of this format. It changes when a field is removed or changes its meaning. */
export const FORMAT_VERSION = 1;

/** A crawl begins, or continues after an interruption (`resumed`). */
export interface BeginEvent {
  readonly event: 'begin';
  readonly t: number;
  readonly format: typeof FORMAT_VERSION;
  readonly crawl: string;
  readonly resumed: boolean;
  readonly chain: string;
  readonly vantage: string;
  /** The user agent that was sent. */
  readonly agent: string;
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** An address that did not come from gossip. */
export interface SeedEvent {
  readonly event: 'seed';
  readonly t: number;
  readonly addr: string;
  /** `seednode`, `file`, `crawl`, `addresses` (an address book), or the name of a DNS seed. */
  readonly source: string;
  /** Service bits that the address book has, in hex digits. */
  readonly services?: string;
}

/** A round begins. Round 1 has the first contact of each address; later rounds contact the addresses in `repeats` again. */
export interface RoundEvent {
  readonly event: 'round';
  readonly t: number;
  readonly round: number;
  readonly repeats: readonly string[];
}

/** A node sent addresses, in answer to `getaddr` or unsolicited. */
export interface ReplyEvent extends Reply {
  readonly event: 'reply';
  /** The node that advertised. */
  readonly addr: string;
  readonly round: number;
  readonly vantage: string;
}

/** The result of one contact. */
export interface AttemptEvent extends Omit<ContactReport, 'replies' | 'dropped'> {
  readonly event: 'attempt';
  readonly network: string;
  /** Number of replies between the seeds and this address; 0 for a seed. */
  readonly distance: number;
  /** Service bits that gossip advertised for it before the contact, 16 hex digits. */
  readonly gossip_services?: string;
  /** Number of reply lines of this contact. */
  readonly replies: number;
  /** Number of replies that were not stored. */
  readonly replies_dropped: number;
}

/** A crawl is complete or was interrupted. */
export interface EndEvent {
  readonly event: 'end';
  readonly t: number;
  readonly completeness: 'complete' | 'interrupted';
  readonly counts: Readonly<Record<string, number>>;
}

export type CrawlFileEvent = BeginEvent | SeedEvent | RoundEvent | ReplyEvent | AttemptEvent | EndEvent;
