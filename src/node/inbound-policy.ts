/**
 * Which inbound connections are accepted: looks up the remote address in the whitelist, the bans, the limits per source and
 * the discouraged addresses. The supervisor machine decides from these facts.
 */
import { type AcceptedFacts, isMisbehaviour } from '../../machines/index.js';
import type { Connection } from '../connection/connection.js';
import type { Link } from '../net/link.js';
import { isLoopback } from '../net/source-network.js';
import { matcherOf, parseSubnet, type Subnet } from '../net/subnet.js';
import { type Reason, VerackError } from '../reasons.js';
import { type Ban, Banlist } from './banlist.js';
import { Discouragement } from './discouragement.js';
import { SOURCE_LIMITS, SourceLimits, type SourceRefusal } from './source-limits.js';

/** The options of a node that are about inbound connections. */
export interface InboundOptions {
  /**
   * Limits for one source (a /24 of IPv4, a /64 of IPv6): unfinished handshakes, established peers, and accepted connections
   * per second. 0 means no limit. Defaults {@link SOURCE_LIMITS}. A source may open 32 connections at once before the rate applies.
   */
  readonly maxpending?: number;
  readonly maxpersource?: number;
  readonly acceptrate?: number;
  /** Apply these limits to loopback addresses too. Default false. */
  readonly pendingloopback?: boolean;
  /**
   * Addresses and subnets that are exempt from limits on sources, bans, discouragement and eviction (Core: `-whitelist` with the
   * permission `noban`).
   */
  readonly whitelist?: readonly string[];
  /** Inbound slots reserved for the whitelist, at most half of all. Default {@link RESERVED_SLOTS} with a whitelist, else 0. */
  readonly reservedslots?: number;
  /** Addresses and subnets from which no connection is accepted (Core: `banlist.json`). */
  readonly bans?: readonly Ban[];
}

/** Default number of inbound slots: Core's 125 connections without its 11 outbound ones. */
export const MAX_INBOUND = 114;

/** Default number of slots reserved for the whitelist when there is one. */
export const RESERVED_SLOTS = 4;

/** An accepted link, and what is known about its remote address. */
export interface Arrival {
  readonly link: Link;
  /** The address is whitelisted. */
  readonly noban: boolean;
  /** The address is discouraged: evicted before others. */
  readonly preferevict: boolean;
  /** The limit of its source that the connection would exceed. */
  readonly refusal: SourceRefusal | undefined;
  /** The part that the supervisor machine decides by. */
  readonly facts: AcceptedFacts;
}

/** The facts of a link to which no restriction applies: shared, because most links have these. */
const UNRESTRICTED: AcceptedFacts = { banned: false, discouraged: false, exceeds: '', reserved: 0 };

export class InboundPolicy {
  readonly #limits: SourceLimits;
  readonly #whitelist: readonly Subnet[];
  readonly #reserve: number;
  readonly #bans = new Banlist();
  readonly #hasBans: boolean;
  readonly #discouraged = new Discouragement();
  /** Number of connected whitelisted peers. */
  #whitelisted = 0;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` for a whitelist entry that is neither an address nor a subnet */
  constructor(options: InboundOptions, maxinbound = MAX_INBOUND) {
    this.#limits = new SourceLimits({
      ...SOURCE_LIMITS,
      handshakes: options.maxpending ?? SOURCE_LIMITS.handshakes,
      peers: options.maxpersource ?? SOURCE_LIMITS.peers,
      acceptRate: options.acceptrate ?? SOURCE_LIMITS.acceptRate,
      countsLoopback: options.pendingloopback ?? false,
    });
    const { whitelist = [], bans = [] } = options;
    this.#whitelist = whitelist.map(subnetOf);
    const reserve = options.reservedslots ?? (whitelist.length > 0 ? RESERVED_SLOTS : 0);
    this.#reserve = Math.min(reserve, Math.floor(maxinbound / 2));
    for (const ban of bans) this.#bans.add(ban);
    this.#hasBans = bans.length > 0;
  }

  /** Looks up the remote address of a link. `at`: the node's clock, milliseconds; `unix`: UNIX time, seconds. */
  arrivalOf(link: Link, at: number, unix: number): Arrival {
    const { host } = link.remote;
    const noban = this.#isWhitelisted(host);
    if (noban) return { link, noban, preferevict: false, refusal: undefined, facts: UNRESTRICTED };
    const preferevict = this.#discouraged.size > 0 && this.#discouraged.has(host);
    const refusal = this.#limits.refusalOf(host, at);
    const facts = this.#factsOf(preferevict, refusal, this.#hasBans && this.#bans.isBanned(host, unix));
    return { link, noban, preferevict, refusal, facts };
  }

  #factsOf(discouraged: boolean, refusal: SourceRefusal | undefined, banned: boolean): AcceptedFacts {
    const reserved = Math.max(0, this.#reserve - this.#whitelisted);
    if (!banned && !discouraged && !refusal && reserved === 0) return UNRESTRICTED;
    return { banned, discouraged, exceeds: refusal?.kind ?? '', reserved };
  }

  /** Whether the node may dial a host by itself: it is neither banned nor discouraged. `unix`: UNIX time, seconds. */
  mayDial(host: string, unix: number): boolean {
    return !this.#discouraged.has(host) && !this.#bans.isBanned(host, unix);
  }

  /** A connection was accepted; its handshake begins. */
  accepted({ id, noban, remote, createdat }: Connection): void {
    if (noban) this.#whitelisted += 1;
    else this.#limits.accepted(id, remote.host, createdat);
  }

  established(id: number): void {
    this.#limits.established(id);
  }

  /**
   * A connection has ended, inbound or outbound. Misbehaviour discourages its address, but not a loopback one, as in Core. Returns
   * true then: all connections from that address are to be closed.
   */
  ended({ id, noban, remote }: Connection, reason: Reason): boolean {
    this.#limits.ended(id);
    if (noban) this.#whitelisted -= 1;
    const isDiscouraged = isMisbehaviour(reason) && !isLoopback(remote.host);
    if (isDiscouraged) this.#discouraged.add(remote.host);
    return isDiscouraged;
  }

  #isWhitelisted(host: string): boolean {
    if (this.#whitelist.length === 0) return false;
    return this.#whitelist.some(matcherOf(host));
  }
}

function subnetOf(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (subnet) return subnet;
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value: text.slice(0, 91), why: 'no address and no subnet' });
}
