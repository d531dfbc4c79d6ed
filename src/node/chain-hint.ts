/**
 * A hint for a connection that opened but ended before a `version` was received. A node of another chain closes it or sends
 * nothing, and gives no reason (Core: a wrong magic ends the connection; over v2 nothing follows the key exchange).
 */
import { parseEndpoint } from '../net/endpoint.js';
import { type Chain, NETWORKS } from '../networks.js';
import { isLinkCode } from '../reasons.js';
import type { PeerInfo } from './peerinfo.js';

/** The same snapshot; when the default port of another chain was dialled, the fact `portof` of its reason names that chain. */
export function withChainHint(last: PeerInfo, { chain, port: usual }: Chain): PeerInfo {
  const { lastreason, version, phases, addr } = last;
  if (!lastreason || version > 0 || phases.connect === undefined) return last;
  if (!isLinkCode(lastreason.code) && lastreason.code !== 'ERR_TIME_HANDSHAKE') return last;
  const { port } = parseEndpoint(addr, usual, { allowZero: true });
  const portof =
    port === usual ? undefined : Object.values(NETWORKS).find((other) => other.port === port)?.chain;
  if (portof === undefined || portof === chain) return last;
  return { ...last, lastreason: { ...lastreason, facts: { ...lastreason.facts, portof } } };
}
