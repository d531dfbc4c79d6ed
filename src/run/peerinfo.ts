/** A peer as a frozen snapshot, in the words of `getpeerinfo`; computed when somebody asks. */
import {
  type ConnectionType,
  type Deadline,
  type Moments,
  nextDeadline,
  type PeerContext,
} from '../../machines/index.js';
import { formatEndpoint } from '../io/endpoint.js';
import type { Endpoint } from '../io/link.js';
import type { Reason } from '../reasons.js';
import { type AddressNetwork, networkOfAddress, servicesnames } from '../wire/index.js';
import type { Traffic } from './traffic.js';

/** Where a peer's machine is: the leaf's name. */
export type PeerState =
  'connecting' | 'awaitingVersion' | 'versionSent' | 'versionReceived' | 'established' | 'failed' | 'closed';

/**
 * A peer at one moment. Keys and units are those of Bitcoin Core's `getpeerinfo`, as far as they apply to a node without a chain (times in seconds, `conntime`,
 * `lastsend`, `lastrecv` as UNIX time, 0 for never); the last block is ours.
 */
export interface PeerInfo {
  readonly id: number;
  readonly addr: string;
  readonly addrbind: string;
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
  /** `detecting` until the first bytes have told, or the key exchange is over. */
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
  /** Milliseconds from birth to an open link, from there to their version, from there to their verack. */
  readonly phases: { readonly connect?: number; readonly version?: number; readonly verack?: number };
}

/** What a snapshot is made from: a session, or what is left of one. Moments are milliseconds of the node's clock. */
export interface Row {
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
}

/** A moment of the node's clock and of the wall clock, milliseconds. */
export interface Now {
  readonly now: number;
  readonly wall: number;
}

/** What the connection to the same address before this one left behind. */
export interface Before {
  readonly reason?: Reason | undefined;
  readonly transport?: 'v1' | 'v2' | undefined;
}

/** The snapshot of one row. */
export function describe(row: Row, { now, wall }: Now, before: Before, end?: Reason): PeerInfo {
  const context = row.context;
  const reason = end ? structuredClone(end) : (context.reason ?? before.reason);
  return frozen({
    ...whoTheyAre(row, context),
    ...whenAndHowMuch(row, context, now, wall),
    state: row.state,
    timeinstate: seconds(now - row.stateat),
    ...(!isOver(row) && { nextdeadline: inSeconds(nextDeadline(context, row.moments), now) }),
    ...(reason && { lastreason: reason }),
    ...(before.transport && { lasttransport: before.transport }),
    negotiated: negotiated(context),
    dropped: Object.fromEntries(row.traffic.dropped),
    phases: phases(row, context),
  });
}

const isOver = (row: Row): boolean => row.state === 'failed' || row.state === 'closed';

/** Frozen all the way down; plain data only. */
function frozen<T extends object>(value: T): Readonly<T> {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) frozen(inner);
  }
  return Object.freeze(value);
}

/** Milliseconds, to the microsecond. */
const micro = (ms: number): number => Math.round(ms * 1_000) / 1_000;

const seconds = (ms: number): number => Math.round(ms * 1_000) / 1_000_000;

const inSeconds = ({ what, at }: Deadline, now: number) => ({ what, in: seconds(at - now) });

const whoTheyAre = (row: Row, context: PeerContext) => ({
  id: row.id,
  addr: formatEndpoint(row.remote),
  addrbind: row.local ? formatEndpoint(row.local) : '',
  network: networkOfAddress(row.remote.host),
  services: context.services,
  servicesnames: servicesnames(context.services),
  relaytxes: context.relaytxes,
  version: context.version,
  subver: context.subver,
  inbound: row.inbound,
  bip152_hb_from: context.sendcmpct === 1,
  startingheight: context.startingheight,
  minfeefilter: Number(BigInt(`0x${context.minfeefilter}`)) / 1e8,
  connection_type: row.connection_type,
  transport_protocol_type: row.transport.type,
  session_id: row.transport.type === 'v2' ? row.transport.session_id : '',
  timeoffset: context.timeoffset,
});

function whenAndHowMuch(row: Row, context: PeerContext, now: number, wall: number) {
  const unix = (at: number) => Math.floor((wall - (now - at)) / 1_000);
  const { traffic } = row;
  return {
    lastsend: traffic.bytessent > 0 ? unix(traffic.lastsend) : 0,
    lastrecv: traffic.bytesrecv > 0 ? unix(traffic.lastrecv) : 0,
    bytessent: traffic.bytessent,
    bytesrecv: traffic.bytesrecv,
    conntime: row.conntime,
    bytessent_per_msg: Object.fromEntries(traffic.sent),
    bytesrecv_per_msg: Object.fromEntries(traffic.received),
    ...(context.pingtime >= 0 && { pingtime: seconds(context.pingtime), minping: seconds(context.minping) }),
    ...(context.pingnonce !== '' && { pingwait: seconds(now - context.pingsentat) }),
  };
}

const negotiated = (context: PeerContext): string[] => [
  ...(context.wtxidrelay ? ['wtxidrelay'] : []),
  ...(context.sendaddrv2 ? ['sendaddrv2'] : []),
  ...(context.sendheaders ? ['sendheaders'] : []),
  ...(context.sendcmpct >= 0 ? ['sendcmpct'] : []),
  ...context.features.map((id) => `feature:${id}`),
];

function phases(row: Row, context: PeerContext): PeerInfo['phases'] {
  const { openedat, versionat, establishedat } = context;
  return {
    ...(row.linkedat >= 0 && { connect: micro(row.linkedat - row.bornat) }),
    ...(versionat >= 0 && { version: micro(versionat - openedat) }),
    ...(establishedat >= 0 && { verack: micro(establishedat - versionat) }),
  };
}
