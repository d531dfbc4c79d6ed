/** One line of the page's table, from the tracker's snapshot of a peer. */
import type { PeerInfo } from '../index.js';
import { servicesLetters } from '../wire/index.js';
import type { Row } from './page/feed-messages.js';

export interface Reading {
  readonly key: string;
  /** When the snapshot was taken, milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** The peer's clock stands still. */
  readonly held: boolean;
}

export function rowOf(peer: PeerInfo, { key, at, held }: Reading): Row {
  const { id, inbound, connection_type, network, addr, version, subver, state } = peer;
  return {
    ...{ key, id, inbound, connection_type, network, addr, version, subver, state },
    services: servicesLetters(peer.services),
    transport: peer.transport_protocol_type,
    ...(peer.pingtime !== undefined && { pingtime: peer.pingtime * 1_000 }),
    ...(peer.minping !== undefined && { minping: peer.minping * 1_000 }),
    lastsend: peer.lastsend,
    lastrecv: peer.lastrecv,
    conntime: peer.conntime,
    highbandwidth: peer.bip152_hb_from,
    stateat: Math.round(at - peer.timeinstate * 1_000),
    ...(peer.nextdeadline && {
      next: { what: peer.nextdeadline.what, at: Math.round(at + peer.nextdeadline.in * 1_000) },
    }),
    ...(peer.lastreason && { reason: peer.lastreason }),
    ...(held && { heldat: at }),
  };
}
