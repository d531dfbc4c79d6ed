/**
 * The contract of the machines: every event, effect, context, input and rule, as plain types and lists.
 *
 * Events are `<source>.<fact>`, effects `effect.<verb>`. Everything is JSON-safe: a 64-bit value is 16 hex digits of
 * its numeric value (most significant first), a time (`at`) is milliseconds of the node's monotonic clock. The set is
 * closed: no event type is built from what a peer sent, because XState caches each distinct type and never frees it.
 *
 * Data-plane traffic (inv, tx, block, headers …) is not an event: it is counted and passed to listeners outside.
 */
import type { BrokenCode, DialCode, DropCode, Facts, LinkCode, Reason, V2Code } from '../src/reasons.js';

/** The type of a connection, as `connection_type` in `getpeerinfo`. */
export const CONNECTION_TYPES = [
  'inbound',
  'manual',
  'outbound-full-relay',
  'block-relay-only',
  'feeler',
  'addr-fetch',
] as const;
/** One of {@link CONNECTION_TYPES}, in the words of `getpeerinfo`. */
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** 16 hex digits. */
export type Hex64 = string;
/** 16 hex digits, or empty for none. */
export type MaybeHex64 = string;

/** The fields of a peer's `version` message that the machine uses. */
export interface VersionFacts {
  readonly version: number;
  readonly services: Hex64;
  /** Their clock minus ours, seconds. */
  readonly timeoffset: number;
  readonly nonce: Hex64;
  /** User agent for display: printable ASCII, anything else replaced. At most 256 characters. */
  readonly subver: string;
  readonly startingheight: number;
  readonly relaytxes: boolean;
  /** Our address as the peer sees it, `host:port`; empty when it does not say. */
  readonly addrlocal: string;
  /** The nonce is that of a connection we are dialling right now (Core's CheckIncomingNonce). */
  readonly ownnonce: boolean;
  /** Set when only the first 46 bytes could be decoded: Core checks services and version, then drops the message. */
  readonly fault?: DropCode;
}

/** The events of the peer machine. */
export type PeerEvent =
  /** TCP is open, and a key exchange begins: the connect deadline no longer counts. Not sent on v1. */
  | { readonly type: 'link.connected'; readonly at: number }
  /** Application bytes can flow. `elapsed`: milliseconds since TCP opened (0 unless a key exchange came first). */
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
  /** `valid`: the payload keeps BIP434's rules (id of 4..80 bytes, data of 0..512, nothing after). */
  | { readonly type: 'wire.feature'; readonly id: string; readonly valid: boolean }
  | { readonly type: 'wire.sendheaders' }
  | { readonly type: 'wire.sendcmpct'; readonly announce: number; readonly version: Hex64 }
  | { readonly type: 'wire.feefilter'; readonly feerate: Hex64 }
  /** `nonce` is empty for the old ping without one. */
  | { readonly type: 'wire.ping'; readonly nonce: MaybeHex64 }
  /** `nonce` is empty when the payload is shorter than 8 bytes. */
  | { readonly type: 'wire.pong'; readonly at: number; readonly nonce: MaybeHex64 }
  | { readonly type: 'wire.getaddr' }
  /** BIP61: `said` is the rejected command, its code's name and the reason, printable, at most {@link MAX_SAID} characters. */
  | { readonly type: 'wire.reject'; readonly said: string }
  /** `addr` or `addrv2`, 0..1000 entries. */
  | { readonly type: 'wire.addr'; readonly count: number }
  /** A list longer than the protocol allows. */
  | { readonly type: 'wire.excess'; readonly command: string; readonly count: number; readonly limit: number }
  /** A request for, or a message of, a service that our `version` did not offer. */
  | { readonly type: 'wire.unoffered'; readonly command: string }
  /** A message was dropped and the connection kept; `command` is printable, at most 12 characters. */
  | { readonly type: 'wire.dropped'; readonly code: DropCode; readonly command: string }
  /** No more messages can be read from the byte stream. */
  | { readonly type: 'wire.broken'; readonly code: BrokenCode | V2Code; readonly facts: Facts }
  /**
   * More than `limit` messages within `ms`: dropped ones and any before verack (`useless`), or pings. `unfinished`: the peer's
   * message was not complete within `ms`, while all unfinished ones took `limit` bytes and others waited for it.
   */
  | { readonly type: 'wire.flooded'; readonly what: FloodKind; readonly limit: number; readonly ms: number }
  /**
   * Sent at `nextDeadline`; `lastrecv` and `lastsend` are times, `nonce` is fresh. `stalledat`: since when
   * `pending` bytes wait to be sent and the peer has taken none; -1 when none wait.
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
  /** The process was suspended for `ms`: all timestamps move by that. */
  | { readonly type: 'clock.jump'; readonly ms: number }
  | { readonly type: 'user.close' }
  /** A connection was accepted whose `version` carried the nonce of this one. */
  | { readonly type: 'supervisor.self' }
  /** The slot of this inbound connection is given to a newer one. */
  | { readonly type: 'supervisor.evicted' };

/** The kind of traffic that exceeded a limit: messages that are of no use, pings, or bytes of unfinished messages. */
export type FloodKind = 'useless' | 'ping' | 'unfinished';

/** Codes of a link that did not open. */
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
] as const satisfies readonly PeerEventType[];

/** Makes the list above complete: an event of the type that the list lacks does not compile. */
type Unlisted = Exclude<PeerEventType, (typeof PEER_EVENTS)[number]>;
const _complete: [Unlisted] extends [never] ? true : Unlisted = true;
void _complete;

/** A message to send, as data. The connection fills in the body of `version`, because it has the clock and the nonce. */
export type Outgoing =
  | { readonly command: 'version' }
  | { readonly command: 'alert' }
  | { readonly command: 'verack' | 'wtxidrelay' | 'sendaddrv2' | 'getaddr' }
  | { readonly command: 'sendcmpct'; readonly announce: number; readonly version: Hex64 }
  | { readonly command: 'feefilter'; readonly feerate: Hex64 }
  | { readonly command: 'ping' | 'pong'; readonly nonce: MaybeHex64 };

/**
 * Messages that are sent in one write: our `version`; what follows their `version`, up to our `verack`; what follows their
 * `verack`; a ping; a pong. The messages of each are in message-sequences.ts.
 */
export type MessageSequence = 'version' | 'negotiation' | 'postHandshake' | 'ping' | 'pong';

/** The effects of the peer machine. */
export type PeerEffect =
  | { readonly type: 'effect.dial' }
  | { readonly type: 'effect.send'; readonly sequence: MessageSequence }
  /** Answer `getaddr` from the address book, if there is one. */
  | { readonly type: 'effect.sendAddresses' }
  /** `flush`: send what is already written before closing. */
  | { readonly type: 'effect.close'; readonly flush: boolean };

/** The deadlines (milliseconds) and other rules of a node. One object, shared by all its peers. */
export interface Rules {
  /** From the start of a dial to an open connection. Core: `-timeout`, 5,000. */
  readonly connectTimeout: number;
  /** From an open TCP connection to their verack; nothing extends it. Core: `-peertimeout`, 60,000. */
  readonly handshakeTimeout: number;
  /** From one ping to the next, once the first is answered. Core: 120,000. */
  readonly pingInterval: number;
  /** From a ping to its pong. Core: 1,200,000. */
  readonly pongTimeout: number;
  /** Without a byte received, or without a byte sent. Core: 1,200,000. */
  readonly idleTimeout: number;
  /** While bytes wait to be sent and the peer takes none. Core: 1,200,000 ("socket sending timeout"). */
  readonly stallTimeout: number;
  /** Longest duration of an addr-fetch connection. Core: 300,000. */
  readonly addrFetchTimeout: number;
  /** An addr message with more entries than this ends an addr-fetch connection. Core: 1, since a node sends its own address first. */
  readonly addrFetchEntries: number;
  /** The protocol version that we announce. */
  readonly version: number;
  /** Versions below are refused. Core: 31,800. */
  readonly minVersion: number;
  /** Services that automatic outbound peers must offer. Core: NETWORK and WITNESS. */
  readonly requiredServices: Hex64;
  /** Whether we ask for transactions (BIP37 relay). */
  readonly relay: boolean;
  /**
   * How many messages one peer may send within `floodWindow` milliseconds: dropped ones and any before verack; and pings,
   * each of which we answer. 0: no limit. Core has no such limits, so the defaults are far above what any node sends:
   * 1,000 and 1,000,000 a minute.
   */
  readonly maxUseless: number;
  readonly maxPings: number;
  readonly floodWindow: number;
}

/** The context of the peer machine. Flat, small, JSON-safe; names as in `getpeerinfo`. */
export interface PeerContext {
  readonly id: number;
  readonly connection_type: ConnectionType;
  /** Exempted by the user (Core: the permission `noban`). */
  readonly noban: boolean;
  readonly rules: Rules;
  /** When TCP opened for a key exchange; -1 before, and on plain v1. */
  readonly connectedat: number;
  /** When application bytes could flow, when their version came, when their verack came; -1 before. */
  readonly openedat: number;
  readonly versionat: number;
  readonly establishedat: number;
  /** What remained of the handshake deadline when the link opened, milliseconds. */
  readonly handshakeleft: number;
  /** Their protocol version; 0 before it came. */
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
  /** BIP152: -1 not announced, else their announce flag (0 low, 1 high bandwidth). */
  readonly sendcmpct: number;
  readonly minfeefilter: Hex64;
  /** BIP434 feature ids, in order, at most {@link MAX_FEATURES}. */
  readonly features: readonly string[];
  /** The nonce of the ping whose pong is awaited; empty when none is. */
  readonly pingnonce: MaybeHex64;
  /** -1 before the first ping. */
  readonly pingsentat: number;
  /** Round trip, milliseconds; -1 before the first pong. */
  readonly pingtime: number;
  readonly minping: number;
  /** Their `getaddr` came; another one gets no answer. */
  readonly getaddr: boolean;
  /** What their last `reject` said; empty without one. */
  readonly said: string;
  /** An accepted connection carried the nonce of this one. */
  readonly selfnonce: boolean;
  /** The last message that was dropped during the handshake, as `command: CODE`; empty when none was. */
  readonly dropped: string;
  /** Set on the way into a final state. */
  readonly reason: Reason | null;
}

/** BIP434 feature ids that are kept of one peer; further ones are ignored. */
export const MAX_FEATURES = 64;
/** Characters of what a `reject` said. */
export const MAX_SAID = 160;

/** The input of a peer actor. */
export interface PeerInput {
  readonly id: number;
  readonly connection_type: ConnectionType;
  /** Default false. */
  readonly noban?: boolean;
  readonly rules: Rules;
}

/** The events of the transport machine: facts about the first bytes of a connection (BIP324). */
export type TransportEvent =
  | { readonly type: 'link.connected' }
  /** The first byte arrived, whatever it is: after it, no fallback to v1 (Core: ShouldReconnectV1). */
  | { readonly type: 'bytes.arrived' }
  /** The first 16 bytes are those of a v1 `version` of our network. */
  | { readonly type: 'bytes.v1' }
  /** A byte differs from the first 16 bytes of a v1 `version`. */
  | { readonly type: 'bytes.v2' }
  /** Their 64-byte key is complete. */
  | { readonly type: 'bytes.key' }
  /** Their terminator was found, behind `size` bytes of garbage. */
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

/** The effects of the transport machine. */
export type TransportEffect =
  /** Our key and garbage. */
  | { readonly type: 'effect.sendKey' }
  /** Our terminator, decoys and version packet. */
  | { readonly type: 'effect.sendTerminator' }
  /** Application bytes can flow. */
  | { readonly type: 'effect.ready' }
  /** The exchange failed, and v1 may be tried on a new connection. */
  | { readonly type: 'effect.fallBack' }
  /** The exchange failed; the context says why. */
  | { readonly type: 'effect.giveUp' };

/** The context of the transport machine. */
export interface TransportContext {
  readonly id: number;
  readonly role: 'initiator' | 'responder';
  /** Refuse v1 rather than use it. */
  readonly v2only: boolean;
  /** Milliseconds from TCP open; the same deadline as the handshake's. */
  readonly handshakeTimeout: number;
  /** `v2` once our key is sent; until then the first bytes of the peer decide. */
  readonly transport: 'detecting' | 'v2';
  /** Whether a byte has arrived. */
  readonly received: boolean;
  /** Their garbage, bytes; -1 before its end was found. */
  readonly garbage: number;
  /** Decoys before their version packet. */
  readonly decoys: number;
  readonly reason: Reason | null;
}

/** The input of a transport actor. */
export type TransportInput = Pick<TransportContext, 'id' | 'role' | 'v2only' | 'handshakeTimeout'>;

/** The events of the outbound machine. `draw` is a random number in [0, 1), for the jitter of the backoff. */
export type OutboundEvent =
  | { readonly type: 'user.dial' }
  /** The addresses of the name, `host:port` each: at least one, at most {@link MAX_ADDRESSES}. */
  | { readonly type: 'lookup.done'; readonly addresses: readonly string[] }
  | { readonly type: 'lookup.failed'; readonly reason: Reason; readonly draw: number }
  | { readonly type: 'slot.granted' }
  | { readonly type: 'slot.refused'; readonly reason: Reason; readonly draw: number }
  | { readonly type: 'peer.established' }
  /**
   * The connection has ended. `unanswered`: it was a BIP324 attempt, and no byte came back after ours were sent. `speaksv1`:
   * it was a BIP324 attempt, and it ended because the peer sent a v1 header. `lasted`: milliseconds since it was
   * established, 0 when it never was.
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

/** The effects of the outbound machine. */
export type OutboundEffect =
  /** Look up `name`; answer with `lookup.done` or `lookup.failed`. */
  | { readonly type: 'effect.lookUp' }
  | { readonly type: 'effect.cancelLookUp' }
  /** Ask the supervisor for a slot for the current address; the answer is `slot.granted` or `slot.refused`. */
  | { readonly type: 'effect.requestSlot' }
  /** Create the peer of the current address. */
  | { readonly type: 'effect.connect' }
  /** Close the peer; `peer.ended` follows. */
  | { readonly type: 'effect.disconnect' }
  /** The connection has ended. */
  | { readonly type: 'effect.reportEnd' }
  /** The connection has ended, and the same address is dialled again as v1. */
  | { readonly type: 'effect.reportFallback' }
  /** The next round begins after `delay`. */
  | { readonly type: 'effect.reportRetry' }
  /** No more rounds follow, although the caller asked for them. */
  | { readonly type: 'effect.reportAbandoned' }
  /** The round is over, and no connection is open: pending promises of the target are settled. `isOver`: no round follows. */
  | { readonly type: 'effect.settle'; readonly isOver: boolean };

/** How many addresses of one name are dialled in a round (Core: 32 of each DNS seed). */
export const MAX_ADDRESSES = 32;

/** The context of the outbound machine. */
export interface OutboundContext {
  readonly id: number;
  readonly connection_type: Exclude<ConnectionType, 'inbound'>;
  /** The name to look up at the start of each round; empty when the addresses were given. */
  readonly name: string;
  /** `host:port` each. */
  readonly addresses: readonly string[];
  /** Index of the current address. */
  readonly current: number;
  /** Dial again, with backoff, when a round has failed or the connection has ended. */
  readonly persistent: boolean;
  /** Try BIP324 first. */
  readonly v2: boolean;
  /** Never use v1. */
  readonly v2only: boolean;
  /** Addresses that do not support BIP324. */
  readonly v1addresses: readonly string[];
  /** Whether a handshake was ever completed. */
  readonly established: boolean;
  /** Failed rounds since the last connection that lasted. */
  readonly failures: number;
  /** Rounds that ended in a connection to this node itself. */
  readonly selfconnections: number;
  /** Until the next round, milliseconds. */
  readonly delay: number;
  /** How the latest attempt ended; null before. */
  readonly reason: Reason | null;
}

/** The input of an outbound actor. */
export type OutboundInput = Pick<
  OutboundContext,
  'id' | 'connection_type' | 'name' | 'addresses' | 'persistent' | 'v2' | 'v2only'
>;

/** The types of the automatic connections that last. */
export type SlotType = 'outbound-full-relay' | 'block-relay-only';

/** The events of the supervisor machine. A `ticket` identifies the target or the accepted link that waits outside. */
export type SupervisorEvent =
  /**
   * A target asks for an outbound slot. `known`: a connection to that address exists or is being opened. `grouped`: the
   * target is automatic, and a lasting outbound connection to its IPv4 or IPv6 netgroup exists.
   */
  | {
      readonly type: 'slot.requested';
      readonly ticket: number;
      readonly known: boolean;
      readonly grouped: boolean;
    }
  /** A listener accepted a link. */
  | ({ readonly type: 'link.accepted'; readonly ticket: number } & AcceptedFacts)
  /** The inbound peer that is evicted for the accepted link, by the rules of eviction.ts; 0 for none. */
  | { readonly type: 'eviction.selected'; readonly ticket: number; readonly id: number }
  /** A peer actor has stopped, for whatever reason. */
  | { readonly type: 'peer.ended'; readonly id: number; readonly inbound: boolean }
  /** Fill the outbound slots. `anchors`: block-relay-only peers of the last run. */
  | { readonly type: 'user.fill'; readonly anchors: number; readonly draw: number }
  /** The source of candidates has answered with so many. `draw`: as in {@link OutboundEvent}. */
  | { readonly type: 'candidates.found'; readonly count: number; readonly draw: number }
  /** An automatic target has a connection. */
  | { readonly type: 'target.established' }
  /** An automatic target is over. */
  | {
      readonly type: 'target.ended';
      readonly connection_type: SlotType;
      readonly established: boolean;
      readonly draw: number;
    }
  /** The time between two feelers has passed. */
  | { readonly type: 'feeler.due'; readonly draw: number }
  /** The source has an address for a feeler, or none. */
  | { readonly type: 'feeler.found'; readonly exists: boolean }
  /** A feeler is over. */
  | { readonly type: 'feeler.ended' }
  | { readonly type: 'user.stop' };

/** What is known of an accepted link from its address. For an address of the whitelist nothing of it is true. */
export interface AcceptedFacts {
  /** The user has banned its address. */
  readonly banned: boolean;
  /** A peer at its address has misbehaved. */
  readonly discouraged: boolean;
  /** The limit that its source would exceed; empty for none. */
  readonly exceeds: SourceLimit | '';
  /** Free slots that are reserved for the whitelist: this link may not take them. */
  readonly reserved: number;
}

/** What one source (a /24, IPv6: a /64) can have too much of: new connections per second, unfinished handshakes, peers. */
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

/** The effects of the supervisor machine; the ticket is that of the event. */
export type SupervisorEffect =
  /** The target of the ticket may connect. */
  | { readonly type: 'effect.grantSlot' }
  | { readonly type: 'effect.refuseSlot'; readonly code: RefusalCode }
  /** Create the peer of the accepted link. */
  | { readonly type: 'effect.accept' }
  /** Close the accepted link without a byte. */
  | { readonly type: 'effect.refuse'; readonly code: RefusalCode }
  /** Select the inbound peer to evict; the answer is `eviction.selected`. */
  | { readonly type: 'effect.selectPeerToEvict' }
  /** Close the selected peer with `ERR_POLICY_EVICTED`. */
  | { readonly type: 'effect.evict' }
  /** Ask the source for candidates; the answer is `candidates.found`. */
  | { readonly type: 'effect.findCandidates' }
  /** Create a target for each of the next `opening` candidates, the last `blockopening` of them block-relay-only. */
  | { readonly type: 'effect.openTargets' }
  /** Create a block-relay-only target for each of the first `opening` anchors. */
  | { readonly type: 'effect.openAnchors' }
  /** Send `feeler.due` after `feelerdelay`; 0: never. */
  | { readonly type: 'effect.armFeeler' }
  /** Ask the source for an address to test; the answer is `feeler.found`. */
  | { readonly type: 'effect.findFeeler' }
  /** Create a feeler to that address. */
  | { readonly type: 'effect.openFeeler' }
  /** Every candidate was tried and none could be reached; sent once. */
  | { readonly type: 'effect.reportUnreachable' }
  /** With `once`: nothing more will be dialled. */
  | { readonly type: 'effect.reportFilled' }
  /** Close every peer after its last message is sent, and every target. */
  | { readonly type: 'effect.drain' }
  /** Destroy every remaining peer. */
  | { readonly type: 'effect.kill' };

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

/** Counts, not lists: the tracker keeps the peers. */
export interface SupervisorContext {
  readonly inbound: number;
  readonly outbound: number;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  /** How long to wait for peers to close, milliseconds. */
  readonly drainTimeout: number;
  /** Automatic outbound connections to hold, feelers not counted; how many of them are block-relay-only. */
  readonly wanted: number;
  readonly blockwanted: number;
  /** Each candidate is dialled for one connection, and a slot that was filled once is not filled again. */
  readonly once: boolean;
  /** Automatic targets that exist, feelers not counted; how many of them are block-relay-only. */
  readonly targets: number;
  readonly blocktargets: number;
  /** Candidates that were not dialled yet. */
  readonly candidates: number;
  /** Targets to create now; how many of them are block-relay-only. */
  readonly opening: number;
  readonly blockopening: number;
  /** Answers of the source so far. */
  readonly rounds: number;
  /** Whether an automatic target ever had a connection, or its absence was reported. */
  readonly reached: boolean;
  /** Until the source is asked again, milliseconds. */
  readonly delay: number;
  /** Between two feelers, on average and this time, milliseconds; 0 for no feelers. */
  readonly feelerInterval: number;
  readonly feelerdelay: number;
  /** Whether a feeler is under way, or its address is looked for: one at a time. */
  readonly feeling: boolean;
}

/** The input of a supervisor actor. */
export type SupervisorInput = Pick<
  SupervisorContext,
  'maxinbound' | 'maxoutbound' | 'drainTimeout' | 'wanted' | 'blockwanted' | 'once' | 'feelerInterval'
>;
