/**
 * Which messages use a service that our `version` did not offer. Bitcoin Core closes such connections (net_processing.cpp,
 * ProcessMessage: MEMPOOL and FILTERLOAD without NODE_BLOOM, GETCFILTERS, TX and INV with relay=0, GETDATA of a filtered block).
 */
import { hasServices } from '../services.js';
import { countOf, factsOf } from '../wire/index.js';
import type { Identity } from './outgoing-messages.js';

const BLOOM = '0000000000000004';
const COMPACT_FILTERS = '0000000000000040';

interface Need {
  readonly services: string;
  /** Core parses before it judges: a shorter payload is ignored. */
  readonly size: number;
}

/** Commands that need a service bit of ours. */
const NEEDS: Readonly<Record<string, Need>> = {
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

/** What is negotiated with one peer, as far as it decides what the peer may send. */
export interface NegotiatedRelay {
  /** Our `version` asked for transactions (BIP37). */
  readonly relay: boolean;
  /** The peer sent `wtxidrelay` (BIP339). */
  readonly wtxidrelay: boolean;
}

/** Whether a message came with a later protocol version than the one we announce: then we do not know it. */
export const isLaterThan = (version: number, command: string): boolean =>
  (factsOf(command)?.since ?? 0) > version;

/** Whether this message requests, or belongs to, a service that we did not offer. */
export function isUnoffered(
  command: string,
  payload: Uint8Array,
  identity: Identity,
  { relay, wtxidrelay }: NegotiatedRelay,
): boolean {
  const need = NEEDS[command];
  if (need) return payload.length >= need.size && !hasServices(identity.services, need.services);
  if (command === 'tx') return !relay;
  if (command === 'inv')
    return !relay && mentions(command, payload, (type) => isAnnouncement(type, wtxidrelay));
  if (command !== 'getdata' || hasServices(identity.services, BLOOM)) return false;
  return mentions(command, payload, (type) => type === MSG_FILTERED_BLOCK);
}

/** Core skips the transaction type that was not negotiated, and compares exactly (CInv::IsGenTxMsg). */
const isAnnouncement = (type: number, wtxidrelay: boolean): boolean =>
  type === MSG_WITNESS_TX || type === (wtxidrelay ? MSG_WTX : MSG_TX);

/** Whether a whole inventory list (CompactSize count, then u32 type and 32 bytes each) holds such a type. */
function mentions(command: string, payload: Uint8Array, wanted: (type: number) => boolean): boolean {
  const count = countOf(command, payload)?.count ?? 0;
  const start = payload[0] === 0xfd ? 3 : 1;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let i = 0; i < count; i++) {
    if (wanted(view.getUint32(start + 36 * i, true))) return true;
  }
  return false;
}
