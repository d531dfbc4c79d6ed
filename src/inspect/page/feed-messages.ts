/**
 * The messages between the node and the page on the WebSocket `/feed`: JSON, one object per frame. Types only. A
 * {@link Transcript} is also the answer of `/sessions/NAME`, so a recorded session looks like a live one.
 *
 * Times (`…at`) are milliseconds since 1970-01-01 UTC unless stated otherwise. Text from a peer is untrusted plain text.
 */

export type State =
  'connecting' | 'awaitingVersion' | 'versionSent' | 'versionReceived' | 'established' | 'closed' | 'failed';

export type Facts = Readonly<Record<string, string | number | boolean>>;

export interface Reason {
  readonly code: string;
  readonly facts: Facts;
}

/** One row of the table of peers, with the keys of `getpeerinfo`; but `minping` and `pingtime` are milliseconds. */
export interface Row {
  /** The peer's id, after the name of its node if that has one: `lab.3`. */
  readonly key: string;
  readonly id: number;
  readonly inbound: boolean;
  readonly connection_type: string;
  readonly network: string;
  /** As in `-netinfo`: one letter per service. */
  readonly services: string;
  readonly transport: string;
  readonly minping?: number;
  readonly pingtime?: number;
  /** UNIX seconds, 0 for never. */
  readonly lastsend: number;
  readonly lastrecv: number;
  readonly conntime: number;
  readonly highbandwidth: boolean;
  readonly addr: string;
  /** 0 before the peer's version message. */
  readonly version: number;
  readonly subver: string;
  readonly state: State;
  readonly stateat: number;
  readonly next?: { readonly what: string; readonly at: number };
  readonly reason?: Reason;
  /** The time at which the node's clock is held. */
  readonly heldat?: number;
}

/** A change of state of a peer, or of its key exchange. */
export interface StateChange {
  readonly at: number;
  readonly key: string;
  readonly machine: MachineName;
  readonly from: string;
  readonly to: string;
  /** The event, `after NAME` for a deadline. */
  readonly event: string;
  /** The description of the transition. */
  readonly description: string;
  readonly code: string;
}

/** The machine of the connection, or the machine of its key exchange. */
export type MachineName = 'peer' | 'transport';

/** The bytes of one field; `offset` is in bytes from the start of the payload. */
export interface Field {
  readonly offset: number;
  readonly hex: string;
  readonly name: string;
  readonly value: string;
}

interface Instant {
  /** Index within the transcript. */
  readonly n: number;
  /** Milliseconds since the transcript began. */
  readonly at: number;
}

/** A message that was sent or received. */
export interface MessageEntry extends Instant {
  readonly kind: 'sent' | 'received';
  readonly command: string;
  /** Size of the payload in bytes; `hex` may contain only the first of them. */
  readonly size: number;
  readonly hex: string;
  readonly fields: readonly Field[];
  /** Sentences about faults in the message. */
  readonly faults: readonly string[];
  /** The reason code of a message that was dropped before it was decoded, or of bytes that ended the connection; `hex` is then empty. */
  readonly dropped?: string;
  readonly bip?: number;
  readonly about?: string;
}

/** The reaction of a machine to an event. */
export interface TransitionEntry extends Instant {
  readonly kind: 'transition';
  readonly machine: MachineName;
  readonly event: string;
  readonly state: string;
  /** Absent when the state stays the same. */
  readonly to?: string;
  readonly guard?: string;
  readonly actions: readonly string[];
  readonly description: string;
  readonly bip?: number;
  readonly reason?: Reason;
}

export type TranscriptEntry = MessageEntry | TransitionEntry;

/** One connection. It has the first entries and the latest ones. */
export interface Transcript {
  readonly key: string;
  readonly inbound: boolean;
  readonly startedat: number;
  /** The `PeerInfo`: the keys of `getpeerinfo` and further ones. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The latest 120 pongs: the time since the transcript began and the ping time, both in milliseconds. */
  readonly pings: readonly (readonly [at: number, ms: number])[];
  readonly entries: readonly TranscriptEntry[];
}

/** Counts since the start of the node. */
export interface OutcomeCounts {
  /** Ends by reason code; `established` counts complete handshakes. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The durations of handshakes, from the open link to the peer's verack, as buckets with an upper limit in milliseconds; the last has none. */
  readonly handshakes: readonly { readonly upto: number | null; readonly count: number }[];
}

/** An actor that does not belong to a connection: an outbound target or a supervisor. */
export interface ActorRow {
  /** The actor's name, after the name of its node if that has one: `outbound.3`. */
  readonly key: string;
  /** The id of its machine. */
  readonly machine: string;
  /** The host name or address that it dials; empty for a supervisor. */
  readonly target: string;
  readonly state: string;
  readonly stateat: number;
  readonly ended: boolean;
  /** The members of the context that are text, numbers or booleans. */
  readonly facts: Facts;
  readonly reason?: Reason;
}

/** Delays in force, milliseconds, by their name in the chart. */
export type Deadlines = Readonly<Record<'connectTimeout' | 'handshakeTimeout', number>>;

export interface ActorStates {
  readonly rows: readonly ActorRow[];
  /** By the name of the node; empty for the first one. */
  readonly deadlines: Readonly<Record<string, Deadlines>>;
}

/** An address of this node as its peers see it, from their `addrlocal`. */
export interface LocalAddress {
  readonly address: string;
  /** Established peers that see this address. */
  readonly score: number;
}

/** A crawl that runs in this process. */
export interface CrawlReport {
  /** The state of the crawl machine. */
  readonly state: string;
  readonly round: number;
  readonly attempted: number;
  readonly reachable: number;
  readonly active: number;
  readonly queued: number;
  readonly known: number;
  /** Contacts by outcome; reachable addresses by network, transport and user agent (the most frequent ones). */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly networks: Readonly<Record<string, number>>;
  readonly transports: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
  /** Reachable addresses over time. */
  readonly curve: readonly (readonly [t: number, reachable: number])[];
}

export interface ReasonText {
  readonly says: string;
  readonly hint: string;
  readonly blame: string;
}

/** A behaviour of a lab peer. */
export interface LabBehaviour {
  readonly name: string;
  readonly about: string;
  /** The reason code or state in which the connection ends. */
  readonly expect: string;
  /** What must hold for `expect`, as text before it. */
  readonly condition?: string;
}

/** What the lab offers. */
export interface LabMenu {
  readonly token: string;
  readonly behaviours: readonly LabBehaviour[];
  readonly messages: readonly { readonly name: string; readonly about: string }[];
}

export interface LabPeer {
  readonly n: number;
  /** The key of its row; absent until the node has one. */
  readonly key?: string;
  readonly behaviour: string;
  readonly dialled: boolean;
  readonly open: boolean;
  /** Whether the connection is not open yet, so that nothing can be sent. */
  readonly connecting: boolean;
  readonly paused: boolean;
  /** Whether it uses v1, so that messages can be sent in its name. */
  readonly v1: boolean;
}

export interface LabState {
  /** Whether the clock is held. */
  readonly held: boolean;
  /** Whether requested time has not passed yet. */
  readonly busy: boolean;
  /** Milliseconds of the lab's own clock. */
  readonly now: number;
  readonly peers: readonly LabPeer[];
  /** Why the latest command failed; empty if it succeeded. */
  readonly error: string;
}

export interface FeedStart {
  readonly reasons: Readonly<Record<string, ReasonText>>;
  readonly sessions: readonly string[];
  /** Names of the machines that have a chart. */
  readonly machines: readonly string[];
  readonly lab?: LabMenu;
}

/** What changed, at most ten times a second. */
export interface Update {
  readonly at: number;
  readonly start?: FeedStart;
  readonly rows: readonly Row[];
  /** Keys of rows that were removed. */
  readonly gone: readonly string[];
  readonly changes: readonly StateChange[];
  /** The number of changes that were omitted because there were too many. */
  readonly missed: number;
  readonly outcomes?: OutcomeCounts;
  /** The selected peer, with the entries that were not sent before. */
  readonly transcript?: Transcript;
  readonly lab?: LabState;
  readonly actors?: ActorStates;
  /** Sorted by the number of peers, highest first. */
  readonly localAddresses?: readonly LocalAddress[];
  readonly crawl?: CrawlReport;
}

export type LabCommand =
  | { readonly do: 'start'; readonly behaviour: string; readonly dialled: boolean; readonly held: boolean }
  | { readonly do: 'send'; readonly n: number; readonly message: string }
  | { readonly do: 'close' | 'disconnect' | 'pause' | 'resume'; readonly n: number }
  | { readonly do: 'hold' | 'run' | 'step' }
  | { readonly do: 'skip'; readonly ms: number };

/** Requests of the page: which rows are visible, which peer is selected, commands for the lab. */
export type Request =
  | { readonly visible: readonly string[] }
  | { readonly select: string }
  | { readonly token: string; readonly lab: LabCommand };
