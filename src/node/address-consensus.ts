/** How the peers see this node: the addresses that they put into their `version`, with the number of peers for each. */
import { parseEndpoint } from '../net/endpoint.js';
import { type AddressNetwork, networkOfAddress } from '../wire/index.js';
import type { PeerInfo } from './peerinfo.js';

/** As in Core's `getnetworkinfo`; there is no port, because an outbound peer sees one of the moment. */
export interface LocalAddress {
  readonly address: string;
  readonly network: AddressNetwork;
  /** Peers that see this address. */
  readonly score: number;
}

/** The addresses in the `addrlocal` of established peers; the one that most of them see is the first. Empty when none has sent one. */
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
