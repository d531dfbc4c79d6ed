/**
 * Selects which of our addresses is announced to a peer: one that we listen on, or the one in the peer's `version` (Core:
 * `GetLocalAddrForPeer`, `IsPeerAddrLocalGood`).
 */
import { parseEndpoint } from '../net/endpoint.js';
import type { Endpoint } from '../net/link.js';
import { type NetAddress, networkOfAddress, parseAddress } from '../wire/index.js';

/** The addresses of both ends of the connection. */
export interface AnnouncedTo {
  readonly inbound: boolean;
  readonly remote: Endpoint;
  readonly local: Endpoint | undefined;
  /** Our address in the peer's `version`, `host:port`; empty when it is unknown. */
  readonly addrlocal: string;
}

const isPublic = (host: string): boolean => networkOfAddress(host) !== 'not_publicly_routable';
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** The address of a listener, or the connection's local address when a listener is bound to the wildcard address. */
function ownAddress({ remote, local }: AnnouncedTo, listening: readonly Endpoint[]): Endpoint | undefined {
  const fixed = listening.filter(({ host }) => isPublic(host));
  const network = networkOfAddress(remote.host);
  const same = fixed.find(({ host }) => networkOfAddress(host) === network) ?? fixed[0];
  if (same) return same;
  const open = listening.find(({ host }) => isWildcard(host));
  return open && local && isPublic(local.host) ? { host: local.host, port: open.port } : undefined;
}

/** The address that the peer reports. An inbound peer has dialled the reported port; an outbound peer reports an ephemeral one, so ours replaces it. */
function seenAddress(peer: AnnouncedTo, port: number): Endpoint | undefined {
  if (peer.addrlocal === '' || !isPublic(peer.remote.host)) return undefined;
  const { host, port: seen } = parseEndpoint(peer.addrlocal, port, { allowZero: true });
  if (!isPublic(host)) return undefined;
  return { host, port: peer.inbound ? seen : port };
}

/**
 * The address to announce; undefined when we do not listen, or none of our public addresses is known.
 *
 * @param draw - a random number in [0, 1): below 0.5 the address that the peer reports is preferred
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
