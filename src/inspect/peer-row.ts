/** Converts a snapshot of a peer to a row of the page's table. */
import type { PeerInfo } from '../index.js';
import { servicesLetters } from '../wire/index.js';
import type { Row } from './page/feed-messages.js';

/** The circumstances of a snapshot. */
export interface Reading {
  readonly key: string;
  /** When the snapshot was taken, milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** Whether the clock of the node is held. */
  readonly held: boolean;
}

/** The row of a peer. */
export function rowOf(peer: PeerInfo, { key, at, held }: Reading): Row {
  const { id, inbound, connection_type, network, addr, version, subver, state } = peer;
  return {
    key,
    id,
    inbound,
    connection_type,
    network,
    addr,
    version,
    subver,
    state,
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
