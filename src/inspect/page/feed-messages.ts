/**
 * What the node and the page tell each other over the WebSocket `/feed`: JSON, one object per frame. Shapes only; a
 * {@link Transcript} is also what `/sessions/NAME` answers, so a recorded session looks like a live one.
 *
 * Moments (`…at`) are milliseconds since 1970-01-01 UTC unless said otherwise. Text that came from a peer is plain text.
 */

export type State =
  'connecting' | 'awaitingVersion' | 'versionSent' | 'versionReceived' | 'established' | 'closed' | 'failed';

export type Facts = Readonly<Record<string, string | number | boolean>>;

export interface Reason {
  readonly code: string;
  readonly facts: Facts;
}

/** One line of the table: `getpeerinfo`'s keys, with their meaning; `minping` and `pingtime` are milliseconds. */
export interface Row {
  /** The peer's id; that of a node with a name has the name before it, as in `lab.3`. */
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
  /** 0 before their version came. */
  readonly version: number;
  readonly subver: string;
  readonly state: State;
  readonly stateat: number;
  readonly next?: { readonly what: string; readonly at: number };
  readonly reason?: Reason;
  /** Set where time stands still: the moment at which it does. */
  readonly heldat?: number;
}

/** A change of state of a peer, or of its key exchange. */
export interface StateChange {
  readonly at: number;
  readonly key: string;
  readonly lane: MachineName;
  readonly from: string;
  readonly to: string;
  /** The event, `after NAME` for a deadline. */
  readonly event: string;
  /** The words of the machine's own cell. */
  readonly says: string;
  readonly code: string;
}

/** Which machine: that of the connection, or that of its key exchange. */
export type MachineName = 'peer' | 'transport';

/** A run of bytes with a name and a meaning; `offset` counts from the start of the payload. */
export interface Field {
  readonly offset: number;
  readonly hex: string;
  readonly name: string;
  readonly value: string;
}

interface Instant {
  /** Counts up from 0 within one story. */
  readonly n: number;
  /** Milliseconds since the story began. */
  readonly at: number;
}

/** A message that crossed. */
export interface MessageEntry extends Instant {
  readonly kind: 'sent' | 'received';
  readonly command: string;
  /** Bytes of the payload; `hex` may hold only the first of them. */
  readonly size: number;
  readonly hex: string;
  readonly fields: readonly Field[];
  /** What is wrong with it, or noteworthy. */
  readonly verdicts: readonly string[];
  readonly bip?: number;
  readonly about?: string;
}

/** What a machine made of an event: the cell of its table. */
export interface TransitionEntry extends Instant {
  readonly kind: 'cell';
  readonly lane: MachineName;
  readonly event: string;
  readonly state: string;
  /** Absent when it stays where it is. */
  readonly to?: string;
  readonly guard?: string;
  readonly actions: readonly string[];
  readonly says: string;
  readonly bip?: number;
  readonly reason?: Reason;
}

export type TranscriptEntry = MessageEntry | TransitionEntry;

/** One connection from its birth. The first moments are kept whatever follows; of later ones, the latest. */
export interface Transcript {
  readonly key: string;
  readonly inbound: boolean;
  readonly bornat: number;
  /** As `getpeerinfo` has it, and ours. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** When pongs came (milliseconds since the story began) and how long they took (milliseconds); the latest 120. */
  readonly pings: readonly (readonly [at: number, ms: number])[];
  readonly moments: readonly TranscriptEntry[];
}

/** Since the node began. */
export interface OutcomeCounts {
  /** Ends by reason code; `established` counts complete handshakes. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How many handshakes took at most so many milliseconds, from the open link to their verack; the last has no limit. */
  readonly handshakes: readonly { readonly upto: number | null; readonly count: number }[];
}

export interface ReasonWords {
  readonly says: string;
  readonly hint: string;
  readonly blame: string;
}

/** What the lab offers. */
export interface LabMenu {
  readonly token: string;
  readonly actors: readonly { readonly name: string; readonly about: string; readonly expect: string }[];
  readonly messages: readonly { readonly name: string; readonly about: string }[];
}

export interface LabPeer {
  readonly n: number;
  /** Its row; absent until our node has one. */
  readonly key?: string;
  readonly actor: string;
  readonly dialled: boolean;
  readonly open: boolean;
  readonly paused: boolean;
  /** Messages can be put into its stream (v1 only). */
  readonly speaks: boolean;
}

export interface LabState {
  /** Time stands still. */
  readonly held: boolean;
  /** Milliseconds of the lab's own clock. */
  readonly now: number;
  readonly peers: readonly LabPeer[];
  /** What became of the latest command that could not be done; empty when all could. */
  readonly complaint: string;
}

export interface FeedStart {
  readonly reasons: Readonly<Record<string, ReasonWords>>;
  readonly sessions: readonly string[];
  readonly lab?: LabMenu;
}

/** What the page is told, at most ten times a second. */
export interface Update {
  readonly at: number;
  readonly start?: FeedStart;
  readonly rows: readonly Row[];
  /** Keys of rows that the node has forgotten. */
  readonly gone: readonly string[];
  readonly changes: readonly StateChange[];
  /** Moves that were left out, for there were too many. */
  readonly missed: number;
  readonly outcomes?: OutcomeCounts;
  /** The chosen peer: moments that were not told yet. */
  readonly transcript?: Transcript;
  readonly lab?: LabState;
}

export type LabCommand =
  | { readonly do: 'start'; readonly actor: string; readonly dialled: boolean }
  | { readonly do: 'send'; readonly n: number; readonly message: string }
  | { readonly do: 'close' | 'disconnect' | 'pause' | 'resume'; readonly n: number }
  | { readonly do: 'hold' | 'run' | 'step' }
  | { readonly do: 'skip'; readonly ms: number };

/** What the page says: which rows are in sight, which peer is chosen, what the lab shall do. */
export type Request =
  | { readonly view: readonly string[] }
  | { readonly choose: string }
  | { readonly token: string; readonly lab: LabCommand };
