/** The view of a connection that lists of peers are made from. */
import type { ConnectionType, Moments, PeerContext } from '../../machines/index.js';
import type { Endpoint } from '../net/link.js';
import type { Reason } from '../reasons.js';
import type { Traffic } from './traffic.js';

/** The leaf state of a peer machine. */
export type PeerState =
  'connecting' | 'awaitingVersion' | 'versionSent' | 'versionReceived' | 'established' | 'failed' | 'closed';

/** The facts from which `getpeerinfo`'s row is made. Moments (`…at`) are milliseconds of the node's monotonic clock. */
export interface PeerRecord {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly inbound: boolean;
  readonly remote: Endpoint;
  readonly local: Endpoint | undefined;
  readonly transport: { readonly type: 'v1' | 'v2' | 'detecting'; readonly session_id: string };
  readonly context: PeerContext;
  readonly traffic: Traffic;
  /** UNIX time, seconds. */
  readonly conntime: number;
  readonly bornat: number;
  readonly linkedat: number;
  readonly stateat: number;
  readonly state: PeerState;
  readonly moments: Moments;
  /** Why it ended, once it has; the facts begin with the state in which it ended. */
  readonly reason: Reason | undefined;
}

/**
 * What a report of an ended connection needs, and no more: the last thousand of them are kept, and a connection with its actor is ten times as
 * large. The traffic is shared, not copied.
 */
export const finalRecordOf = (row: PeerRecord): PeerRecord => ({
  id: row.id,
  connection_type: row.connection_type,
  inbound: row.inbound,
  remote: row.remote,
  local: row.local,
  transport: { type: row.transport.type, session_id: row.transport.session_id },
  context: row.context,
  traffic: row.traffic,
  conntime: row.conntime,
  bornat: row.bornat,
  linkedat: row.linkedat,
  stateat: row.stateat,
  state: row.state,
  moments: row.moments,
  reason: row.reason,
});
