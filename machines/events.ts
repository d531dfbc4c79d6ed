/**
 * The contract of the machines: all events, contexts, inputs and rules, as plain types and lists. The effects are the actions
 * `effect.<verb>` of each machine, documented there.
 *
 * Events are named `<source>.<fact>`. All values are JSON-safe: a 64-bit value is 16 hex digits of its numeric value (most
 * significant first), a time (`at`) is milliseconds of the node's monotonic clock. The set of types is closed: no event type is
 * built from data of a peer, because XState caches each distinct type and never frees it.
 *
 * Data-plane traffic (inv, tx, block, headers …) does not become an event: the connection counts it and passes it to listeners.
 * "Their" and "theirs" refer to the peer.
 */
import type { BrokenCode, DialCode, DropCode, Facts, LinkCode, Reason, V2Code } from '../src/reasons.js';

/** The types of outbound connections, as in the key `connection_type` of `getpeerinfo`. */
export const OUTBOUND_CONNECTION_TYPES = [
  'manual',
  'outbound-full-relay',
  'block-relay-only',
  'feeler',
  'addr-fetch',
] as const;
/** All types of connections. */
export const CONNECTION_TYPES = ['inbound', ...OUTBOUND_CONNECTION_TYPES] as const;
/** One of {@link CONNECTION_TYPES}. */
export type ConnectionType = (typeof CONNECTION_TYPES)[number];
/** One of {@link OUTBOUND_CONNECTION_TYPES}. */
export type OutboundConnectionType = (typeof OUTBOUND_CONNECTION_TYPES)[number];

/** A 64-bit value: 16 lower-case hex digits, most significant first. */
export type Hex64 = string;
/** A {@link Hex64}, or empty for none. */
export type MaybeHex64 = string;

/** The fields of a peer's `version` message that the machine uses. */
export interface VersionFacts {
  readonly version: number;
  readonly services: Hex64;
  /** Their clock minus ours, seconds. */
  readonly timeoffset: number;
  readonly nonce: Hex64;
  /** User agent for display: printable ASCII, other characters replaced. At most 256 characters. */
  readonly subver: string;
  readonly startingheight: number;
  readonly relaytxes: boolean;
  /** Our address in their `version`, `host:port`; empty when they left it zero. */
  readonly addrlocal: string;
  /** The nonce belongs to a connection that this node is dialling now (Core: `CheckIncomingNonce`). */
  readonly ownnonce: boolean;
  /** Set when only the first 46 bytes could be decoded: Core checks services and version, then drops the message. */
  readonly fault?: DropCode;
}

/** The events of the peer machine. */
export type PeerEvent =
  /** TCP is open and a key exchange begins: the connect deadline no longer applies. Not sent on v1. */
  | { readonly type: 'link.connected'; readonly at: number }
  /** Messages can be sent and received. `elapsed`: milliseconds since TCP opened (0 unless a key exchange came first). */
  | { readonly type: 'link.open'; readonly at: number; readonly elapsed: number }
  /** The dial or the key exchange failed. */
  | { readonly type: 'link.failed'; readonly code: UnopenedCode; readonly facts: Facts }
  | { readonly type: 'link.closed'; readonly code: LinkCode }
  | ({ readonly type: 'wire.version'; readonly at: number } & VersionFacts)
  /** `nonce`: 8 fresh random bytes of ours, for the ping that follows. */
  | { readonly type: 'wire.verack'; readonly at: number; readonly nonce: Hex64 }
  | { readonly type: 'wire.wtxidrelay' }
  | { readonly type: 'wire.sendaddrv2' }
  | { readonly type: 'wire.sendtxrcncl' }
  /** `valid`: the payload follows BIP434 (an id of 4 to 80 bytes, data of 0 to 512 bytes, nothing after them). */
  | { readonly type: 'wire.feature'; readonly id: string; readonly valid: boolean }
  | { readonly type: 'wire.sendheaders' }
  | { readonly type: 'wire.sendcmpct'; readonly announce: number; readonly version: Hex64 }
  | { readonly type: 'wire.feefilter'; readonly feerate: Hex64 }
  /** `nonce` is empty for the old ping without one. */
  | { readonly type: 'wire.ping'; readonly nonce: MaybeHex64 }
  /** `nonce` is empty when the payload is shorter than 8 bytes. */
  | { readonly type: 'wire.pong'; readonly at: number; readonly nonce: MaybeHex64 }
  | { readonly type: 'wire.getaddr' }
  /** BIP61. `reject`: the rejected command, the name of the code and the reason; printable, at most {@link MAX_REJECT_TEXT} characters. */
  | { readonly type: 'wire.reject'; readonly reject: string }
  /** `addr` or `addrv2` with `count` entries, 0 to 1,000. */
  | { readonly type: 'wire.addr'; readonly count: number }
  /** A list longer than the protocol allows. */
  | { readonly type: 'wire.excess'; readonly command: string; readonly count: number; readonly limit: number }
  /** A message that requests or belongs to a service that our `version` did not offer. */
  | { readonly type: 'wire.unoffered'; readonly command: string }
  /** A message was dropped and the connection kept; `command` is printable, at most 12 characters. */
  | { readonly type: 'wire.dropped'; readonly code: DropCode; readonly command: string }
  /** No more messages can be read from the byte stream. */
  | { readonly type: 'wire.broken'; readonly code: BrokenCode | V2Code; readonly facts: Facts }
  /**
   * More than `limit` messages arrived within `ms` milliseconds: dropped ones and any before verack (`useless`), or pings (`ping`).
   * `unfinished`: the peer's message was not complete within `ms`, while all unfinished messages together used `limit` bytes and
   * other peers waited for it.
   */
  | { readonly type: 'wire.flooded'; readonly what: FloodKind; readonly limit: number; readonly ms: number }
  /**
   * Sent when `nextDeadline` is reached. `lastrecv` and `lastsend` are times; `nonce`: 8 fresh random bytes for a ping.
   * `stalledat`: the time since which `pending` bytes wait to be sent and none was taken; -1 when none wait.
   */
  | {
      readonly type: 'clock.tick';
      readonly at: number;
      readonly lastrecv: number;
      readonly lastsend: number;
      readonly stalledat: number;
      readonly pending: number;
      readonly nonce: Hex64;
    }
  /** The process was suspended for `ms` milliseconds: all timestamps of the context move by as much. */
  | { readonly type: 'clock.jump'; readonly ms: number }
  | { readonly type: 'user.close' }
  /** The `version` on an accepted connection contained the nonce of this one. */
  | { readonly type: 'supervisor.self' }
  /** This inbound connection is evicted: a newer one gets its slot. */
  | { readonly type: 'supervisor.evicted' }
  /** Another connection from the same address has misbehaved (Core: `MaybeDiscourageAndDisconnect`). */
  | { readonly type: 'supervisor.discouraged' };

/** The kind of traffic that exceeded a limit: useless messages, pings, or bytes of unfinished messages. */
export type FloodKind = 'useless' | 'ping' | 'unfinished';

/** The reason codes of a link that did not open, or whose key exchange failed. */
export type UnopenedCode =
  DialCode | LinkCode | V2Code | 'ERR_V2_UNSUPPORTED' | 'ERR_TIME_HANDSHAKE' | 'ERR_POLICY_TRANSPORT';

/** The type of an event of the peer machine. */
export type PeerEventType = PeerEvent['type'];

/** Every event type of the peer machine, for grids, fuzzers and diagrams. */
export const PEER_EVENTS = [
  'link.connected',
  'link.open',
  'link.failed',
  'link.closed',
  'wire.version',
  'wire.verack',
  'wire.wtxidrelay',
  'wire.sendaddrv2',
  'wire.sendtxrcncl',
  'wire.feature',
  'wire.sendheaders',
  'wire.sendcmpct',
  'wire.feefilter',
  'wire.ping',
  'wire.pong',
  'wire.reject',
  'wire.getaddr',
  'wire.addr',
  'wire.excess',
  'wire.unoffered',
  'wire.dropped',
  'wire.broken',
  'wire.flooded',
  'clock.tick',
  'clock.jump',
  'user.close',
  'supervisor.self',
  'supervisor.evicted',
  'supervisor.discouraged',
] as const satisfies readonly PeerEventType[];

/** Checks at compile time that the list is complete: an event type that it lacks is a type error. */
type Unlisted = Exclude<PeerEventType, (typeof PEER_EVENTS)[number]>;
const _complete: [Unlisted] extends [never] ? true : Unlisted = true;
void _complete;

/** A message to send, as data. The connection adds the fields of `version`, because they need the clock and the nonce. */
export type Outgoing =
  | { readonly command: 'version' }
  | { readonly command: 'alert' }
  | { readonly command: 'verack' | 'wtxidrelay' | 'sendaddrv2' | 'getaddr' }
  | { readonly command: 'sendcmpct'; readonly announce: number; readonly version: Hex64 }
  | { readonly command: 'feefilter'; readonly feerate: Hex64 }
  | { readonly command: 'ping' | 'pong'; readonly nonce: MaybeHex64 };

/**
 * Messages that are sent in one write. `version`: our `version`. `negotiation`: the answer to their `version`, up to our `verack`
 * and what follows it. `postHandshake`: the answer to their `verack`. `ping`, `pong`. message-sequences.ts lists the messages.
 */
export type MessageSequence = 'version' | 'negotiation' | 'postHandshake' | 'ping' | 'pong';

/** The timeouts (milliseconds) and other rules of the peer machine. All peers of a node share one object. */
export interface Rules {
  /** From the start of a dial to an open connection. Core: `-timeout`, 5,000. */
  readonly connectTimeout: number;
  /** From an open TCP connection to their verack; nothing extends it. Core: `-peertimeout`, 60,000. */
  readonly handshakeTimeout: number;
  /** From one ping to the next, if it was answered. Core: 120,000. */
  readonly pingInterval: number;
  /** From a ping to its pong. Core: 1,200,000. */
  readonly pongTimeout: number;
  /** Longest time without a received byte, or without a sent byte. Core: 1,200,000. */
  readonly idleTimeout: number;
  /** Longest time during which bytes wait to be sent and none is taken. Core: 1,200,000 ("socket sending timeout"). */
  readonly stallTimeout: number;
  /** Longest duration of an addr-fetch connection. Core: 300,000. */
  readonly addrFetchTimeout: number;
  /** An addr message with more entries than this ends an addr-fetch connection. Core: 1, since a node sends its own address first. */
  readonly addrFetchEntries: number;
  /** The protocol version that we announce. */
  readonly version: number;
  /** Peers with a lower protocol version are refused. Core: 31,800. */
  readonly minVersion: number;
  /** Services that automatic outbound peers must offer. Core: NETWORK and WITNESS. */
  readonly requiredServices: Hex64;
  /** Whether we ask for transactions (BIP37 relay). */
  readonly relay: boolean;
  /**
   * Most useless messages (dropped ones and any before verack) of one peer in `floodWindow`; 0 for no limit. Core has no such
   * limit, so the default is far above what any node sends: 1,000 a minute.
   */
  readonly maxUseless: number;
  /** The same for pings, each of which we answer: 1,000,000 a minute. */
  readonly maxPings: number;
  /** The period of the two limits, milliseconds. */
  readonly floodWindow: number;
}

/** The context of the peer machine. Flat, small, JSON-safe; names as in `getpeerinfo`. */
export interface PeerContext {
  readonly id: number;
  readonly connection_type: ConnectionType;
  /** The user exempted the address (Core: the permission `noban`). */
  readonly noban: boolean;
  readonly rules: Rules;
  /** When TCP opened for a key exchange; -1 before, and on v1. */
  readonly connectedat: number;
  /** When messages could be sent; -1 before. */
  readonly openedat: number;
  /** When their `version` was received; -1 before. */
  readonly versionat: number;
  /** When their `verack` was received; -1 before. */
  readonly establishedat: number;
  /** What remained of the handshake timeout when the link opened, milliseconds. */
  readonly handshakeleft: number;
  /** Their protocol version; 0 before their `version` was received. */
  readonly version: number;
  readonly services: Hex64;
  readonly subver: string;
  readonly startingheight: number;
  readonly timeoffset: number;
  readonly relaytxes: boolean;
  readonly addrlocal: string;
  readonly wtxidrelay: boolean;
  readonly sendaddrv2: boolean;
  readonly sendheaders: boolean;
  /** BIP152: -1 before their `sendcmpct`, then its announce flag (0 low bandwidth, 1 high bandwidth). */
  readonly sendcmpct: number;
  readonly minfeefilter: Hex64;
  /** BIP434 feature ids, in order, at most {@link MAX_FEATURES}. */
  readonly features: readonly string[];
  /** The nonce of the unanswered ping; empty when there is none. */
  readonly pingnonce: MaybeHex64;
  /** When the last ping was sent; -1 before the first. */
  readonly pingsentat: number;
  /** Last round trip, milliseconds; -1 before the first pong. */
  readonly pingtime: number;
  /** Shortest round trip, milliseconds; -1 before the first pong. */
  readonly minping: number;
  /** Their `getaddr` was received; further ones are not answered. */
  readonly getaddr: boolean;
  /** The contents of their last `reject`; empty without one. */
  readonly reject: string;
  /** The `version` on an accepted connection contained the nonce of this one. */
  readonly selfnonce: boolean;
  /** The last message that was dropped during the handshake, as `command: CODE`; empty when none was. */
  readonly dropped: string;
  /** Set by the transition into a final state. */
  readonly reason: Reason | null;
}

/** Most BIP434 feature ids that are stored for one peer; further ones are ignored. */
export const MAX_FEATURES = 64;
/** Most characters of the contents of a `reject`. */
export const MAX_REJECT_TEXT = 160;

/** The input of a peer actor. */
export interface PeerInput {
  readonly id: number;
  readonly connection_type: ConnectionType;
  /** Default false. */
  readonly noban?: boolean;
  readonly rules: Rules;
}

/** The events of the transport machine: what the first bytes of a connection are (BIP324). */
export type TransportEvent =
  | { readonly type: 'link.connected' }
  /** The first byte arrived, with any value: from now on no fallback to v1 after silence (Core: `ShouldReconnectV1`). */
  | { readonly type: 'bytes.arrived' }
  /** The first 16 bytes are those of a v1 `version` of our network. */
  | { readonly type: 'bytes.v1' }
  /** A byte differs from the first 16 bytes of a v1 `version`. */
  | { readonly type: 'bytes.v2' }
  /** Their 64-byte key is complete. */
  | { readonly type: 'bytes.key' }
  /** Their garbage terminator was found after `size` bytes of garbage. */
  | { readonly type: 'bytes.garbage'; readonly size: number }
  | { readonly type: 'packet.decoy' }
  | { readonly type: 'packet.version' }
  | { readonly type: 'bytes.broken'; readonly code: V2Code; readonly facts: Facts }
  | { readonly type: 'link.closed'; readonly code: LinkCode };

/** Every event of the transport machine. */
export const TRANSPORT_EVENTS = [
  'link.connected',
  'bytes.arrived',
  'bytes.v1',
  'bytes.v2',
  'bytes.key',
  'bytes.garbage',
  'packet.decoy',
  'packet.version',
  'bytes.broken',
  'link.closed',
] as const satisfies readonly TransportEvent['type'][];

/** The context of the transport machine. */
export interface TransportContext {
  readonly id: number;
  readonly role: 'initiator' | 'responder';
  /** Refuse v1 rather than use it. */
  readonly v2only: boolean;
  /** Milliseconds from the open TCP connection; the same as {@link Rules.handshakeTimeout}. */
  readonly handshakeTimeout: number;
  /** `v2` once our key is sent; until then the first bytes of the peer decide. */
  readonly transport: 'detecting' | 'v2';
  /** Whether a byte has arrived. */
  readonly received: boolean;
  /** Size of their garbage, bytes; -1 before its terminator was found. */
  readonly garbage: number;
  /** Number of decoys before their version packet. */
  readonly decoys: number;
  readonly reason: Reason | null;
}

/** The input of a transport actor. */
export type TransportInput = Pick<TransportContext, 'id' | 'role' | 'v2only' | 'handshakeTimeout'>;

/** The events of the outbound machine. `draw` is a random number in [0, 1), for the jitter of the backoff. */
export type OutboundEvent =
  | { readonly type: 'user.dial' }
  /** The name has these addresses, `host:port` each: 1 to {@link MAX_ADDRESSES}. */
  | { readonly type: 'lookup.done'; readonly addresses: readonly string[] }
  | { readonly type: 'lookup.failed'; readonly reason: Reason; readonly draw: number }
  | { readonly type: 'slot.granted' }
  | { readonly type: 'slot.refused'; readonly reason: Reason; readonly draw: number }
  | { readonly type: 'peer.established' }
  /**
   * The connection has ended. `unanswered`: it was a BIP324 attempt, and no byte was received. `speaksv1`: it was a BIP324
   * attempt, and the peer sent a v1 header. `lasted`: milliseconds from the complete handshake to the end, 0 without one.
   */
  | {
      readonly type: 'peer.ended';
      readonly reason: Reason;
      readonly unanswered: boolean;
      readonly speaksv1: boolean;
      readonly lasted: number;
      readonly draw: number;
    }
  | { readonly type: 'user.close' };

/** Every event of the outbound machine. */
export const OUTBOUND_EVENTS = [
  'user.dial',
  'lookup.done',
  'lookup.failed',
  'slot.granted',
  'slot.refused',
  'peer.established',
  'peer.ended',
  'user.close',
] as const satisfies readonly OutboundEvent['type'][];

/** Most addresses of one name that are dialled in a round (Core: 32 of each DNS seed). */
export const MAX_ADDRESSES = 32;

/** The context of the outbound machine. */
export interface OutboundContext {
  readonly id: number;
  readonly connection_type: OutboundConnectionType;
  /** The name to look up at the start of each round; empty when the addresses were given. */
  readonly name: string;
  /** `host:port` each. */
  readonly addresses: readonly string[];
  /** Index of the current address. */
  readonly current: number;
  /** Dial again, with increasing delays, when a round has failed or the connection has ended. */
  readonly persistent: boolean;
  /** Dial with BIP324 first. */
  readonly v2: boolean;
  /** Never dial with v1. */
  readonly v2only: boolean;
  /** Addresses that do not support BIP324. */
  readonly v1addresses: readonly string[];
  /** Whether a handshake was ever completed. */
  readonly established: boolean;
  /** Number of rounds in succession that failed, or whose connection ended before `BACKOFF_RESET_AFTER`. */
  readonly failures: number;
  /** Number of rounds in succession that ended in a connection to this node itself. */
  readonly selfconnections: number;
  /** Delay until the next round, milliseconds. */
  readonly delay: number;
  /** Why the last attempt ended; null before. */
  readonly reason: Reason | null;
}

/** The input of an outbound actor. */
export type OutboundInput = Pick<
  OutboundContext,
  'id' | 'connection_type' | 'name' | 'addresses' | 'persistent' | 'v2' | 'v2only'
>;

/** The types of long-lived automatic connections, which fill slots. */
export type SlotType = 'outbound-full-relay' | 'block-relay-only';

/** The events of the supervisor machine. A `ticket` identifies the target or the accepted link that waits for the answer. */
export type SupervisorEvent =
  /**
   * A target asks for an outbound slot. `known`: a connection to that address exists or is being opened. `grouped`: the
   * target is automatic, and a long-lived outbound connection to its IPv4 or IPv6 netgroup exists.
   */
  | {
      readonly type: 'slot.requested';
      readonly ticket: number;
      readonly known: boolean;
      readonly grouped: boolean;
    }
  /** A listener accepted a link. */
  | ({ readonly type: 'link.accepted'; readonly ticket: number } & AcceptedFacts)
  /** The inbound peer to evict for the accepted link, selected by the rules of eviction.ts. `id`: 0 for none. */
  | { readonly type: 'eviction.selected'; readonly ticket: number; readonly id: number }
  /** A connection has ended, for any reason. */
  | { readonly type: 'peer.ended'; readonly id: number; readonly inbound: boolean }
  /** Start to fill the outbound slots. `anchors`: number of block-relay-only peers of the last run. `draw`: as in {@link OutboundEvent}. */
  | { readonly type: 'user.fill'; readonly anchors: number; readonly draw: number }
  /** The source has answered with `count` candidates. */
  | { readonly type: 'candidates.found'; readonly count: number; readonly draw: number }
  /** An automatic target has completed its first handshake. */
  | { readonly type: 'target.established' }
  /** An automatic target has ended. `established`: it had completed a handshake. */
  | {
      readonly type: 'target.ended';
      readonly connection_type: SlotType;
      readonly established: boolean;
      readonly draw: number;
    }
  /** The feeler timer has fired. */
  | { readonly type: 'feeler.due'; readonly draw: number }
  /** The source has answered; `exists`: it has an address for a feeler. */
  | { readonly type: 'feeler.found'; readonly exists: boolean }
  /** The feeler has ended. */
  | { readonly type: 'feeler.ended' }
  | { readonly type: 'user.stop' };

/** What is known about the address of an accepted link. For a whitelisted address: false, empty and 0. */
export interface AcceptedFacts {
  /** The user has banned its address. */
  readonly banned: boolean;
  /** A peer at its address has misbehaved. */
  readonly discouraged: boolean;
  /** The limit that its source would exceed; empty for none. */
  readonly exceeds: SourceLimit | '';
  /** Number of free slots that are reserved for the whitelist; this link may not use them. */
  readonly reserved: number;
}

/** A limit for one source (a /24 of IPv4, a /64 of IPv6): new connections per second, unfinished handshakes, established peers. */
export type SourceLimit = 'rate' | 'handshakes' | 'peers';

/** Every event of the supervisor machine. */
export const SUPERVISOR_EVENTS = [
  'slot.requested',
  'link.accepted',
  'eviction.selected',
  'peer.ended',
  'user.fill',
  'candidates.found',
  'target.established',
  'target.ended',
  'feeler.due',
  'feeler.found',
  'feeler.ended',
  'user.stop',
] as const satisfies readonly SupervisorEvent['type'][];

/** Why the supervisor refuses a slot or an accepted link. */
export type RefusalCode =
  | 'ERR_POLICY_FULL'
  | 'ERR_POLICY_BANNED'
  | 'ERR_POLICY_DISCOURAGED'
  | 'ERR_POLICY_RATE'
  | 'ERR_POLICY_PENDING'
  | 'ERR_POLICY_SOURCE'
  | 'ERR_POLICY_DUPLICATE'
  | 'ERR_POLICY_NETGROUP'
  | 'ERR_LOCAL_CANCELLED';

/** The context of the supervisor machine. It has counts, not lists: the tracker (src/node/tracker.ts) has the list of peers. */
export interface SupervisorContext {
  readonly inbound: number;
  readonly outbound: number;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  /** How long to wait for connections to close, milliseconds. */
  readonly drainTimeout: number;
  /** Number of automatic outbound connections to maintain, without feelers. */
  readonly wanted: number;
  /** Number of block-relay-only connections among {@link wanted}. */
  readonly blockwanted: number;
  /** True: a slot that was filled once is not filled again, and the source is asked once. */
  readonly once: boolean;
  /** Number of automatic targets, without feelers. */
  readonly targets: number;
  /** Number of block-relay-only targets among {@link targets}. */
  readonly blocktargets: number;
  /** Number of candidates that were not dialled yet. */
  readonly candidates: number;
  /** Number of targets to create now. */
  readonly opening: number;
  /** Number of block-relay-only targets among {@link opening}. */
  readonly blockopening: number;
  /** Number of answers of the source since a candidate was last reached; it decides {@link delay}. */
  readonly rounds: number;
  /** Whether the outcome of the automatic connections is known: a target completed a handshake, or none was reachable. */
  readonly hasOutcome: boolean;
  /** Delay until the source is asked again, milliseconds. */
  readonly delay: number;
  /** Average time between two feelers, milliseconds; 0 for no feelers. */
  readonly feelerInterval: number;
  /** Random time until the next feeler, milliseconds. */
  readonly feelerdelay: number;
  /** Whether a feeler is open or its address was requested from the source; at most one at a time. */
  readonly feeleropen: boolean;
}

/** The input of a supervisor actor. */
export type SupervisorInput = Pick<
  SupervisorContext,
  'maxinbound' | 'maxoutbound' | 'drainTimeout' | 'wanted' | 'blockwanted' | 'once' | 'feelerInterval'
>;
