/**
 * Who may connect: collects what an address decides about an accepted link. Bans and the whitelist are the user's; sources
 * that are over a limit and discouraged addresses are counted here. The supervisor's chart judges.
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
   * Unfinished handshakes, peers, and accepted connections per second of one source: a /24 of IPv4, a /64 of IPv6. 0: no
   * limit. Defaults {@link SOURCE_LIMITS}. A source may open 32 connections at once before the rate applies.
   */
  readonly maxpending?: number;
  readonly maxpersource?: number;
  readonly acceptrate?: number;
  /** Let these limits count loopback too. Default false. */
  readonly pendingloopback?: boolean;
  /**
   * Addresses and subnets that no limit on sources, ban or discouragement applies to, and that are not evicted. Core:
   * `-whitelist` with the permission `noban`.
   */
  readonly whitelist?: readonly string[];
  /** Inbound slots that only the whitelist may take. Default {@link RESERVED_SLOTS} with a whitelist, at most half of all. */
  readonly reservedslots?: number;
  /** Addresses and subnets from which no connection is accepted. Core: `banlist.json`. */
  readonly bans?: readonly Ban[];
}

/** Inbound slots by default: Core's 125 without its 11 outbound connections. */
export const MAX_INBOUND = 114;

/** Slots that are reserved for the whitelist when there is one. */
export const RESERVED_SLOTS = 4;

/** An accepted link, and what its address decides. */
export interface Arrival {
  readonly link: Link;
  readonly noban: boolean;
  /** Discouraged: evicted before others. */
  readonly preferevict: boolean;
  readonly refusal: SourceRefusal | undefined;
  readonly facts: AcceptedFacts;
}

/** What most links have in common. */
const FREE: AcceptedFacts = { banned: false, discouraged: false, exceeds: '', reserved: 0 };

export class InboundPolicy {
  readonly #limits: SourceLimits;
  readonly #whitelist: readonly Subnet[];
  readonly #reserve: number;
  readonly #bans = new Banlist();
  readonly #hasBans: boolean;
  readonly #discouraged = new Discouragement();
  /** Whitelisted peers that are connected. */
  #whitelisted = 0;

  /** @throws VerackError `ERR_LOCAL_ARGUMENT` for text that is no subnet */
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

  /** `at`: milliseconds of the node's clock; `unix`: seconds since 1970-01-01 UTC. */
  arrivalOf(link: Link, at: number, unix: number): Arrival {
    const { host } = link.remote;
    const noban = this.#isWhitelisted(host);
    if (noban) return { link, noban, preferevict: false, refusal: undefined, facts: FREE };
    const preferevict = this.#discouraged.size > 0 && this.#discouraged.has(host);
    const refusal = this.#limits.refusalOf(host, at);
    const facts = this.#factsOf(preferevict, refusal, this.#hasBans && this.#bans.isBanned(host, unix));
    return { link, noban, preferevict, refusal, facts };
  }

  #factsOf(discouraged: boolean, refusal: SourceRefusal | undefined, banned: boolean): AcceptedFacts {
    const reserved = Math.max(0, this.#reserve - this.#whitelisted);
    if (!banned && !discouraged && !refusal && reserved === 0) return FREE;
    return { banned, discouraged, exceeds: refusal?.kind ?? '', reserved };
  }

  /** Whether a host may be dialled without being named by the user. */
  mayDial(host: string, unix: number): boolean {
    return !this.#discouraged.has(host) && !this.#bans.isBanned(host, unix);
  }

  /** A connection was accepted; its handshake begins. */
  accepted({ id, noban, remote, bornat }: Connection): void {
    if (noban) this.#whitelisted += 1;
    else this.#limits.accepted(id, remote.host, bornat);
  }

  established(id: number): void {
    this.#limits.established(id);
  }

  /** Any connection has ended. As in Core, local addresses are not discouraged. */
  ended({ id, noban, remote }: Connection, reason: Reason): void {
    this.#limits.ended(id);
    if (noban) this.#whitelisted -= 1;
    if (isMisbehaviour(reason) && !isLoopback(remote.host)) this.#discouraged.add(remote.host);
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
