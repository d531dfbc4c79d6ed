/**
 * Which of our addresses is announced to a peer: one that we listen on, or ours as the peer sees it (Core: `GetLocalAddrForPeer`,
 * `IsPeerAddrLocalGood`).
 */
import { parseEndpoint } from '../net/endpoint.js';
import type { Endpoint } from '../net/link.js';
import { type NetAddress, networkOfAddress, parseAddress } from '../wire/index.js';

/** Our end of the connection, and the peer's. */
export interface AnnouncedTo {
  readonly inbound: boolean;
  readonly remote: Endpoint;
  readonly local: Endpoint | undefined;
  /** Our address as the peer sees it, `host:port`; empty when it is unknown. */
  readonly addrlocal: string;
}

const isPublic = (host: string): boolean => networkOfAddress(host) !== 'not_publicly_routable';
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** The address of a listener, or that of the local interface where a listener takes every address. */
function ownAddress({ remote, local }: AnnouncedTo, listening: readonly Endpoint[]): Endpoint | undefined {
  const fixed = listening.filter(({ host }) => isPublic(host));
  const network = networkOfAddress(remote.host);
  const same = fixed.find(({ host }) => networkOfAddress(host) === network) ?? fixed[0];
  if (same) return same;
  const open = listening.find(({ host }) => isWildcard(host));
  return open && local && isPublic(local.host) ? { host: local.host, port: open.port } : undefined;
}

/** An inbound peer reached us at the port that it reports; an outbound peer reports an ephemeral port. */
function seenAddress(peer: AnnouncedTo, port: number): Endpoint | undefined {
  if (peer.addrlocal === '' || !isPublic(peer.remote.host)) return undefined;
  const { host, port: seen } = parseEndpoint(peer.addrlocal, port, { allowZero: true });
  if (!isPublic(host)) return undefined;
  return { host, port: peer.inbound ? seen : port };
}

/**
 * The address to announce; undefined when we do not listen, or no public address of ours is known.
 *
 * @param draw - a random number in [0, 1): below 0.5 the address that the peer sees is announced
 */
export function announcedAddress(
  peer: AnnouncedTo,
  listening: readonly Endpoint[],
  draw: number,
): (NetAddress & { readonly port: number }) | undefined {
  const [first] = listening;
  if (!first) return undefined;
  const own = ownAddress(peer, listening);
  const seen = seenAddress(peer, own?.port ?? first.port);
  const chosen = seen && (!own || draw < 0.5) ? seen : own;
  const parsed = chosen && parseAddress(chosen.host);
  return parsed?.ok ? { ...parsed.value, port: chosen!.port } : undefined;
}
