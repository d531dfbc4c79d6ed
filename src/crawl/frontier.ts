/**
 * The frontier: stores the known addresses, and decides which one is contacted next.
 *
 * Addresses are contacted in the order in which they were added, within limits: at most `maxAddresses` are stored, at most
 * `maxPerNetgroup` of one netgroup, at most `perNetgroup` contacts to one netgroup are open at the same time, and addresses
 * of a source whose addresses do not answer are contacted only as far as {@link SourceCredit} allows. Refused addresses are
 * counted by reason.
 */
import type { Chain, Endpoint } from '../index.js';
import type { AddressNetwork } from '../wire/index.js';
import { endpointOf } from './addr-text.js';
import { Group, isOperatorGiven, KnownAddress, type Origin } from './known-address.js';
import { classifyHost } from './netgroup.js';
import type { OptOutList } from './opt-out.js';
import { Queue } from './queue.js';
import { SourceCredit } from './source-credit.js';

/** Why an advertised address is not contacted. */
export const SKIP_REASONS = ['unroutable', 'port', 'network', 'optout', 'netgroup', 'memory'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface FrontierOptions {
  readonly chain: Pick<Chain, 'port'>;
  readonly networks: readonly AddressNetwork[];
  readonly anyPort: boolean;
  readonly allowUnroutable: boolean;
  readonly maxAddresses: number;
  readonly maxPerNetgroup: number;
  readonly perNetgroup: number;
  readonly optOut: OptOutList;
}

/** Most contacts to addresses whose only source has no credit left, made when no other address is queued. */
const SPECULATIVE_CONTACTS = 5_000;
/** Most addresses that wait for credit of their source. */
const MAX_WITHHELD = 50_000;
/** Number of withheld addresses that are queued when an address of the same source answers. */
const REWARD_RELEASES = 16;

export class Frontier {
  readonly skipped = new Map<SkipReason, number>();
  readonly #known = new Map<string, KnownAddress>();
  readonly #groups = new Map<string, Group>();
  readonly #credit = new SourceCredit();
  readonly #queue = new Queue<KnownAddress>();
  readonly #withheld = new Map<string, KnownAddress[]>();
  #queued = 0;
  #active = 0;
  #waiting = 0;
  #speculative = SPECULATIVE_CONTACTS;

  constructor(private readonly options: FrontierOptions) {}

  /** Number of stored addresses. */
  get size(): number {
    return this.#known.size;
  }

  /** Number of addresses that wait for a contact, without the withheld ones. */
  get queued(): number {
    return this.#queued;
  }

  get active(): number {
    return this.#active;
  }

  /** Number of addresses that only one netgroup advertised, whose credit is used up. */
  get withheld(): number {
    return this.#waiting;
  }

  get(addr: string): KnownAddress | undefined {
    return this.#known.get(addr);
  }

  /** Adds an address. Returns `new`, `known` for one that is stored already, or the reason why it will not be contacted. */
  add(addr: string, origin: Origin): SkipReason | 'known' | 'new' {
    const known = this.#known.get(addr);
    if (known) {
      this.#confirm(known, origin);
      return 'known';
    }
    const endpoint = endpointOf(addr);
    const { network, group } = classifyHost(endpoint.host);
    const skip = this.#refusal(endpoint, network, group, origin);
    if (skip) {
      this.skipped.set(skip, (this.skipped.get(skip) ?? 0) + 1);
      return skip;
    }
    const isAlone = network === 'not_publicly_routable';
    this.#enter(new KnownAddress(addr, network, isAlone ? undefined : this.#groupOf(group), origin));
    return 'new';
  }

  /** The next address to contact; undefined when none may be contacted now. */
  take(): KnownAddress | undefined {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (next.state !== 'queued') continue;
      if (this.#mayBegin(next)) return this.#begin(next);
    }
    return undefined;
  }

  /** A contact has ended. `answered`: the handshake was complete. */
  finish(addr: string, answered: boolean): void {
    const known = this.#known.get(addr);
    if (known?.state !== 'active') return;
    known.state = 'done';
    this.#active -= 1;
    this.#release(known.group);
    if (answered && known.source !== '') this.#reward(known.source);
    if (this.#queued === 0 && this.#active === 0) this.#speculate();
  }

  /** A contact was cancelled before it had a result: the address is queued again. */
  giveBack(addr: string): void {
    const known = this.#known.get(addr);
    if (known?.state !== 'active') return;
    this.#active -= 1;
    this.#release(known.group);
    this.#enqueue(known);
  }

  /** Marks an address as contacted before the crawl was resumed. The number of open contacts does not change. */
  replay(addr: string, answered: boolean): void {
    const known = this.#known.get(addr);
    if (!known) return;
    if (known.state === 'queued' || known.state === 'deferred') this.#queued -= 1;
    if (known.state === 'withheld') this.#waiting -= 1;
    known.state = 'done';
    if (answered && known.source !== '') this.#reward(known.source);
  }

  /** Queues an address again, for a repeat contact. */
  requeue(addr: string): void {
    const known = this.#known.get(addr);
    if (known?.state === 'done') this.#enqueue(known);
  }

  /** Queues withheld addresses if nothing is queued and no contact is open. */
  settle(): void {
    if (this.#queued === 0 && this.#active === 0) this.#speculate();
  }

  #refusal(
    { host, port }: Endpoint,
    network: AddressNetwork,
    group: string,
    origin: Origin,
  ): SkipReason | undefined {
    const { options } = this;
    const isGiven = isOperatorGiven(origin);
    if (network === 'not_publicly_routable' && !options.allowUnroutable) return 'unroutable';
    if (!isGiven && !this.#isBitcoinPort(port, network)) return 'port';
    if (network !== 'not_publicly_routable' && !options.networks.includes(network)) return 'network';
    if (options.optOut.has({ host, port })) return 'optout';
    if (this.#known.size >= options.maxAddresses) return 'memory';
    if ((this.#groups.get(group)?.known ?? 0) >= options.maxPerNetgroup) return 'netgroup';
    return undefined;
  }

  /** Whether gossip may name this port: the chain's port, the next one (on which Core listens for Tor), and 0 for I2P (SAM 3.1). */
  #isBitcoinPort(port: number, network: AddressNetwork): boolean {
    if (network === 'i2p' && port === 0) return true;
    if (port === 0) return false;
    const own = this.options.chain.port;
    return this.options.anyPort || port === own || port === own + 1;
  }

  #enter(known: KnownAddress): void {
    this.#known.set(known.addr, known);
    if (known.group) known.group.known += 1;
    this.#enqueue(known);
  }

  #groupOf(name: string): Group {
    const group = this.#groups.get(name) ?? new Group(name);
    this.#groups.set(name, group);
    return group;
  }

  #confirm(known: KnownAddress, origin: Origin): void {
    if (origin.services !== undefined) known.services = origin.services;
    if (known.confirmed || origin.source === known.source) return;
    known.confirmed = true;
    if (known.state !== 'withheld') return;
    this.#waiting -= 1;
    this.#enqueue(known);
  }

  #enqueue(known: KnownAddress): void {
    known.state = 'queued';
    this.#queued += 1;
    this.#queue.push(known);
  }

  #mayBegin(known: KnownAddress): boolean {
    const { group } = known;
    if (group && group.active >= this.options.perNetgroup) {
      known.state = 'deferred';
      (group.deferred ??= new Queue()).push(known);
      return false;
    }
    if (known.confirmed || this.#credit.charge(known.source)) return true;
    this.#queued -= 1;
    this.#withhold(known);
    return false;
  }

  #begin(known: KnownAddress): KnownAddress {
    known.state = 'active';
    this.#queued -= 1;
    this.#active += 1;
    if (known.group) known.group.active += 1;
    return known;
  }

  #release(group: Group | undefined): void {
    if (!group) return;
    group.active -= 1;
    let next = group.deferred?.shift();
    while (next && next.state !== 'deferred') next = group.deferred?.shift();
    if (!next) return;
    next.state = 'queued';
    this.#queue.push(next);
  }

  /** Withholds an address. Above {@link MAX_WITHHELD} it is removed, so that gossip cannot fill the memory. */
  #withhold(known: KnownAddress): void {
    if (this.#waiting >= MAX_WITHHELD) {
      this.#known.delete(known.addr);
      if (known.group) known.group.known -= 1;
      this.skipped.set('memory', (this.skipped.get('memory') ?? 0) + 1);
      return;
    }
    known.state = 'withheld';
    this.#waiting += 1;
    const list = this.#withheld.get(known.source);
    if (list) list.push(known);
    else this.#withheld.set(known.source, [known]);
  }

  #reward(source: string): void {
    this.#credit.reward(source);
    const list = this.#withheld.get(source);
    if (!list) return;
    this.#requeueWithheld(list.splice(-REWARD_RELEASES));
    if (list.length === 0) this.#withheld.delete(source);
  }

  #requeueWithheld(list: readonly KnownAddress[]): void {
    for (const known of list) {
      if (known.state !== 'withheld') continue;
      this.#waiting -= 1;
      this.#enqueue(known);
    }
  }

  /** Nothing else is queued: queues withheld addresses, up to {@link SPECULATIVE_CONTACTS} in the whole crawl. */
  #speculate(): void {
    for (const [source, list] of this.#withheld) {
      if (this.#speculative <= 0) return;
      const some = list.splice(0, Math.min(REWARD_RELEASES, this.#speculative));
      if (list.length === 0) this.#withheld.delete(source);
      this.#speculative -= some.length;
      for (const known of some) known.confirmed = true;
      this.#requeueWithheld(some);
    }
  }
}
