/**
 * One `addr` or `addrv2` message as data: which addresses a node advertised, and when. Empty, malformed and excessive
 * replies are distinguished, because they mean different things.
 */
import { formatEndpoint } from '../index.js';
import { decodeMessage, formatAddress, fromLegacy, type Message } from '../wire/index.js';

/** An advertised address: `host:port`, the time that was sent with it (UNIX seconds), its service bits (hex). */
export type AdvertisedAddress = readonly [addr: string, time: number, services: string];

/** `complete`: decoded whole; `empty`: no entry; `malformed`: could not be decoded; `excess`: more entries than allowed. */
export type ReplyStatus = 'complete' | 'empty' | 'malformed' | 'excess';

export interface Reply {
  /** UNIX time in milliseconds at which it came. */
  readonly t: number;
  readonly command: 'addr' | 'addrv2';
  readonly status: ReplyStatus;
  readonly addresses: readonly AdvertisedAddress[];
  /** Bytes of the payload. */
  readonly bytes: number;
}

/** Entries that a node may send in one message (Core: MAX_ADDR_TO_SEND). */
const MAX_ENTRIES = 1_000;

type Entries = Extract<Message, { command: 'addr' | 'addrv2' }>['addresses'];

/** Reads a payload. Never throws. */
export function readReply(command: 'addr' | 'addrv2', payload: Uint8Array, t: number): Reply {
  const base = { t, command, bytes: payload.length };
  const decoded = decodeMessage(command, payload);
  if (!decoded.ok) {
    const status = decoded.fault.code === 'ERR_CODEC_RANGE' ? 'excess' : 'malformed';
    return { ...base, status, addresses: [] };
  }
  const { addresses } = decoded.message as { readonly addresses: Entries };
  if (addresses.length > MAX_ENTRIES) return { ...base, status: 'excess', addresses: [] };
  const status = addresses.length === 0 ? 'empty' : 'complete';
  return { ...base, status, addresses: addresses.map(advertisedAddress) };
}

function advertisedAddress(entry: Entries[number]): AdvertisedAddress {
  const host = 'ip' in entry ? hostOf(entry.ip) : formatAddress(entry);
  return [formatEndpoint({ host, port: entry.port }), entry.time, shortServices(entry.services)];
}

const SERVICES = new Map<string, string>();
const MAX_SERVICES = 1_024;

/** Service bits without leading zeros. Few combinations are in use: each is one string, not one for each address. */
function shortServices(services: string): string {
  const known = SERVICES.get(services);
  if (known !== undefined) return known;
  const short = services.replace(/^0+(?=.)/, '');
  if (SERVICES.size < MAX_SERVICES) SERVICES.set(services, short);
  return short;
}

/** IPv4 inside IPv6 is most of the gossip: its text needs no look at the other forms. */
function hostOf(ip: Uint8Array): string {
  if (ip[10] === 0xff && ip[11] === 0xff && ip[0] === 0 && ip[9] === 0) {
    if (ip.subarray(0, 10).every((byte) => byte === 0)) return `${ip[12]}.${ip[13]}.${ip[14]}.${ip[15]}`;
  }
  return formatAddress(fromLegacy(ip));
}
