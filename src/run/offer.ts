/**
 * Who uses what our `version` did not offer. Bitcoin Core closes such connections (net_processing.cpp: mempool without
 * NODE_BLOOM, filterload, getcfilters, a transaction to a node that said relay=0, a filtered block).
 */
import { hasServices } from '../services.js';
import type { Identity } from './announce.js';

const BLOOM = '0000000000000004';
const COMPACT_FILTERS = '0000000000000040';

/** Commands that need a service bit of ours. */
const NEEDS: Readonly<Record<string, string>> = {
  mempool: BLOOM,
  filterload: BLOOM,
  filteradd: BLOOM,
  filterclear: BLOOM,
  getcfilters: COMPACT_FILTERS,
  getcfheaders: COMPACT_FILTERS,
  getcfcheckpt: COMPACT_FILTERS,
};

const MSG_TX = 1;
const MSG_FILTERED_BLOCK = 3;
const MSG_WTX = 5;
const WITNESS_FLAG = 0x40000000;

/** Whether this message asks for, or brings, something that we did not offer. */
export function isUnoffered(
  command: string,
  payload: Uint8Array,
  identity: Identity,
  relay: boolean,
): boolean {
  const needed = NEEDS[command];
  if (needed !== undefined) return !hasServices(identity.services, needed);
  if (command === 'tx') return !relay;
  if (command === 'inv') return !relay && mentions(payload, (type) => type === MSG_TX || type === MSG_WTX);
  if (command !== 'getdata' || hasServices(identity.services, BLOOM)) return false;
  return mentions(payload, (type) => type === MSG_FILTERED_BLOCK);
}

/** Whether an inventory list (CompactSize count, then u32 type and 32 bytes each) holds such a type. */
function mentions(payload: Uint8Array, wanted: (type: number) => boolean): boolean {
  const start = payload[0] === 0xfd ? 3 : 1;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let at = start; at + 36 <= payload.length; at += 36) {
    if (wanted(view.getUint32(at, true) & ~WITNESS_FLAG)) return true;
  }
  return false;
}
