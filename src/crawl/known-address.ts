/** An address in the frontier. There are hundreds of thousands, so the class has few fields and stores no text twice. */
import type { AddressNetwork } from '../wire/index.js';
import { hostOf } from './addr-text.js';
import type { Seed } from './options.js';
import type { Queue } from './queue.js';

/** The origin of an address. */
export interface Origin {
  /** Netgroup of the node that advertised it; empty for a seed. */
  readonly source: string;
  /** Number of replies between the seeds and this address; 0 for a seed. */
  readonly distance: number;
  /** Advertised service bits, in hex digits; undefined when unknown. */
  readonly services?: string | undefined;
  /** The address comes from an address book, and so from gossip: the rule for ports applies. */
  readonly isFromBook?: boolean;
}

/** The `source` of a seed that comes from an address book. */
export const ADDRESS_BOOK = 'addresses';

export const originOf = ({ source, services }: Seed): Origin => ({
  source: '',
  distance: 0,
  services,
  isFromBook: source === ADDRESS_BOOK,
});

/** Whether the operator or a DNS seed gave the address with its port. */
export const isOperatorGiven = ({ source, isFromBook = false }: Origin): boolean =>
  source === '' && !isFromBook;

/** A netgroup: the number of its addresses, the number of open contacts to it, and its addresses that wait for one to end. */
export class Group {
  known = 0;
  active = 0;
  deferred: Queue<KnownAddress> | undefined;

  constructor(readonly name: string) {}
}

/** `withheld`: its source has no credit left. `deferred`: its netgroup has the largest allowed number of open contacts. */
export type KnownState = 'queued' | 'deferred' | 'active' | 'withheld' | 'done';

export class KnownAddress {
  state: KnownState = 'queued';
  /** The service bits that were last advertised. */
  services: string | undefined;
  /** Whether several netgroups advertised it, or it is a seed. */
  confirmed: boolean;
  readonly distance: number;
  /** The netgroup that advertised it first. */
  readonly source: string;

  constructor(
    readonly addr: string,
    readonly network: AddressNetwork,
    /** Undefined for an address that belongs to no netgroup, because it is not publicly routable. */
    readonly group: Group | undefined,
    { source, distance, services }: Origin,
  ) {
    this.source = source;
    this.distance = distance;
    this.services = services;
    this.confirmed = source === '';
  }

  /** The name of this node as a source of addresses: its netgroup. */
  get sourceName(): string {
    return this.group?.name ?? hostOf(this.addr);
  }
}
