/**
 * The peer tracker: the registry of live connections, with one row per peer. The peer pool creates, updates and deletes rows;
 * all other code reads frozen snapshots or subscribes. A snapshot is computed when it is read.
 */
import { REASONS, type Reason } from '../reasons.js';
import { onAbort } from '../net/abort.js';
import { type Clock, throwLater } from '../net/environment.js';
import type { ReleasingMap } from './releasing-map.js';
import { type PreviousConnection, peerInfoOf, type ClockReading, type PeerInfo } from './peerinfo.js';
import { finalRecordOf, type PeerRecord } from '../connection/peer-record.js';

/** A change of the registry, as subscribers receive it. */
export interface PeerChange {
  readonly type: 'created' | 'updated' | 'deleted';
  readonly peer: PeerInfo;
}

/** The public, read-only interface of the registry. */
export interface PeerTracker {
  /** Number of live connections, including those that are being opened. */
  readonly size: number;
  /** The live peer with that id; undefined when there is none. */
  get(id: number): PeerInfo | undefined;
  /** All live peers, in the order of their creation. */
  list(): PeerInfo[];
  /** The last connections that ended, oldest first; at most 1,000. */
  recent(): readonly PeerInfo[];
  /**
   * Calls `listener` after each change of a peer's state or negotiated data (not of byte counts), until the returned function is
   * called or `signal` aborts.
   */
  subscribe(listener: (change: PeerChange) => void, options?: { signal?: AbortSignal }): () => void;
}

/** Most ended connections that are stored. */
const RECENT = 1_000;
/** Most addresses whose last outcome is stored. */
const MAX_OUTCOMES = 10_000;

/** A connection that has ended. */
export class EndedPeer {
  /** Until its snapshot is made: the last thousand are kept, and most snapshots are smaller. */
  #row: PeerRecord | undefined;
  #info: PeerInfo | undefined;

  constructor(
    row: PeerRecord,
    readonly reason: Reason,
    private readonly at: ClockReading,
    private readonly before: PreviousConnection,
  ) {
    this.#row = row;
  }

  /** Its last snapshot. */
  get info(): PeerInfo {
    this.#info ??= peerInfoOf(this.#row!, this.at, this.before, this.reason);
    this.#row = undefined;
    return this.#info;
  }
}

/** The writable registry, used by the peer pool. Other code gets its {@link Tracker.view}. */
export class Tracker implements PeerTracker {
  readonly #recent: EndedPeer[] = [];
  readonly #listeners = new Set<(change: PeerChange) => void>();
  readonly #reasons = new Map<string, Reason>();
  readonly #transports = new Map<string, 'v1' | 'v2'>();

  /** `rows`: the live connections; the peer pool adds and deletes them. */
  constructor(
    private readonly clock: Clock,
    private readonly rows: Pick<ReleasingMap<number, PeerRecord>, 'size' | 'get' | 'has' | 'values'>,
  ) {}

  /** The read-only interface. */
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
    return this.rows.size;
  }

  get(id: number): PeerInfo | undefined {
    const row = this.rows.get(id);
    return row && this.#read(row);
  }

  list(): PeerInfo[] {
    return [...this.rows.values()].map((row) => this.#read(row));
  }

  recent(): readonly PeerInfo[] {
    return this.#recent.map(({ info }) => info);
  }

  /** The connection that ended last. */
  get latest(): EndedPeer | undefined {
    return this.#recent.at(-1);
  }

  subscribe(listener: (change: PeerChange) => void, { signal }: { signal?: AbortSignal } = {}): () => void {
    const stop = () => void this.#listeners.delete(listener);
    if (signal?.aborted) return stop;
    this.#listeners.add(listener);
    const forget = onAbort(signal, stop);
    return () => {
      forget();
      stop();
    };
  }

  create(row: PeerRecord): void {
    this.#notify('created', row);
  }

  update(row: PeerRecord): void {
    if (this.rows.has(row.id)) this.#notify('updated', row);
  }

  /** Reports that the row was removed. Its last snapshot is computed when it is read. */
  delete(row: PeerRecord, reason: Reason): EndedPeer {
    const ended = new EndedPeer(finalRecordOf(row), reason, this.#now(), this.#before(row));
    this.#recent.push(ended);
    if (this.#recent.length > RECENT) this.#recent.shift();
    if (!row.inbound) this.#remember(row, reason);
    if (this.#listeners.size > 0) this.#publish({ type: 'deleted', peer: ended.info });
    return ended;
  }

  /** Stores the outcome for the next connection to that address. Inbound connections are skipped: their port is ephemeral. */
  #remember(row: PeerRecord, reason: Reason): void {
    const { addr } = row;
    // A v2 attempt that is followed by a v1 attempt is not the final outcome.
    if (reason.facts.retry !== 'v1')
      remember(this.#reasons, addr, REASONS[reason.code].family === 'end' ? undefined : reason);
    const { type } = row.transport;
    if (row.context.version > 0 && type !== 'detecting') remember(this.#transports, addr, type);
  }

  /** An error that a listener throws becomes an `uncaughtException` of the process; the node continues. */
  #publish(change: PeerChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #notify(type: 'created' | 'updated', row: PeerRecord): void {
    if (this.#listeners.size === 0) return;
    this.#publish({ type, peer: this.#read(row) });
  }

  #read(row: PeerRecord): PeerInfo {
    return peerInfoOf(row, this.#now(), this.#before(row));
  }

  #now() {
    return { now: this.clock.now(), wall: this.clock.wall() };
  }

  #before(row: PeerRecord): PreviousConnection {
    if (row.inbound) return {};
    return { reason: this.#reasons.get(row.addr), transport: this.#transports.get(row.addr) };
  }
}

/** Stores the last outcome of an address, and drops the oldest entry when there are too many. */
function remember<T>(outcomes: Map<string, T>, addr: string, outcome: T | undefined): void {
  outcomes.delete(addr);
  if (outcome === undefined) return;
  outcomes.set(addr, outcome);
  if (outcomes.size > MAX_OUTCOMES) outcomes.delete(outcomes.keys().next().value!);
}
