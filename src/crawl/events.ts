/**
 * The lines of a crawl file: NDJSON, append-only, one self-contained event a line. `t` is UNIX time in milliseconds.
 *
 * The reply lines of a contact come before its attempt line, and all are written in one call: a contact without an attempt
 * line did not happen.
 */
import type { ContactReport } from './contact.js';
import type { Reply } from './reply.js';

/** Version of this format; it changes when a field changes its meaning or goes. */
export const FORMAT_VERSION = 1;

/** A crawl begins, or goes on after an interruption (`resumed`). */
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

/** A round begins: 1 is the first contact of each address, later ones are repeat contacts of `contacts` addresses. */
export interface RoundEvent {
  readonly event: 'round';
  readonly t: number;
  readonly round: number;
  readonly repeats: readonly string[];
}

/** A node answered `getaddr`, or announced addresses unasked. */
export interface ReplyEvent extends Reply {
  readonly event: 'reply';
  /** The node that advertised. */
  readonly addr: string;
  readonly round: number;
  readonly vantage: string;
}

/** One contact, whatever came of it. */
export interface AttemptEvent extends Omit<ContactReport, 'replies' | 'dropped'> {
  readonly event: 'attempt';
  readonly network: string;
  /** Replies between the seeds and this address. */
  readonly distance: number;
  /** Service bits that gossip claimed for it before the contact, 16 hex digits. */
  readonly gossip_services?: string;
  /** Reply lines of this contact, and replies that were not kept. */
  readonly replies: number;
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
