/** The table for CSV and Parquet: one row per contacted address, with the column names of p2p-crawler. */
import { endpointOf } from '../addr-text.js';
import type { NodeRecord, Snapshot } from '../snapshot.js';
import { v2Label } from '../comparisons.js';

export type Cell = string | number | bigint | boolean | null;

/** The columns of p2p-crawler in its order and units, then those of this program. */
export const COLUMNS = [
  ...['host', 'port', 'network', 'seed_distance', 'handshake_timestamp', 'time_connect'],
  ...[
    'handshake_attempts',
    'handshake_successful',
    'handshake_duration',
    'version',
    'services',
    'user_agent',
  ],
  ...['latest_block', 'relay', 'version_reply_timestamp_remote', 'requested_addrs', 'advertised_addrs_total'],
  ...[
    'advertised_addrs_ipv4',
    'advertised_addrs_ipv6',
    'advertised_addrs_onion_v2',
    'advertised_addrs_onion_v3',
  ],
  ...['advertised_addrs_i2p', 'advertised_addrs_cjdns', 'outcome', 'reason', 'transport', 'v2', 'vantage'],
] as const;

const NETWORKS: Readonly<Record<string, string>> = { onion: 'onion_v3' };

function handshake({ last, lastAnswered, contacts }: NodeRecord): Record<string, Cell> {
  const attempt = lastAnswered ?? last;
  const { connect, version, verack } = attempt.phases;
  return {
    handshake_timestamp: Math.floor(attempt.t / 1_000),
    time_connect: connect ?? null,
    handshake_attempts: contacts.length,
    handshake_successful: lastAnswered !== undefined,
    handshake_duration: version === undefined || verack === undefined ? null : version + verack,
    outcome: attempt.outcome,
    reason: attempt.reason.code,
    transport: attempt.transport ?? null,
    v2: lastAnswered ? v2Label(lastAnswered) : null,
    vantage: attempt.vantage,
  };
}

function versionCells({ lastAnswered }: NodeRecord): Record<string, Cell> {
  const peer = lastAnswered?.peer;
  if (!lastAnswered || !peer) return {};
  return {
    version: peer.version,
    services: BigInt(`0x${peer.services}`),
    user_agent: peer.subver,
    latest_block: peer.startingheight,
    relay: peer.relaytxes,
    version_reply_timestamp_remote: Math.floor(lastAnswered.t / 1_000) + peer.timeoffset,
  };
}

function advertised({ advertised: { networks }, lastAnswered }: NodeRecord): Record<string, Cell> {
  const count = (network: string): number => networks[network] ?? 0;
  return {
    requested_addrs: lastAnswered !== undefined,
    advertised_addrs_total: Object.values(networks).reduce((sum, number) => sum + number, 0),
    advertised_addrs_ipv4: count('ipv4'),
    advertised_addrs_ipv6: count('ipv6'),
    // Tor v2 is obsolete: Core and this program count it as not routable.
    advertised_addrs_onion_v2: 0,
    advertised_addrs_onion_v3: count('onion'),
    advertised_addrs_i2p: count('i2p'),
    advertised_addrs_cjdns: count('cjdns'),
  };
}

/** The rows, in the order of the addresses. Unknown values are null. */
export function tableOf(snapshot: Snapshot): Record<string, Cell>[] {
  const nodes = [...snapshot.nodes.values()].sort((a, b) => (a.addr < b.addr ? -1 : 1));
  return nodes.map((node) => {
    const cells: Record<string, Cell> = {
      ...endpointOf(node.addr),
      network: NETWORKS[node.network] ?? node.network,
      seed_distance: node.distance,
      ...handshake(node),
      ...versionCells(node),
      ...advertised(node),
    };
    return Object.fromEntries(COLUMNS.map((column) => [column, cells[column] ?? null]));
  });
}
