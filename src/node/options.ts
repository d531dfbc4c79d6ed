/** The options of a node and of a dial. */
import type { InspectionEvent } from 'xstate';
import {
  CORE_RULES,
  OUTBOUND_CONNECTION_TYPES,
  type OutboundConnectionType,
  type Rules,
} from '../../machines/index.js';
import type { AddressBook } from '../addresses/address-book.js';
import { type DnsOptions, type Lookup, lookupWith } from '../net/dns.js';
import { type Network, NETWORKS_OF_ADDRESSES } from '../net/host-kind.js';
import type { Endpoint, Net } from '../net/link.js';
import { checkChoice, checkOptionNames } from '../net/option-names.js';
import { tcpNet } from '../net/tcp.js';
import { type Chain, networkOf } from '../networks.js';
import { VerackError } from '../reasons.js';
import { withServices } from '../services.js';
import { servicesOf } from '../wire/index.js';
import { type Identity, userAgent, wholeUserAgent } from '../connection/outgoing-messages.js';
import type { Padding } from '../connection/v2-transport.js';
import { V2_FAULT_NAMES, type V2FaultName } from '../connection/v2-faults.js';
import { type Clock, type Env, systemClock, systemRandom } from '../net/environment.js';
import type { CandidateSource } from './candidates.js';
import type { InboundOptions } from './inbound-policy.js';
import type { NodeObserver } from './observer.js';
import { NAME, VERSION } from '../version.js';

/** Options of automatic outbound connections. */
export interface OutboundOptions {
  /** Number of full-relay connections to maintain (Core: 8). They count towards `maxoutbound`. */
  readonly slots: number;
  /** Number of block-relay-only connections to maintain in addition. Default 2, as in Core; 0 with `once`. */
  readonly blockrelay?: number;
  /** Average time between two feelers, milliseconds; 0 for no feelers. Default 120,000, as in Core; 0 with `once`. */
  readonly feelerInterval?: number;
  /** The block-relay-only peers of the last run; dialled first, as block-relay-only. */
  readonly anchors?: readonly Endpoint[];
  /** Fill each slot once: a slot is not filled again when its connection ends, and the source is asked once. Default false. */
  readonly once?: boolean;
  /** True: ask the chain's DNS seeds; false: use only its fixed list. Default true. */
  readonly dnsseed?: boolean;
  /** Networks that can be dialled; addresses of other networks in the address book are not used. Default IPv4 and IPv6. */
  readonly networks?: readonly Network[];
  /** Asked before the DNS seeds when the address book has too few addresses (Core: `-seednode`). Requires `addressBook`. */
  readonly seednodes?: CandidateSource;
  /** A source of addresses that replaces the address book, the seeds and the fixed list. */
  readonly source?: CandidateSource;
}

/** Options of `createNode`; all are optional. */
export interface NodeOptions extends InboundOptions {
  /** Core's chain names (`main`, `test`, `testnet4`, `signet`, `regtest`) or a {@link Chain}. Default `main`. */
  readonly chain?: string | Chain;
  /** Changes to the rules of the peer machine: timeouts in milliseconds, `relay`, `requiredServices`, … Default {@link CORE_RULES}. */
  readonly rules?: Partial<Rules>;
  /** Inbound slots. Default 114. */
  readonly maxinbound?: number;
  /** Outbound slots. Default 11; with the inbound slots Core's 125. */
  readonly maxoutbound?: number;
  /**
   * Bytes that may wait to be sent to one peer. Above it the peer is not read and `send` returns false, until all bytes are
   * sent. The last message or `send` may exceed it. Default 1,000,000 (Core: `-maxsendbuffer`).
   */
  readonly maxsendbuffer?: number;
  /** Milliseconds that connections may take to close when the node stops. Default 2,000. */
  readonly drainTimeout?: number;
  /** Offer BIP324 and dial with it first; a peer that does not support it is dialled again with v1, once. Default false. */
  readonly v2transport?: boolean;
  /** Use BIP324 only and refuse v1. Default false. */
  readonly v2only?: boolean;
  /** The garbage and decoys of our BIP324 key exchanges. Default: random for each connection. */
  readonly padding?: Padding;
  /** Injects a fault into our BIP324 key exchanges, for tests; see `V2_FAULTS`. */
  readonly v2fault?: V2FaultName;
  /** The services that our `version` announces, 16 lower-case hex digits. Default 0. */
  readonly services?: string;
  /** The height that our `version` announces, a signed 32-bit integer. Default 0. */
  readonly startingheight?: number;
  /** Comments in our user agent `/verack:X.Y.Z(comment; …)/` (Core: `-uacomment`). Default none. */
  readonly uacomment?: readonly string[];
  /** The whole user agent, at most 256 bytes; `uacomment` is then ignored. */
  readonly subver?: string;
  /** Maintain automatic outbound connections. Absent: the node dials only what `dial` names. */
  readonly outbound?: OutboundOptions;
  /**
   * The address book (`verack/addresses`): the source of automatic outbound connections, filled and announced by gossip. Absent:
   * the node uses the seeds only and takes no part in gossip. The caller saves the book.
   */
  readonly addressBook?: AddressBook;
  /** How names are looked up: servers, time limit, address families. Default: the system's resolver. */
  readonly dns?: Omit<DnsOptions, 'signal'>;
  /** A function that looks names up; `dns` is then ignored for dials. */
  readonly lookup?: Lookup;
  /** Time and timers. Default: the system's. */
  readonly clock?: Clock;
  /** Returns `count` fresh random bytes. Default: `node:crypto`. */
  readonly random?: (count: number) => Uint8Array;
  /** Where links come from. Default: TCP. */
  readonly net?: Net;
  /** Receives every XState inspection event of the supervisor and its peers. Slows the node down; absent by default. */
  readonly inspect?: (event: InspectionEvent) => void;
  /** Receives every input before it takes effect and every event before its listeners; for recorders. */
  readonly observer?: NodeObserver;
  /** True: run the compiled machines (see compile.ts); false: XState interprets each step, slower with the same results. Default true. */
  readonly compiled?: boolean;
  /** Stops the node when it aborts. */
  readonly signal?: AbortSignal;
}

/** Options of `BitcoinNode.dial`. */
export interface DialOptions {
  /** Default `manual`: the peer's services are not checked, as for Core's `-connect`. */
  readonly connection_type?: OutboundConnectionType;
  /** Dial again, with increasing delays, when the connection ends for a reason that may be temporary. Default false. */
  readonly persistent?: boolean;
  /** Dial with BIP324 first. Default: the node's option. */
  readonly v2transport?: boolean;
  /** Closes the connection and stops redialling when it aborts. */
  readonly signal?: AbortSignal;
}

/** The chain of that name. @throws VerackError `ERR_LOCAL_ARGUMENT` for an unknown name */
export function chainOf(chain: string | Chain): Chain {
  if (typeof chain !== 'string') return chain;
  const found = networkOf(chain);
  if (found) return found;
  throw new VerackError('ERR_LOCAL_ARGUMENT', {
    value: chain,
    why: 'the chains are main, test, testnet4, signet and regtest',
  });
}

const OUTBOUND_NAMES: Readonly<Record<keyof OutboundOptions, true>> = {
  slots: true,
  blockrelay: true,
  feelerInterval: true,
  anchors: true,
  networks: true,
  once: true,
  dnsseed: true,
  seednodes: true,
  source: true,
};

const OPTION_NAMES: Readonly<Record<keyof NodeOptions, true>> = {
  chain: true,
  rules: true,
  maxinbound: true,
  maxoutbound: true,
  maxsendbuffer: true,
  maxpending: true,
  maxpersource: true,
  acceptrate: true,
  pendingloopback: true,
  whitelist: true,
  reservedslots: true,
  bans: true,
  drainTimeout: true,
  v2transport: true,
  v2only: true,
  padding: true,
  v2fault: true,
  services: true,
  startingheight: true,
  uacomment: true,
  subver: true,
  outbound: true,
  addressBook: true,
  dns: true,
  lookup: true,
  clock: true,
  random: true,
  net: true,
  inspect: true,
  observer: true,
  compiled: true,
  signal: true,
};

const DIAL_OPTIONS: Readonly<Record<keyof DialOptions, true>> = {
  connection_type: true,
  persistent: true,
  v2transport: true,
  signal: true,
};

/** @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that `dial` does not have, or an unknown type of connection */
export function checkDialOptions(options: DialOptions): void {
  checkOptionNames(options, DIAL_OPTIONS);
  checkChoice('connection_type', options.connection_type, OUTBOUND_CONNECTION_TYPES);
}

/** @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that `listen` does not have */
export const checkListenOptions = (options: object): void => checkOptionNames(options, { signal: true });

/**
 * Checks the options when the node is created: otherwise a bad value would fail in the middle of a connection.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an option that does not exist, or a value outside its limits
 */
export function checkOptions(options: NodeOptions): void {
  checkOptionNames(options, OPTION_NAMES);
  checkOptionNames(options.rules ?? {}, CORE_RULES);
  checkOptionNames(options.outbound ?? {}, OUTBOUND_NAMES);
  checkChoice('v2fault', options.v2fault, V2_FAULT_NAMES);
  for (const network of options.outbound?.networks ?? [])
    checkChoice('outbound.networks', network, NETWORKS_OF_ADDRESSES);
  checkValues(options);
}

function checkValues({ services, startingheight, rules = {}, ...slots }: NodeOptions): void {
  const bad = (value: unknown, why: string): never => {
    throw new VerackError('ERR_LOCAL_ARGUMENT', { value: String(value), why });
  };
  if (services !== undefined && !/^[0-9a-f]{16}$/.test(services))
    bad(services, 'services are 16 lower-case hex digits');
  if (startingheight !== undefined && (startingheight | 0) !== startingheight)
    bad(startingheight, 'a height has 32 bits');
  for (const [name, value] of Object.entries({ ...rules, ...limitsOf(slots) })) {
    if (typeof value === 'number' && !(value >= 0 && value <= MAX_NUMBER))
      bad(value, `${name} is a number from 0 to ${MAX_NUMBER}`);
  }
}

/** The longest delay of a Node.js timer, milliseconds; no other option needs a larger number. */
const MAX_NUMBER = 2 ** 31 - 1;

/** The numeric options, to be checked against {@link MAX_NUMBER}. */
const limitsOf = (options: NodeOptions) => ({
  maxinbound: options.maxinbound,
  maxoutbound: options.maxoutbound,
  maxpending: options.maxpending,
  maxpersource: options.maxpersource,
  acceptrate: options.acceptrate,
  reservedslots: options.reservedslots,
  maxsendbuffer: options.maxsendbuffer,
  drainTimeout: options.drainTimeout,
});

/** The clock, the random source, the net and the look-up: the system's where the options have none. */
export const environmentOf = ({
  clock = systemClock,
  random = systemRandom,
  net = tcpNet(),
  dns,
  lookup = lookupWith(dns),
}: NodeOptions): Env => ({ clock, random, net, lookup });

/** What our `version` announces, with the service bit P2P_V2 when BIP324 is offered. */
export function identityOf(options: NodeOptions, rules: Rules): Identity {
  const { services = '0000000000000000', startingheight = 0, uacomment = [], subver } = options;
  const user_agent = subver === undefined ? userAgent(NAME, VERSION, uacomment) : wholeUserAgent(subver);
  const offered =
    options.v2transport || options.v2only ? withServices(services, servicesOf('P2P_V2')) : services;
  return { version: rules.version, services: offered, start_height: startingheight, user_agent };
}
