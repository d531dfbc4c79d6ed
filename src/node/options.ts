/** The options of a node and of a dial. */
import type { InspectionEvent } from 'xstate';
import { type ConnectionType, CORE_RULES, type Rules } from '../../machines/index.js';
import type { AddressBook } from '../addresses/address-book.js';
import { type DnsOptions, type Lookup, lookupWith } from '../net/dns.js';
import type { Network } from '../net/host-kind.js';
import type { Endpoint, Net } from '../net/link.js';
import { checkOptionNames } from '../net/option-names.js';
import { tcpNet } from '../net/tcp.js';
import { type Chain, networkOf } from '../networks.js';
import { VerackError } from '../reasons.js';
import { withServices } from '../services.js';
import { servicesOf } from '../wire/index.js';
import { type Identity, userAgent, wholeUserAgent } from '../connection/outgoing-messages.js';
import type { Padding } from '../connection/v2-transport.js';
import type { V2FaultName } from '../connection/v2-faults.js';
import { type Clock, type Env, systemClock, systemRandom } from '../net/environment.js';
import type { CandidateSource } from './candidates.js';
import type { InboundOptions } from './inbound-policy.js';
import type { NodeObserver } from './observer.js';
import { NAME, VERSION } from '../version.js';

/** Automatic outbound connections. */
export interface OutboundOptions {
  /** Full-relay connections to hold; Core: 8. Each also takes one of `maxoutbound`. */
  readonly slots: number;
  /** Block-relay-only connections to hold besides; Core: 2, the default here; with `once` none. */
  readonly blockrelay?: number;
  /** Milliseconds between two feelers, on average; 0 for none. Core: 120,000, the default here; with `once` none. */
  readonly feelerInterval?: number;
  /** Block-relay-only peers of the last run: dialled first, as such. */
  readonly anchors?: readonly Endpoint[];
  /** One connection per slot: a slot that was filled is not filled again, and the source is asked once. Default false. */
  readonly once?: boolean;
  /** Ask the chain's DNS seeds; false: take its fixed list alone. Default true. */
  readonly dnsseed?: boolean;
  /** Networks that can be dialled: others of the address book are left out. Default IPv4 and IPv6. */
  readonly networks?: readonly Network[];
  /** Asked before the DNS seeds when the address book has too little (Core: `-seednode`). Needs `addressBook`. */
  readonly seednodes?: CandidateSource;
  /** Another source of addresses than the address book, the seeds and the fixed list. */
  readonly source?: CandidateSource;
}

/** Options of `createNode`; all have defaults. */
export interface NodeOptions extends InboundOptions {
  /** Core's chain names (`main`, `test`, `testnet4`, `signet`, `regtest`) or a {@link Chain}. Default `main`. */
  readonly chain?: string | Chain;
  /** Any of the machine's rules: timeouts in milliseconds, `relay`, `requiredServices`, … Default {@link CORE_RULES}. */
  readonly rules?: Partial<Rules>;
  /** Slots. Defaults 114 and 11, which make Core's 125. */
  readonly maxinbound?: number;
  readonly maxoutbound?: number;
  /**
   * Bytes that may wait for one peer; beyond them it is not read, and `send` refuses, until all are taken. One message, or
   * one `send`, may go beyond. Core: `-maxsendbuffer`, 1,000,000, the default here.
   */
  readonly maxsendbuffer?: number;
  /** Milliseconds that peers get to close when the node stops. Default 2 s. */
  readonly drainTimeout?: number;
  /** Offer BIP324 and try it first; a peer that does not know it is redialled once as v1. Default false. */
  readonly v2transport?: boolean;
  /** Refuse v1. Default false. */
  readonly v2only?: boolean;
  /** Our garbage and decoys, fixed; drawn anew for each connection otherwise. */
  readonly padding?: Padding;
  /** Spoils our key exchanges on purpose; see `V2_FAULTS`. */
  readonly v2fault?: V2FaultName;
  /** What we announce. Defaults: services 0, height 0, `/verack:X.Y.Z/`. */
  readonly services?: string;
  readonly startingheight?: number;
  readonly uacomment?: readonly string[];
  /** The whole user agent instead, at most 256 bytes. */
  readonly subver?: string;
  /** Fill outbound slots from a source of addresses. Absent: only what `dial` names is dialled. */
  readonly outbound?: OutboundOptions;
  /**
   * The addresses that are known (`verack/addresses`): the source of automatic outbound connections, fed and handed out by
   * gossip. Absent: the seeds alone, and no gossip. The caller saves it.
   */
  readonly addressBook?: AddressBook;
  /** How names are looked up: the servers, the time limit, the address families. Default: the system's way. */
  readonly dns?: Omit<DnsOptions, 'signal'>;
  /** Looks names up in another way; `dns` is not used then. */
  readonly lookup?: Lookup;
  /** The clock, the random source and the net. */
  readonly clock?: Clock;
  /** Fresh random bytes, `count` of them. */
  readonly random?: (count: number) => Uint8Array;
  readonly net?: Net;
  /** Sees every XState inspection event of the supervisor and its peers. Costs time; absent by default. */
  readonly inspect?: (event: InspectionEvent) => void;
  /** Sees every input before it acts and every event before its listeners; for recorders. */
  readonly observer?: NodeObserver;
  /** Run the compiled machines (see compile.ts). Default true; false has XState interpret each step, slower and otherwise the same. */
  readonly compiled?: boolean;
  /** Stops the node. */
  readonly signal?: AbortSignal;
}

/** Options of `BitcoinNode.dial`. */
export interface DialOptions {
  /** Default `manual`: services are not checked, as for Core's `-connect`. */
  readonly connection_type?: Exclude<ConnectionType, 'inbound'>;
  /** Dial again, with backoff, when it ends for a reason that may pass. Default false. */
  readonly persistent?: boolean;
  /** Try BIP324 first. Default: what the node does. */
  readonly v2transport?: boolean;
  /** Closes this connection and ends its redials. */
  readonly signal?: AbortSignal;
}

/** The chain of that name. Throws `ERR_LOCAL_ARGUMENT` for a name that no chain has. */
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

const DIAL_NAMES: Readonly<Record<keyof DialOptions, true>> = {
  connection_type: true,
  persistent: true,
  v2transport: true,
  signal: true,
};

/** Refuses names that `dial` does not have. */
export const checkDialOptions = (options: DialOptions): void =>
  checkOptionNames(options, Object.keys(DIAL_NAMES));

/** Refuses names that do not exist, and values that would only fail later, in the middle of a connection. */
export function checkOptions(options: NodeOptions): void {
  checkOptionNames(options, Object.keys(OPTION_NAMES));
  checkOptionNames(options.rules ?? {}, Object.keys(CORE_RULES));
  checkOptionNames(options.outbound ?? {}, Object.keys(OUTBOUND_NAMES));
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

/** What a timer of Node.js can hold, and more than anything else needs. */
const MAX_NUMBER = 2 ** 31 - 1;

/** The options that are numbers. */
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

/** Time, chance and the net: the system's unless others were handed in. */
export const environmentOf = ({
  clock = systemClock,
  random = systemRandom,
  net = tcpNet(),
  dns,
  lookup = lookupWith(dns),
}: NodeOptions): Env => ({ clock, random, net, lookup });

/** What we announce, with the bit for BIP324 where that is offered. */
export function identityOf(options: NodeOptions, rules: Rules): Identity {
  const { services = '0000000000000000', startingheight = 0, uacomment = [], subver } = options;
  const user_agent = subver === undefined ? userAgent(NAME, VERSION, uacomment) : wholeUserAgent(subver);
  const offered =
    options.v2transport || options.v2only ? withServices(services, servicesOf('P2P_V2')) : services;
  return { version: rules.version, services: offered, start_height: startingheight, user_agent };
}
