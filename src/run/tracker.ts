/**
 * The peer tracker: the registry of live connections, a row per peer. The supervisor's side creates, updates and
 * deletes; everybody else reads frozen snapshots or subscribes. A snapshot is computed when it is asked for.
 */
import type { Deadline, PeerContext } from '../../machines/index.js';
import { nextDeadline } from '../../machines/index.js';
import type { ConnectionType } from '../../machines/index.js';
import { REASONS, type Reason } from '../reasons.js';
import { type AddressNetwork, networkOfAddress, servicesnames } from '../wire/index.js';
import { formatEndpoint } from '../io/endpoint.js';
import { type Clock, throwLater } from './env.js';
import type { PeerState, Session } from './session.js';

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

/** What a subscriber is told. */
export type PeerChange =
  | { readonly type: 'created' | 'updated'; readonly peer: PeerInfo }
  | { readonly type: 'deleted'; readonly peer: PeerInfo };

/** The public, read-only face. */
export interface PeerTracker {
  /** Live connections. */
  readonly size: number;
  get(id: number): PeerInfo | undefined;
  /** In the order of their birth. */
  list(): PeerInfo[];
  /** The latest connections that ended, oldest first; at most 1,000. */
  recent(): readonly PeerInfo[];
  /** Calls `listener` after each change of state or of what is known (not of byte counts), until the returned function is called, or `signal` aborts. */
  subscribe(listener: (change: PeerChange) => void, options?: { signal?: AbortSignal }): () => void;
}

const RECENT = 1_000;
/** Addresses of which the last outcome is kept. */
const REMEMBERED = 10_000;

/** The supervisor's side of the registry. Others get its {@link Tracker.view}. */
export class Tracker implements PeerTracker {
  readonly #rows = new Map<number, Session>();
  readonly #recent: PeerInfo[] = [];
  readonly #listeners = new Set<(change: PeerChange) => void>();
  readonly #reasons = new Map<string, Reason>();
  readonly #transports = new Map<string, 'v1' | 'v2'>();

  constructor(private readonly clock: Clock) {}

  /** The registry without the means to write. */
  get view(): PeerTracker {
    const size = (): number => this.size;
    return Object.freeze({
      get size() {
        return size();
      },
      get: (id: number) => this.get(id),
      list: () => this.list(),
      recent: () => this.recent(),
      subscribe: (listener: (change: PeerChange) => void, options?: { signal?: AbortSignal }) =>
        this.subscribe(listener, options),
    });
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: number): PeerInfo | undefined {
    const row = this.#rows.get(id);
    return row && this.#read(row);
  }

  list(): PeerInfo[] {
    return [...this.#rows.values()].map((row) => this.#read(row));
  }

  recent(): readonly PeerInfo[] {
    return [...this.#recent];
  }

  subscribe(listener: (change: PeerChange) => void, { signal }: { signal?: AbortSignal } = {}): () => void {
    const stop = () => void this.#listeners.delete(listener);
    if (signal?.aborted) return stop;
    this.#listeners.add(listener);
    signal?.addEventListener('abort', stop, { once: true });
    return stop;
  }

  create(row: Session): void {
    this.#rows.set(row.id, row);
    this.#tell('created', row);
  }

  update(row: Session): void {
    if (this.#rows.has(row.id)) this.#tell('updated', row);
  }

  /** Removes the row and returns what it said last. */
  delete(row: Session, reason: Reason): PeerInfo {
    this.#rows.delete(row.id);
    const peer = frozen({ ...this.#read(row), lastreason: structuredClone(reason) });
    this.#recent.push(peer);
    if (this.#recent.length > RECENT) this.#recent.shift();
    remember(this.#reasons, peer.addr, REASONS[reason.code].family === 'end' ? undefined : reason);
    const { type } = row.transport;
    if (peer.version > 0 && type !== 'detecting') remember(this.#transports, peer.addr, type);
    this.#say({ type: 'deleted', peer });
    return peer;
  }

  /** A listener that throws is the process's problem, not the node's. */
  #say(change: PeerChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #tell(type: 'created' | 'updated', row: Session): void {
    if (this.#listeners.size === 0) return;
    this.#say({ type, peer: this.#read(row) });
  }

  #read(row: Session): PeerInfo {
    const addr = formatEndpoint(row.remote);
    return describe(row, this.clock, this.#reasons.get(addr), this.#transports.get(addr));
  }
}

/** Keeps the latest outcome of an address, and forgets the oldest when there are too many. */
function remember<T>(outcomes: Map<string, T>, addr: string, outcome: T | undefined): void {
  outcomes.delete(addr);
  if (outcome !== undefined) outcomes.set(addr, outcome);
  const oldest = outcomes.keys().next();
  if (outcomes.size > REMEMBERED && !oldest.done) outcomes.delete(oldest.value);
}

/** The snapshot of one row. */
function describe(
  row: Session,
  clock: Clock,
  last: Reason | undefined,
  lasttransport: 'v1' | 'v2' | undefined,
): PeerInfo {
  const now = clock.now();
  const context = row.context;
  const reason = context.reason ?? last;
  return frozen({
    ...whoTheyAre(row, context),
    ...whenAndHowMuch(row, context, now, clock.wall()),
    state: row.state,
    timeinstate: seconds(now - row.stateat),
    ...(!isOver(row) && { nextdeadline: inSeconds(nextDeadline(context, row.moments), now) }),
    ...(reason && { lastreason: reason }),
    ...(lasttransport && { lasttransport }),
    negotiated: negotiated(context),
    dropped: Object.fromEntries(row.traffic.dropped),
    phases: phases(row, context),
  });
}

const isOver = (row: Session): boolean => row.state === 'failed' || row.state === 'closed';

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

const whoTheyAre = (row: Session, context: PeerContext) => ({
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

function whenAndHowMuch(row: Session, context: PeerContext, now: number, wall: number) {
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

function phases(row: Session, context: PeerContext): PeerInfo['phases'] {
  const { openedat, versionat, establishedat } = context;
  return {
    ...(row.linkedat >= 0 && { connect: micro(row.linkedat - row.bornat) }),
    ...(versionat >= 0 && { version: micro(versionat - openedat) }),
    ...(establishedat >= 0 && { verack: micro(establishedat - versionat) }),
  };
}
