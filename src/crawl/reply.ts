/**
 * Decodes one `addr` or `addrv2` message: which addresses a node advertised, and when. Empty, malformed and excessive replies
 * have different statuses.
 */
import { formatEndpoint } from '../index.js';
import { decodeMessage, formatAddress, fromLegacy, type Message } from '../wire/index.js';

/** An advertised address: `host:port`, the time that was sent with it (UNIX seconds), its service bits (hex). */
export type AdvertisedAddress = readonly [addr: string, time: number, services: string];

/** `complete`: at least one entry; `empty`: no entry; `malformed`: could not be decoded; `excess`: more entries than allowed. */
export type ReplyStatus = 'complete' | 'empty' | 'malformed' | 'excess';

/** A message with addresses. */
export interface Reply {
  /** UNIX time at which it was received, milliseconds. */
  readonly t: number;
  readonly command: 'addr' | 'addrv2';
  readonly status: ReplyStatus;
  readonly addresses: readonly AdvertisedAddress[];
  /** Bytes of the payload. */
  readonly bytes: number;
}

/** Most entries in one message (Core: `MAX_ADDR_TO_SEND`). */
const MAX_ENTRIES = 1_000;

type Entries = Extract<Message, { command: 'addr' | 'addrv2' }>['addresses'];

/** Decodes a payload that was received at `t`. Never throws. */
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
  const bytes = 'ip' in entry ? entry.ip : entry.addr;
  const host = mappedHostOf(bytes) ?? formatAddress('ip' in entry ? fromLegacy(entry.ip) : entry);
  return [formatEndpoint({ host, port: entry.port }), entry.time, shortServices(entry.services)];
}

const SERVICES = new Map<string, string>();
const MAX_SERVICES = 1_024;

/** Service bits without leading zeros. Few combinations are in use, so each is one shared string, to save memory. */
function shortServices(services: string): string {
  const known = SERVICES.get(services);
  if (known !== undefined) return known;
  const short = services.replace(/^0+(?=.)/, '');
  if (SERVICES.size < MAX_SERVICES) SERVICES.set(services, short);
  return short;
}

/**
 * The IPv4 address in an IPv4-mapped IPv6 address; undefined for other bytes. `addr` contains all IPv4 addresses in this form. In
 * `addrv2` Core ignores such an entry; here it counts as the IPv4 address, which can be dialled.
 */
function mappedHostOf(ip: Uint8Array): string | undefined {
  if (ip.length !== 16 || ip[10] !== 0xff || ip[11] !== 0xff) return undefined;
  if (ip.subarray(0, 10).some((byte) => byte !== 0)) return undefined;
  return `${ip[12]}.${ip[13]}.${ip[14]}.${ip[15]}`;
}
