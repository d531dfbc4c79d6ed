/** One address that the frontier remembers. There are hundreds of thousands: a class with few fields, no text twice. */
import type { AddressNetwork } from '../wire/index.js';
import { hostOf } from './addr-text.js';
import type { Seed } from './options.js';
import type { Queue } from './queue.js';

/** Where an address came from. */
export interface Origin {
  /** Netgroup of the node that advertised it; empty for an address that the operator or a DNS seed gave. */
  readonly source: string;
  /** Replies between the seeds and this address; 0 for a seed. */
  readonly distance: number;
  /** Service bits that were advertised, in hex digits; undefined when unknown. */
  readonly services?: string | undefined;
  /** Of an address book: gossip named its port, so the rule for ports holds. */
  readonly isFromBook?: boolean;
}

/** The `source` of a seed that an address book has. */
export const ADDRESS_BOOK = 'addresses';

export const originOf = ({ source, services }: Seed): Origin => ({
  ...{ source: '', distance: 0, services },
  isFromBook: source === ADDRESS_BOOK,
});

/** The operator or a DNS seed named it, port included. */
export const isOperatorGiven = ({ source, isFromBook = false }: Origin): boolean =>
  source === '' && !isFromBook;

/** A netgroup: how many addresses it has, how many contacts to it are open, and which addresses wait for one to end. */
export class Group {
  known = 0;
  active = 0;
  deferred: Queue<KnownAddress> | undefined;

  constructor(readonly name: string) {}
}

/** `withheld`: its source has no credit left; `deferred`: its netgroup has enough open contacts. */
export type KnownState = 'queued' | 'deferred' | 'active' | 'withheld' | 'done';

export class KnownAddress {
  state: KnownState = 'queued';
  /** The service bits that gossip gave it, as last advertised. */
  services: string | undefined;
  /** Advertised by several netgroups, or given by the operator. */
  confirmed: boolean;
  readonly distance: number;
  /** The netgroup that advertised it first. */
  readonly source: string;

  constructor(
    readonly addr: string,
    readonly network: AddressNetwork,
    /** Undefined for an address that is a group of its own. */
    readonly group: Group | undefined,
    { source, distance, services }: Origin,
  ) {
    this.source = source;
    this.distance = distance;
    this.services = services;
    this.confirmed = source === '';
  }

  /** The name under which this node is a source of addresses: its netgroup. */
  get sourceName(): string {
    return this.group?.name ?? hostOf(this.addr);
  }
}
