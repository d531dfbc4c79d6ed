/**
 * The network groups of outbound connections. Automatic connections use each IPv4 or IPv6 group at most once, so that one
 * network operator cannot control all outbound peers (Core: `ThreadOpenConnections`).
 */
import type { ConnectionType } from '../../machines/index.js';
import type { Endpoint } from '../net/link.js';
import type { Netgroups } from '../net/netgroup.js';
import { networkOfNetAddress, parseAddress } from '../wire/index.js';

/** The part of a connection that decides its network group. */
export interface GroupedConnection {
  readonly connection_type: ConnectionType;
  readonly remote: Endpoint;
}

/** Types of long-lived outbound connections. Groups of manual connections are avoided too. */
const LASTING: readonly ConnectionType[] = ['manual', 'outbound-full-relay', 'block-relay-only'];

/** The group of a public IPv4 or IPv6 address; undefined for other networks and for addresses that are not public. */
export function outboundGroup(host: string, netgroups: Netgroups): string | undefined {
  const parsed = parseAddress(host);
  if (!parsed.ok) return undefined;
  const network = networkOfNetAddress(parsed.value);
  return network === 'ipv4' || network === 'ipv6' ? netgroups.keyOf(parsed.value) : undefined;
}

/** The groups of all long-lived connections in the list. */
export function takenGroups(
  connections: Iterable<GroupedConnection>,
  netgroups: Netgroups,
): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const { connection_type, remote } of connections) {
    const group = LASTING.includes(connection_type) ? outboundGroup(remote.host, netgroups) : undefined;
    if (group !== undefined) taken.add(group);
  }
  return taken;
}

/** Whether at least `count` of the connections are long-lived ones. Looks no further than it must: it is asked for every dial. */
export function hasLasting(connections: Iterable<GroupedConnection>, count: number): boolean {
  let left = count;
  for (const { connection_type } of connections)
    if (LASTING.includes(connection_type) && --left === 0) return true;
  return false;
}
