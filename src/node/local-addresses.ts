/** Our own addresses as peers report them in the `addr_recv` field of their `version`, with the number of peers for each. */
import { parseEndpoint } from '../net/endpoint.js';
import { type AddressNetwork, networkOfAddress } from '../wire/index.js';
import type { PeerInfo } from './peerinfo.js';

/** As in Core's `getnetworkinfo`, without the port: an outbound peer sees the ephemeral port of our connection. */
export interface LocalAddress {
  readonly address: string;
  readonly network: AddressNetwork;
  /** Number of established peers that report this address. */
  readonly score: number;
}

/** The addresses in the `addrlocal` of established peers, the most reported one first. Empty when no peer reports one. */
export function localAddresses(peers: readonly PeerInfo[]): LocalAddress[] {
  const scores = new Map<string, number>();
  for (const { state, addrlocal } of peers) {
    if (state !== 'established' || addrlocal === undefined) continue;
    const { host } = parseEndpoint(addrlocal, 0, { allowZero: true });
    scores.set(host, (scores.get(host) ?? 0) + 1);
  }
  return [...scores]
    .map(([address, score]) => ({ address, network: networkOfAddress(address), score }))
    .sort((a, b) => b.score - a.score);
}
