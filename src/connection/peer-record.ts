/** The read-only view of a connection from which the peer tracker builds `getpeerinfo` rows. */
import type { ConnectionType, Moments, PeerContext } from '../../machines/index.js';
import type { Endpoint } from '../net/link.js';
import type { Reason } from '../reasons.js';
import type { Traffic } from './traffic.js';

/** The leaf state of a peer machine: for `{ handshaking: 'versionSent' }` it is `versionSent`. */
export type PeerState =
  'connecting' | 'awaitingVersion' | 'versionSent' | 'versionReceived' | 'established' | 'failed' | 'closed';

/** The data of one `getpeerinfo` row. Timestamps (`…at`) are milliseconds of the node's monotonic clock. */
export interface PeerRecord {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly inbound: boolean;
  readonly remote: Endpoint;
  /** `remote` as text. */
  readonly addr: string;
  readonly local: Endpoint | undefined;
  readonly transport: { readonly type: 'v1' | 'v2' | 'detecting'; readonly session_id: string };
  readonly context: PeerContext;
  readonly traffic: Traffic;
  /** UNIX time, seconds. */
  readonly conntime: number;
  /** When the connection object was created. */
  readonly createdat: number;
  /** When the link opened; -1 before. */
  readonly linkedat: number;
  /** When the current state was entered. */
  readonly stateat: number;
  readonly state: PeerState;
  readonly moments: Moments;
  /** Why the connection ended; undefined while it is open. The fact `state` is the state in which it ended. */
  readonly reason: Reason | undefined;
}

/**
 * Copies only what a report of an ended connection needs: the tracker keeps the last 1,000 of them, and a connection
 * with its actor is ten times as large. `traffic` is shared, not copied.
 */
export const finalRecordOf = (row: PeerRecord): PeerRecord => ({
  id: row.id,
  connection_type: row.connection_type,
  inbound: row.inbound,
  remote: row.remote,
  addr: row.addr,
  local: row.local,
  transport: { type: row.transport.type, session_id: row.transport.session_id },
  context: row.context,
  traffic: row.traffic,
  conntime: row.conntime,
  createdat: row.createdat,
  linkedat: row.linkedat,
  stateat: row.stateat,
  state: row.state,
  moments: row.moments,
  reason: row.reason,
});
