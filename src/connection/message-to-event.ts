/**
 * Converts a decoded message into an event of the peer machine. Messages without a row in this table are data-plane
 * traffic: they are counted and passed to listeners, and the machine never receives them.
 */
import { MAX_REJECT_TEXT, type PeerEvent } from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import {
  decodeMessage,
  formatAddress,
  fromLegacy,
  isStrict,
  type Message,
  type MessageOf,
  sanitize,
  signedOf,
  versionDefaults,
} from '../wire/index.js';
import type { CodecFault } from '../wire/index.js';

/** What an event needs besides the message: two clocks, random bytes (drawn only when used), and the nonces of our dials. */
export interface EventSources {
  /** The current time on the node's clock, milliseconds. */
  readonly at: number;
  /** Seconds since 1970-01-01 UTC. */
  unix(): number;
  /** 8 fresh random bytes as 16 hex digits. */
  draw(): string;
  /** Whether a nonce belongs to a connection that this node is dialling. */
  isDialling(nonce: string): boolean;
}

type Convert<C extends string> = (message: Extract<Message, { command: C }>, now: EventSources) => PeerEvent;
type Control =
  | 'version'
  | 'verack'
  | 'wtxidrelay'
  | 'sendaddrv2'
  | 'sendtxrcncl'
  | 'feature'
  | 'sendheaders'
  | 'sendcmpct'
  | 'feefilter'
  | 'ping'
  | 'pong'
  | 'reject'
  | 'getaddr'
  | 'addr'
  | 'addrv2';

const converters: { readonly [C in Control]: Convert<C> } = {
  version: (message, now) => ({
    type: 'wire.version',
    at: now.at,
    version: message.version,
    services: message.services,
    timeoffset: secondsOf(message.timestamp) - now.unix(),
    nonce: message.nonce ?? versionDefaults.nonce,
    subver: sanitize(message.user_agent ?? versionDefaults.user_agent),
    startingheight: message.start_height ?? versionDefaults.start_height,
    relaytxes: message.relay ?? versionDefaults.relay,
    addrlocal: addressText(message.addr_recv),
    ownnonce: now.isDialling(message.nonce ?? versionDefaults.nonce),
  }),
  verack: (_, now) => ({ type: 'wire.verack', at: now.at, nonce: now.draw() }),
  wtxidrelay: () => ({ type: 'wire.wtxidrelay' }),
  sendaddrv2: () => ({ type: 'wire.sendaddrv2' }),
  sendtxrcncl: () => ({ type: 'wire.sendtxrcncl' }),
  feature: (message) => ({ type: 'wire.feature', id: sanitize(message.featureid), valid: true }),
  sendheaders: () => ({ type: 'wire.sendheaders' }),
  sendcmpct: ({ announce, version }) => ({ type: 'wire.sendcmpct', announce, version }),
  feefilter: ({ feerate }) => ({ type: 'wire.feefilter', feerate }),
  ping: ({ nonce }) => ({ type: 'wire.ping', nonce: nonce ?? '' }),
  pong: ({ nonce }, now) => ({ type: 'wire.pong', at: now.at, nonce: nonce ?? '' }),
  reject: (message) => ({ type: 'wire.reject', reject: rejectText(message) }),
  getaddr: () => ({ type: 'wire.getaddr' }),
  addr: ({ addresses }) => ({ type: 'wire.addr', count: addresses.length }),
  addrv2: ({ addresses }) => ({ type: 'wire.addr', count: addresses.length }),
};

/** The names of BIP61's codes. */
const REJECT_CODES: Readonly<Record<number, string>> = {
  0x01: 'malformed',
  0x10: 'invalid',
  0x11: 'obsolete',
  0x12: 'duplicate',
  0x40: 'nonstandard',
  0x41: 'dust',
  0x42: 'insufficientfee',
  0x43: 'checkpoint',
};

/** For example `version obsolete: Version must be 70015 or greater`. Printable ASCII, at most {@link MAX_REJECT_TEXT} characters. */
function rejectText({ message, ccode, reason }: MessageOf<'reject'>): string {
  const code = REJECT_CODES[ccode] ?? `code ${ccode}`;
  const text = sanitize(reason);
  return `${sanitize(message)} ${code}${text === '' ? '' : `: ${text}`}`.slice(0, MAX_REJECT_TEXT);
}

/** `host:port`; empty for an all-zero address, which means "not given". */
function addressText({ ip, port }: MessageOf<'version'>['addr_recv']): string {
  if (ip.every((byte) => byte === 0)) return '';
  return formatEndpoint({ host: formatAddress(fromLegacy(ip)), port });
}

/** Decodes a signed 64-bit number of seconds. Core reads negative ones as 0. */
const secondsOf = (hex: string): number => Math.max(0, Number(signedOf(hex)));

const isControl = (command: string): command is Control => Object.hasOwn(converters, command);

/** Why a data-plane payload cannot be decoded; undefined when it can. The fault is counted and reported, never sent to the machine. */
export function faultOf(command: string, payload: Uint8Array): CodecFault | undefined {
  const decoded = decodeMessage(command, payload);
  return decoded.ok ? undefined : decoded.fault;
}

/**
 * Converts a message into an event: `undefined` for data-plane traffic and unknown commands; `wire.dropped` for a payload
 * that cannot be decoded, except where a bad payload is itself a violation (BIP434 `feature`).
 */
export function messageToEvent(
  command: string,
  payload: Uint8Array,
  now: EventSources,
): PeerEvent | undefined {
  if (!isControl(command)) return undefined;
  const decoded = decodeMessage(command, payload);
  return decoded.ok ? eventOf(command, decoded.message, now) : faulty(command, payload, decoded.fault, now);
}

const eventOf = (command: Control, message: unknown, now: EventSources): PeerEvent =>
  (converters[command] as (message: unknown, now: EventSources) => PeerEvent)(message, now);

/** Bytes of a `version` (version to addr_recv) that Core processes before it parses the rest, and so acts on even when the rest is malformed. */
const VERSION_HEAD = 46;

function faulty(command: Control, payload: Uint8Array, fault: CodecFault, now: EventSources): PeerEvent {
  if (isStrict(command)) return { type: 'wire.feature', id: '', valid: false };
  const head = command === 'version' && decodeMessage(command, payload.subarray(0, VERSION_HEAD));
  if (!head || !head.ok) return { type: 'wire.dropped', code: fault.code, command };
  return { ...eventOf(command, head.message, now), fault: fault.code } as PeerEvent;
}
