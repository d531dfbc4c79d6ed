/**
 * Recognises messages that use a service which our `version` did not offer. Bitcoin Core closes such connections
 * (net_processing.cpp, `ProcessMessage`: MEMPOOL and FILTERLOAD without NODE_BLOOM, GETCFILTERS, TX and INV with relay=0,
 * GETDATA of a filtered block).
 */
import { hasServices } from '../services.js';
import { countOf, factsOf, servicesOf } from '../wire/index.js';
import type { Identity } from './outgoing-messages.js';

const BLOOM = servicesOf('BLOOM');
const COMPACT_FILTERS = servicesOf('COMPACT_FILTERS');

interface Requirement {
  readonly services: string;
  /** Shortest valid payload, bytes. Core parses the payload before it checks the services, so a shorter one is ignored. */
  readonly size: number;
}

/** Commands that a peer may only send when our `version` has the service bit. */
const REQUIREMENTS: Readonly<Record<string, Requirement>> = {
  mempool: { services: BLOOM, size: 0 },
  filterload: { services: BLOOM, size: 0 },
  filteradd: { services: BLOOM, size: 0 },
  filterclear: { services: BLOOM, size: 0 },
  getcfilters: { services: COMPACT_FILTERS, size: 37 },
  getcfheaders: { services: COMPACT_FILTERS, size: 37 },
  getcfcheckpt: { services: COMPACT_FILTERS, size: 33 },
};

const MSG_TX = 1;
const MSG_FILTERED_BLOCK = 3;
const MSG_WTX = 5;
const MSG_WITNESS_TX = 0x40000001;

/** The negotiated options that decide which transaction messages the peer may send. */
export interface NegotiatedRelay {
  /** Our `version` asked for transactions (BIP37). */
  readonly relay: boolean;
  /** The peer sent `wtxidrelay` (BIP339). */
  readonly wtxidrelay: boolean;
}

/** Whether a message was introduced in a later protocol version than the one we announce: we treat it as unknown then. */
export const isLaterThan = (version: number, command: string): boolean =>
  (factsOf(command)?.since ?? 0) > version;

/** Whether this message requests, or belongs to, a service that we did not offer. */
export function isUnoffered(
  command: string,
  payload: Uint8Array,
  identity: Identity,
  { relay, wtxidrelay }: NegotiatedRelay,
): boolean {
  const required = REQUIREMENTS[command];
  if (required) return payload.length >= required.size && !hasServices(identity.services, required.services);
  if (command === 'tx') return !relay;
  if (command === 'inv')
    return !relay && mentions(command, payload, (type) => isAnnouncement(type, wtxidrelay));
  if (command !== 'getdata' || hasServices(identity.services, BLOOM)) return false;
  return mentions(command, payload, (type) => type === MSG_FILTERED_BLOCK);
}

/** Core ignores the transaction type that was not negotiated, and compares the whole type (`CInv::IsGenTxMsg`). */
const isAnnouncement = (type: number, wtxidrelay: boolean): boolean =>
  type === MSG_WITNESS_TX || type === (wtxidrelay ? MSG_WTX : MSG_TX);

/** Whether a complete inventory list (CompactSize count; then per entry a little-endian u32 type and a 32-byte hash) contains a wanted type. */
function mentions(command: string, payload: Uint8Array, wanted: (type: number) => boolean): boolean {
  const count = countOf(command, payload)?.count ?? 0;
  const start = payload[0] === 0xfd ? 3 : 1;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let i = 0; i < count; i++) {
    if (wanted(view.getUint32(start + 36 * i, true))) return true;
  }
  return false;
}
