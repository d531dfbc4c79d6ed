/**
 * The recording format, version 1: every input that one or more nodes received, and every effect they executed.
 *
 * A text file of JSON objects, one per line (NDJSON, UTF-8, lines end with LF). Bytes are lower-case hex, times are
 * milliseconds, an endpoint is `{ host, port }`. The first line is the header:
 *
 *   {"format":"verack-recording","version":1,"verack":"0.1.0"}
 *
 * After it stand turns. A turn begins with an input, a line with `in`, `node` (which node, from 1), `at` (the node's
 * clock, never decreases) and `wall` (milliseconds since 1970-01-01 UTC); both clocks stand still for the whole turn.
 * The lines behind it, with `out` and without a time, are what the node did because of it, in order. Inside a turn a
 * line with `in` and without `at` is an input that a listener of the node caused (one that dials, for example).
 *
 * Inputs, from the owner of the node:
 *
 *   node      options: all that matters of how the node was made; the first input of each node
 *   dial      to: endpoints; options: connection_type, persistent, v2transport
 *   closedial dial: which dial, by its number, that its owner closed
 *   listen    host, port
 *   close     id: which peer
 *   send      id; messages: [[command, payload], …]
 *   stop
 *
 * and from its environment. Links, timers and listeners are numbered by node, from 1, in the order in which they are asked for;
 * an accepted link takes the next number.
 *
 *   opened    link, local, remote         a dial came through
 *   failed    link, code, facts           or did not
 *   accepted  listener, link, local, remote
 *   data      link, bytes                 one chunk, as it came
 *   closed    link, code                  the other side ended it, or it broke
 *   drained   link                        what was waiting was sent
 *   dialname  name, port, options         the owner dials a name
 *   candidates addresses                  the source of automatic outbound connections has answered
 *   feeler    addresses                   and has one for a feeler, or none
 *   found     lookup, hosts               a name has these addresses
 *   unfound   lookup, code, facts         or none
 *   timer     timer
 *   listening listener, local             a listener is open
 *   listenfailed listener, facts             or cannot be opened
 *
 * What a node does:
 *
 *   draw      bytes                       takes random bytes: these
 *   cpu       ms                          looks how much CPU the process has used: so much
 *   arm       timer, ms                   sets a timer
 *   disarm    timer
 *   dial      link, host, port            opens a link
 *   lookup    lookup, name                looks a name up
 *   cancel    lookup
 *   giveup    link                        the dial is cancelled before the link is open
 *   attach    link                        begins to read
 *   write     link, bytes                 one write
 *   pending   link, size                  looks how many bytes the system has not taken yet, and it is not what it was
 *   pause, resume, rest, end, destroy   link
 *   listen    listener, host, port
 *   unlisten  listener
 *
 * and its events: those of the library's `NodeEvents` by their name, except `message` and `listening` (`established`, `ended` and `fallback`
 * with `peer`, the whole row of the tracker). The bytes of `write` and `data` are those of the wire: faults that were asked
 * for (`options.faults`) stand between the node and them.
 *
 * The last line is `{"in":"end","why":"stopped"}`, or `"limit"` when the file grew to its limit. A file without it was cut
 * off. A line has at most {@link MAX_LINE} characters.
 *
 * A recording holds the random draws, and so the keys of its BIP324 sessions: anyone with the file can decrypt them.
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
/** Characters of a line, and of a turn. */
export const MAX_LINE = 2 ** 25;

/** The first line. `verack`: the version of the program that wrote it. */
export interface Header {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly verack: string;
}

/** `blockrelay`, `feelerInterval` and `anchors` are absent in recordings of earlier versions: 0, 0 and none. */
export interface RecordedOutbound {
  readonly slots: number;
  readonly once: boolean;
  readonly blockrelay?: number;
  readonly feelerInterval?: number;
  readonly anchors?: readonly Endpoint[];
}

/** What of a node's options decides what it does; defaults are written out, since they may change. */
export interface RecordedOptions {
  /** Core's name of the chain, and its magic (a signet of one's own has another). */
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
  /** Automatic outbound connections; what their source answers is an input. */
  readonly outbound?: RecordedOutbound;
  readonly services: string;
  readonly startingheight: number;
  readonly subver: string;
  /** As `--fault` takes them, the outermost last. */
  readonly faults: readonly string[];
}

/** What a node takes and no recording can hold, or holds under another name, or what changes nothing. */
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
/** Fails to compile while there is an option that is not recorded. */
const forgotten: Record<Exclude<keyof NodeOptions, keyof RecordedOptions | Unrecorded>, never> = {};
void forgotten;

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

export type InputName = Input['in'];

/** An effect or an event of a node. */
export interface Effect {
  readonly out: string;
  readonly [field: string]: unknown;
}

/** The first line of a turn: an input with its moment. */
export type Moment = Input & { readonly node: number; readonly at: number; readonly wall: number };

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

/** Limits that nodes did not have when the first recordings were made. */
const NO_LIMITS = { maxpersource: 0, acceptrate: 0 };

/** The recorded options that a node takes under the same name, as far as they are given. */
const picked = (options: object): object =>
  Object.fromEntries(
    Object.entries(options).filter(([name, value]) => RECORDED.includes(name) && value !== undefined),
  );

/** The options of a node as they are recorded. `faults`: those that stand between it and its net. */
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
    ...{ slots, once, blockrelay, feelerInterval },
    anchors: anchors.map(({ host, port }) => ({ host, port })),
  };
}

/** The other way: what `createNode` takes; `source` gives the recorded candidates. Throws `ERR_LOCAL_ARGUMENT` for a chain that there is not. */
export function nodeOptions(recorded: RecordedOptions, source: CandidateSource): NodeOptions {
  const { chain, magic, rules, subver, outbound } = recorded;
  const known = networkOf(chain);
  if (!known) throw new VerackError('ERR_LOCAL_ARGUMENT', { value: chain, why: 'no such chain' });
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

/** Throws `ERR_LOCAL_ARGUMENT` for a fault that there is not. */
export const faultsOf = ({ faults }: RecordedOptions): Fault[] => faults.map(parseFault);
