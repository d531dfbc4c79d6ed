/** A peer as a frozen snapshot with the keys of `getpeerinfo`, computed when it is read. */
import { type ConnectionType, type Deadline, nextDeadline, type PeerContext } from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Reason } from '../reasons.js';
import { type AddressNetwork, networkOfAddress, servicesnames } from '../wire/index.js';
import type { PeerRecord, PeerState } from '../connection/peer-record.js';

/**
 * A snapshot of a peer. Keys and units are those of Bitcoin Core's `getpeerinfo`, as far as they apply to a node without a block
 * chain: times in seconds; `conntime`, `lastsend` and `lastrecv` as UNIX time, 0 for never. The keys from `state` on are not in Core.
 */
export interface PeerInfo {
  readonly id: number;
  readonly addr: string;
  readonly addrbind: string;
  /** Our address in the peer's `version`, `host:port`; absent when the peer left it zero. */
  readonly addrlocal?: string;
  readonly network: AddressNetwork;
  readonly services: string;
  readonly servicesnames: readonly string[];
  readonly relaytxes: boolean;
  readonly lastsend: number;
  readonly lastrecv: number;
  readonly bytessent: number;
  readonly bytesrecv: number;
  readonly conntime: number;
  readonly timeoffset: number;
  /** Last and shortest round trip of a ping, seconds; absent before the first pong. */
  readonly pingtime?: number;
  readonly minping?: number;
  /** Seconds since an unanswered ping was sent; absent when none is unanswered. */
  readonly pingwait?: number;
  readonly version: number;
  readonly subver: string;
  readonly inbound: boolean;
  readonly bip152_hb_from: boolean;
  readonly startingheight: number;
  /** BTC per 1,000 virtual bytes. */
  readonly minfeefilter: number;
  readonly bytessent_per_msg: Readonly<Record<string, number>>;
  readonly bytesrecv_per_msg: Readonly<Record<string, number>>;
  readonly connection_type: ConnectionType;
  /** `detecting` until the first bytes have decided for v1, or the key exchange is complete. */
  readonly transport_protocol_type: 'v1' | 'v2' | 'detecting';
  /** 64 hex digits on v2, the same on both sides; empty otherwise. */
  readonly session_id: string;
  /** The transport of the previous connection to this address; absent when this process had none. */
  readonly lasttransport?: 'v1' | 'v2';

  /** The state of the peer machine. */
  readonly state: PeerState;
  /** Seconds since the state was entered. */
  readonly timeinstate: number;
  /** The next timeout, and the seconds until then; absent once the connection has ended. */
  readonly nextdeadline?: { readonly what: Deadline['what']; readonly in: number };
  /** Why this connection ended; while it is open, why the previous one to this address ended. */
  readonly lastreason?: Reason;
  /** The options that the peer announced: commands (`wtxidrelay`, …), and `feature:<id>` for each BIP434 id (at most 64). */
  readonly negotiated: readonly string[];
  /** Number of dropped messages, by reason code. */
  readonly dropped: Readonly<Record<string, number>>;
  /**
   * Durations, milliseconds: from creation to an open link, from there to the peer's `version` (a key exchange included), from there
   * to its `verack`.
   */
  readonly phases: { readonly connect?: number; readonly version?: number; readonly verack?: number };
}

/** The node's monotonic clock and the wall clock, read at the same time, milliseconds. */
export interface ClockReading {
  readonly now: number;
  readonly wall: number;
}

/** How the previous connection to the same address ended, and its transport. */
export interface PreviousConnection {
  readonly reason?: Reason | undefined;
  readonly transport?: 'v1' | 'v2' | undefined;
}

type Draft = { -readonly [K in keyof PeerInfo]: PeerInfo[K] };

/**
 * The snapshot of one row, deeply frozen. `before`: the previous connection to the address; `end`: why the connection ended. One
 * object literal, because it is built for every connection that ends, and spreads would cost more.
 */
export function peerInfoOf(
  row: PeerRecord,
  { now, wall }: ClockReading,
  before: PreviousConnection,
  end?: Reason,
): PeerInfo {
  const { context, traffic, transport, remote, local } = row;
  const unix = (at: number): number => Math.floor((wall - (now - at)) / 1_000);
  const info: Draft = {
    id: row.id,
    addr: row.addr,
    addrbind: local ? formatEndpoint(local) : '',
    network: networkOfAddress(remote.host),
    services: context.services,
    servicesnames: Object.freeze(servicesnames(context.services)),
    relaytxes: context.relaytxes,
    lastsend: traffic.bytessent > 0 ? unix(traffic.lastsend) : 0,
    lastrecv: traffic.bytesrecv > 0 ? unix(traffic.lastrecv) : 0,
    bytessent: traffic.bytessent,
    bytesrecv: traffic.bytesrecv,
    conntime: row.conntime,
    timeoffset: context.timeoffset,
    version: context.version,
    subver: context.subver,
    inbound: row.inbound,
    bip152_hb_from: context.sendcmpct === 1,
    startingheight: context.startingheight,
    minfeefilter: Number.parseInt(context.minfeefilter, 16) / 1e8,
    bytessent_per_msg: Object.freeze(traffic.sent),
    bytesrecv_per_msg: Object.freeze(traffic.received),
    connection_type: row.connection_type,
    transport_protocol_type: transport.type,
    session_id: transport.type === 'v2' ? transport.session_id : '',
    state: row.state,
    timeinstate: seconds(now - row.stateat),
    negotiated: Object.freeze(negotiated(context)),
    dropped: Object.freeze(traffic.dropped),
    phases: Object.freeze(phases(row, context)),
  };
  if (context.addrlocal !== '') info.addrlocal = context.addrlocal;
  addPings(info, context, now);
  addPast(info, row.reason ?? before.reason, before.transport, end);
  if (!isOver(row)) info.nextdeadline = inSeconds(nextDeadline(row.state, context, row.moments), now);
  return Object.freeze(info);
}

function addPings(info: Draft, { pingtime, minping, pingnonce, pingsentat }: PeerContext, now: number): void {
  if (pingtime >= 0) info.pingtime = seconds(pingtime);
  if (pingtime >= 0) info.minping = seconds(minping);
  if (pingnonce !== '') info.pingwait = seconds(now - pingsentat);
}

function addPast(
  info: Draft,
  last: Reason | undefined,
  lasttransport: PreviousConnection['transport'],
  end?: Reason,
): void {
  const reason = end ?? last;
  if (reason)
    info.lastreason = Object.freeze({ code: reason.code, facts: Object.freeze({ ...reason.facts }) });
  if (lasttransport) info.lasttransport = lasttransport;
}

const isOver = (row: PeerRecord): boolean => row.state === 'failed' || row.state === 'closed';

/** Milliseconds, rounded to microseconds. */
const micro = (ms: number): number => Math.round(ms * 1_000) / 1_000;

const seconds = (ms: number): number => Math.round(ms * 1_000) / 1_000_000;

const inSeconds = ({ what, at }: Deadline, now: number) => Object.freeze({ what, in: seconds(at - now) });

function negotiated(context: PeerContext): string[] {
  const words: string[] = [];
  if (context.wtxidrelay) words.push('wtxidrelay');
  if (context.sendaddrv2) words.push('sendaddrv2');
  if (context.sendheaders) words.push('sendheaders');
  if (context.sendcmpct >= 0) words.push('sendcmpct');
  for (const id of context.features) words.push(`feature:${id}`);
  return words;
}

function phases(
  row: PeerRecord,
  { connectedat, openedat, versionat, establishedat }: PeerContext,
): PeerInfo['phases'] {
  const start = connectedat < 0 ? openedat : connectedat;
  const known: { -readonly [K in keyof PeerInfo['phases']]: PeerInfo['phases'][K] } = {};
  if (row.linkedat >= 0) known.connect = micro(row.linkedat - row.createdat);
  if (versionat >= 0) known.version = micro(versionat - start);
  if (establishedat >= 0) known.verack = micro(establishedat - versionat);
  return known;
}
