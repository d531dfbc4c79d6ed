/** A peer as a frozen snapshot, with the keys of `getpeerinfo`; computed when it is read. */
import { type ConnectionType, type Deadline, nextDeadline, type PeerContext } from '../../machines/index.js';
import { formatEndpoint } from '../net/endpoint.js';
import type { Reason } from '../reasons.js';
import { type AddressNetwork, networkOfAddress, servicesnames } from '../wire/index.js';
import type { PeerRecord, PeerState } from '../connection/peer-record.js';

/**
 * A peer at one moment. Keys and units are those of Bitcoin Core's `getpeerinfo`, as far as they apply to a node without a chain (times in seconds, `conntime`,
 * `lastsend`, `lastrecv` as UNIX time, 0 for never); the last block is ours.
 */
export interface PeerInfo {
  readonly id: number;
  readonly addr: string;
  readonly addrbind: string;
  /** Our address as the peer sees it; absent when it does not say. */
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
  /** Last and shortest round trip; absent before the first pong. */
  readonly pingtime?: number;
  readonly minping?: number;
  /** How long a ping has been waiting for its pong. */
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
  /** `detecting` until the first bytes have decided, or the key exchange is over. */
  readonly transport_protocol_type: 'v1' | 'v2' | 'detecting';
  /** 64 hex digits on v2, the same on both sides; empty otherwise. */
  readonly session_id: string;
  /** What the connection to this address before this one spoke; absent when there was none in this process. */
  readonly lasttransport?: 'v1' | 'v2';

  /** Where its machine is, and for how many seconds. */
  readonly state: PeerState;
  readonly timeinstate: number;
  /** What will happen by itself, and in how many seconds; absent once it has ended. */
  readonly nextdeadline?: { readonly what: Deadline['what']; readonly in: number };
  /** Why it ended, or why the connection to this address before it did. */
  readonly lastreason?: Reason;
  /** What the peer announced that we know: wire words, and `feature:<id>` for each BIP434 id (at most 64). */
  readonly negotiated: readonly string[];
  /** Messages dropped, by code. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Milliseconds from creation to an open link, from there to their version, from there to their verack. */
  readonly phases: { readonly connect?: number; readonly version?: number; readonly verack?: number };
}

/** A moment of the node's clock and of the wall clock, milliseconds. */
export interface ClockReading {
  readonly now: number;
  readonly wall: number;
}

/** What the connection to the same address before this one left behind. */
export interface PreviousConnection {
  readonly reason?: Reason | undefined;
  readonly transport?: 'v1' | 'v2' | undefined;
}

type Draft = { -readonly [K in keyof PeerInfo]: PeerInfo[K] };

/** The snapshot of one row, frozen all the way down. Written out in one piece, because it is made for every peer that ends. */
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
    addr: formatEndpoint(remote),
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

/** Milliseconds, to the microsecond. */
const micro = (ms: number): number => Math.round(ms * 1_000) / 1_000;

const seconds = (ms: number): number => Math.round(ms * 1_000) / 1_000_000;

const inSeconds = ({ what, at }: Deadline, now: number) => Object.freeze({ what, in: seconds(at - now) });

const negotiated = (context: PeerContext): string[] => [
  ...(context.wtxidrelay ? ['wtxidrelay'] : []),
  ...(context.sendaddrv2 ? ['sendaddrv2'] : []),
  ...(context.sendheaders ? ['sendheaders'] : []),
  ...(context.sendcmpct >= 0 ? ['sendcmpct'] : []),
  ...context.features.map((id) => `feature:${id}`),
];

function phases(row: PeerRecord, context: PeerContext): PeerInfo['phases'] {
  const { openedat, versionat, establishedat } = context;
  return {
    ...(row.linkedat >= 0 && { connect: micro(row.linkedat - row.bornat) }),
    ...(versionat >= 0 && { version: micro(versionat - openedat) }),
    ...(establishedat >= 0 && { verack: micro(establishedat - versionat) }),
  };
}
