/**
 * The recording format, version 1: every input that one or more nodes received, and every effect they executed.
 *
 * A text file of JSON objects, one per line (NDJSON, UTF-8, lines end with LF). Bytes are lower-case hex, times are
 * milliseconds, an endpoint is `{ host, port }`. The first line is the header:
 *
 *   {"format":"verack-recording","version":1,"verack":"0.1.0"}
 *
 * The turns follow it. The first line of a turn is an input, with `in`, `node` (the number of the node, from 1), `at` (the
 * clock of the node, which never decreases) and `wall` (milliseconds since 1970-01-01 UTC); both clocks are stopped during a
 * turn. The further lines, with `out` and without a time, are the effects of the input, in order. A further line with `in`
 * and without `at` is an input that a listener of the node caused within the turn (one that dials, for example).
 *
 * Inputs from the program that uses the node:
 *
 *   node      options                     creates the node; the first input of each node
 *   dial      to, options                 to: endpoints; options: connection_type, persistent, v2transport
 *   dialname  name, port, options         dials a name
 *   closedial dial                        closes a dial; dials are numbered from 1, in the order of dial and dialname
 *   listen    host, port
 *   close     id                          closes the peer with this id
 *   send      id, messages                messages: [[command, payload], …]
 *   stop
 *
 * Inputs from the environment. Links, timers, lookups and listeners are numbered for each node, from 1, in the order in
 * which the node asks for them; an accepted link gets the next number.
 *
 *   opened    link, local, remote         a dial has succeeded
 *   failed    link, code, facts           a dial has failed
 *   accepted  listener, link, local, remote
 *   data      link, bytes                 one received chunk
 *   closed    link, code                  the other side has closed the link, or it broke
 *   drained   link                        all pending bytes have been sent
 *   candidates addresses                  the answer of the source of automatic outbound connections
 *   feeler    addresses                   its answer for a feeler: one address or none
 *   found     lookup, hosts               the addresses of a name
 *   unfound   lookup, code, facts         the name has no addresses, or the lookup failed
 *   timer     timer                       a timer has expired
 *   listening listener, local             a listener is open
 *   listenfailed listener, facts          a listener cannot be opened
 *
 * Effects of a node:
 *
 *   draw      bytes                       draws these random bytes
 *   cpu       ms                          reads the CPU time that the process has used
 *   arm       timer, ms                   sets a timer
 *   disarm    timer
 *   dial      link, host, port            dials an address
 *   lookup    lookup, name                looks up a name
 *   cancel    lookup
 *   giveup    link                        cancels a dial before the link is open
 *   attach    link                        begins to read
 *   write     link, bytes                 one write
 *   pending   link, size                  reads the number of pending bytes; only recorded when it has changed
 *   pause, resume, rest, end, destroy   link
 *   listen    listener, host, port
 *   unlisten  listener
 *
 * The events of the library's `NodeEvents` are effects with the name of the event, except `message`, `listening` and
 * `unroutable`; `established`, `ended` and `fallback` have the field `peer`, a complete `PeerInfo`. The bytes of `write` and
 * `data` are those on the wire: the faults of `options.faults` are injected between the node and them.
 *
 * The last line is `{"in":"end","why":"stopped"}`, or `"limit"` when the file reached its size limit. A file without it was
 * cut off. A line has at most {@link MAX_LINE} characters.
 *
 * A recording contains the random values and therefore the keys of its BIP324 sessions: anyone with the file can decrypt them.
 */
import { CORE_RULES, DRAIN_TIMEOUT, FEELER_INTERVAL, type Rules } from '../../machines/index.js';
import { type Endpoint, type Fault, parseFault } from '../net/index.js';
import {
  type Ban,
  BLOCK_RELAY_SLOTS,
  type CandidateSource,
  chainOf,
  type DialCode,
  type Facts,
  identityOf,
  type LinkCode,
  MAX_INBOUND,
  networkOf,
  type NodeInput,
  type NodeOptions,
  type OutboundOptions,
  type ReasonCode,
  SOURCE_LIMITS,
  VerackError,
} from '../index.js';
import { MAX_SEND_BUFFER, type Padding, type V2FaultName } from '../connection/index.js';

export const FORMAT = 'verack-recording';
export const FORMAT_VERSION = 1;
/** Most characters of a line, and of a turn. */
export const MAX_LINE = 2 ** 25;

/** The first line. `verack` is the version of the program that wrote the file. */
export interface Header {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly verack: string;
}

/** Automatic outbound connections. `blockrelay`, `feelerInterval` and `anchors` are absent in recordings of earlier versions: 0, 0 and none. */
export interface RecordedOutbound {
  readonly slots: number;
  readonly once: boolean;
  readonly blockrelay?: number;
  readonly feelerInterval?: number;
  readonly anchors?: readonly Endpoint[];
}

/** The options of a node that determine its behaviour. Defaults are recorded too, since they may change. */
export interface RecordedOptions {
  /** Core's name of the chain; `magic`: 8 hex digits, which differ for a custom signet. */
  readonly chain: string;
  readonly magic: string;
  readonly rules: Rules;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  readonly maxpending: number;
  readonly maxpersource: number;
  readonly acceptrate: number;
  readonly maxsendbuffer: number;
  readonly pendingloopback: boolean;
  readonly whitelist: readonly string[];
  readonly reservedslots?: number;
  readonly bans: readonly Ban[];
  readonly drainTimeout: number;
  readonly v2transport: boolean;
  readonly v2only: boolean;
  readonly padding?: Padding;
  readonly v2fault?: V2FaultName;
  /** Automatic outbound connections; the answers of their source are inputs. */
  readonly outbound?: RecordedOutbound;
  readonly services: string;
  readonly startingheight: number;
  readonly subver: string;
  /** Faults in the syntax of `--fault`; the last one is the outermost. */
  readonly faults: readonly string[];
}

/** Options that a recording cannot contain, contains under another name, or that do not change the behaviour. */
type Unrecorded =
  | 'addressBook'
  | 'uacomment'
  | 'compiled'
  | 'clock'
  | 'random'
  | 'net'
  | 'lookup'
  | 'dns'
  | 'inspect'
  | 'observer'
  | 'signal';
/** Does not compile if an option is neither recorded nor listed in `Unrecorded`. */
const unlisted: Record<Exclude<keyof NodeOptions, keyof RecordedOptions | Unrecorded>, never> = {};
void unlisted;

/** Every input of a node and of its environment. */
export type Input =
  | NodeInput
  | { readonly in: 'node'; readonly options: RecordedOptions }
  | { readonly in: 'found'; readonly lookup: number; readonly hosts: readonly string[] }
  | { readonly in: 'unfound'; readonly lookup: number; readonly code: ReasonCode; readonly facts: Facts }
  | { readonly in: 'opened'; readonly link: number; readonly local: Endpoint; readonly remote: Endpoint }
  | { readonly in: 'failed'; readonly link: number; readonly code: DialCode; readonly facts: Facts }
  | {
      readonly in: 'accepted';
      readonly listener: number;
      readonly link: number;
      readonly local: Endpoint;
      readonly remote: Endpoint;
    }
  | { readonly in: 'data'; readonly link: number; readonly bytes: string }
  | { readonly in: 'closed'; readonly link: number; readonly code: LinkCode }
  | { readonly in: 'drained'; readonly link: number }
  | { readonly in: 'timer'; readonly timer: number }
  | { readonly in: 'listening'; readonly listener: number; readonly local: Endpoint }
  | { readonly in: 'listenfailed'; readonly listener: number; readonly facts: Facts };

/** The name of an input. */
export type InputName = Input['in'];

/** An effect or an event of a node. */
export interface Effect {
  readonly out: string;
  readonly [field: string]: unknown;
}

const DEFAULTS = {
  maxinbound: MAX_INBOUND,
  maxoutbound: 11,
  maxpending: SOURCE_LIMITS.handshakes,
  maxpersource: SOURCE_LIMITS.peers,
  acceptrate: SOURCE_LIMITS.acceptRate,
  whitelist: [],
  bans: [],
  maxsendbuffer: MAX_SEND_BUFFER,
  pendingloopback: false,
  drainTimeout: DRAIN_TIMEOUT,
  v2transport: false,
  v2only: false,
  services: '0000000000000000',
  startingheight: 0,
};

const RECORDED = [...Object.keys(DEFAULTS), 'reservedslots', 'padding', 'v2fault'] as const;

/** Limits that did not exist when the first recordings were made, and so are off by default. */
const NO_LIMITS = { maxpersource: 0, acceptrate: 0 };

/** The recorded options that have the same name in `NodeOptions`, if they are given. */
const picked = (options: object): object =>
  Object.fromEntries(
    Object.entries(options).filter(([name, value]) => RECORDED.includes(name) && value !== undefined),
  );

/** Converts the options of a node to their recorded form. `faults` are those between the node and its net. */
export function recordedOptions(options: NodeOptions, faults: readonly Fault[]): RecordedOptions {
  const rules = { ...CORE_RULES, ...options.rules };
  const { outbound } = options;
  const { chain, magicHex } = chainOf(options.chain ?? 'main');
  return {
    chain,
    magic: magicHex,
    rules,
    ...DEFAULTS,
    ...picked(options),
    ...(outbound && { outbound: recordedOutbound(outbound) }),
    subver: new TextDecoder().decode(identityOf(options, rules).user_agent),
    faults: faults.map(({ name, value }) => (value === '' ? name : `${name}=${value}`)),
  };
}

function recordedOutbound({ slots, once = false, ...rest }: OutboundOptions): RecordedOutbound {
  const { blockrelay = BLOCK_RELAY_SLOTS, feelerInterval = FEELER_INTERVAL, anchors = [] } = rest;
  return {
    slots,
    once,
    blockrelay,
    feelerInterval,
    anchors: anchors.map(({ host, port }) => ({ host, port })),
  };
}

/** Converts recorded options back for `createNode`; `source` returns the recorded candidates. Throws `ERR_LOCAL_ARGUMENT` for an unknown chain. */
export function nodeOptions(recorded: RecordedOptions, source: CandidateSource): NodeOptions {
  const { chain, magic, rules, subver, outbound } = recorded;
  const known = networkOf(chain);
  if (!known) throw new VerackError('ERR_LOCAL_ARGUMENT', { value: chain, why: 'there is no such chain' });
  const bytes = Uint8Array.from(Buffer.from(magic, 'hex'));
  return {
    ...NO_LIMITS,
    ...picked(recorded),
    ...(outbound && { outbound: { blockrelay: 0, feelerInterval: 0, ...outbound, source } }),
    rules,
    subver,
    chain: { ...known, magic: bytes, magicHex: magic },
  };
}

/** Parses the recorded faults. Throws `ERR_LOCAL_ARGUMENT` for an unknown fault. */
export const faultsOf = ({ faults }: RecordedOptions): Fault[] => faults.map(parseFault);
