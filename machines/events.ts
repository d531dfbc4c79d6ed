/**
 * The alphabet: every event that can enter a machine, every effect that can leave one, every deadline. One page, data only.
 *
 * Events are `<source>.<fact>`, effects `effect.<verb>`. Everything is JSON-safe: a 64-bit value is 16 hex digits of
 * its numeric value (most significant first), a moment (`at`) is milliseconds of the node's monotonic clock. The set is
 * closed: no event type is ever built from what a peer sent, because XState remembers each type it has seen for ever.
 *
 * Data-plane traffic (inv, tx, block, headers …) does not appear here: it is counted and handed to listeners outside.
 */
import type { BrokenCode, DialCode, DropCode, Facts, LinkCode, Reason, V2Code } from '../src/reasons.js';

/** How a connection came to be, in the words of `getpeerinfo`'s `connection_type`. */
export const CONNECTION_TYPES = [
  'inbound',
  'manual',
  'outbound-full-relay',
  'block-relay-only',
  'feeler',
  'addr-fetch',
] as const;
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** 16 hex digits. */
export type Hex64 = string;
/** 16 hex digits, or empty for none. */
export type MaybeHex64 = string;

/** The facts of a peer's `version` message that a decision can rest on. */
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
  /** The nonce is that of a connection we are dialling right now (Core's CheckIncomingNonce). */
  readonly ownnonce: boolean;
  /** Set when only the first 46 bytes could be read: Core judges services and version first, then drops the message. */
  readonly fault?: DropCode;
}

/** What the peer machine understands. */
export type PeerEvent =
  /** TCP is open, and a key exchange begins: the limit on the dial no longer counts. Not sent on plain v1. */
  | { readonly type: 'link.connected'; readonly at: number }
  /** Application bytes can flow. `elapsed`: milliseconds since TCP opened (0 unless a key exchange came first). */
  | { readonly type: 'link.open'; readonly at: number; readonly elapsed: number }
  /** The dial came to nothing, or the key exchange did. */
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
  /** `addr` or `addrv2`, 0..1000 entries. */
  | { readonly type: 'wire.addr'; readonly count: number }
  /** A list longer than the protocol allows. */
  | { readonly type: 'wire.excess'; readonly command: string; readonly count: number; readonly limit: number }
  /** A request for, or a message of, a service that our `version` did not offer. */
  | { readonly type: 'wire.unoffered'; readonly command: string }
  /** A message was dropped and the connection kept; `command` is printable, at most 12 characters. */
  | { readonly type: 'wire.dropped'; readonly code: DropCode; readonly command: string }
  /** The byte stream cannot be followed any further. */
  | { readonly type: 'wire.broken'; readonly code: BrokenCode | V2Code; readonly facts: Facts }
  /** More than `limit` messages within `ms` that serve nobody: dropped ones and any before verack (`useless`), or pings. */
  | { readonly type: 'wire.flooded'; readonly what: FloodKind; readonly limit: number; readonly ms: number }
  /**
   * Sent when `nextDeadline` has come; `lastrecv` and `lastsend` are moments, `nonce` is fresh. `stalledat`: since when
   * `pending` bytes wait to be sent and none has been taken; -1 when none wait.
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
  /** Time passed without us (a suspended machine): everything measured so far moves by `ms`. */
  | { readonly type: 'clock.jump'; readonly ms: number }
  | { readonly type: 'user.close' }
  /** The accepting end of this very connection has recognised our nonce. */
  | { readonly type: 'supervisor.self' };

export type FloodKind = 'useless' | 'ping';

/** Why application bytes never flowed. */
export type UnopenedCode = DialCode | LinkCode | V2Code | 'ERR_TIME_HANDSHAKE' | 'ERR_POLICY_TRANSPORT';

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
] as const satisfies readonly PeerEventType[];

/** Makes the list above complete: naming an event in the type and not in the list does not compile. */
type Unlisted = Exclude<PeerEventType, (typeof PEER_EVENTS)[number]>;
const _complete: [Unlisted] extends [never] ? true : Unlisted = true;
void _complete;

/** A message we send, as data. The body of `version` is filled in by the session, which knows the clock and the nonce. */
export type Outgoing =
  | { readonly command: 'version' }
  | { readonly command: 'alert' }
  | { readonly command: 'verack' | 'wtxidrelay' | 'sendaddrv2' | 'getaddr' }
  | { readonly command: 'sendcmpct'; readonly announce: number; readonly version: Hex64 }
  | { readonly command: 'feefilter'; readonly feerate: Hex64 }
  | { readonly command: 'ping' | 'pong'; readonly nonce: MaybeHex64 };

/** Messages that leave in one write, by the moment they belong to. */
export type Flight = 'hello' | 'answer' | 'opening' | 'ping' | 'pong';

/** What the peer machine asks the outside to do. */
export type PeerEffect =
  | { readonly type: 'effect.dial' }
  | { readonly type: 'effect.send'; readonly flight: Flight }
  /** `flush`: let what was written leave first. */
  | { readonly type: 'effect.close'; readonly flush: boolean };

/** The named delays and ticks, in milliseconds, and the other rules of a node. One object, shared by all its peers. */
export interface Rules {
  /** From the start of a dial to an open connection. Core: `-timeout`, 5,000. */
  readonly connectTimeout: number;
  /** From an open TCP connection to their verack; nothing extends it. Core: `-peertimeout`, 60,000. */
  readonly handshakeTimeout: number;
  /** Between the answer to a ping and the next ping, counted from when it was sent. Core: 120,000. */
  readonly pingInterval: number;
  /** From a ping to its pong. Core: 1,200,000. */
  readonly pongTimeout: number;
  /** Without a byte received, or without a byte sent. Core: 1,200,000. */
  readonly idleTimeout: number;
  /** While bytes wait to be sent and the peer's side takes none. Core: 1,200,000 ("socket sending timeout"). */
  readonly stallTimeout: number;
  /** Life of an addr-fetch connection. Core: 300,000. */
  readonly addrFetchTimeout: number;
  /** The protocol version that we announce. */
  readonly version: number;
  /** Versions below are refused. Core: 31,800. */
  readonly minVersion: number;
  /** Services that automatic outbound peers must offer. Core: NETWORK and WITNESS. */
  readonly requiredServices: Hex64;
  /** Whether we ask for transactions (BIP37 relay). */
  readonly relay: boolean;
  /**
   * What one peer may send within `floodWindow` milliseconds: messages that are dropped or come before verack, and pings,
   * each of which makes us answer. 0 for any number. Core has no such limits, so the defaults are far above what any node
   * does: 1,000 and 1,000,000 a minute.
   */
  readonly maxUseless: number;
  readonly maxPings: number;
  readonly floodWindow: number;
}

/** The life of one connection, as the peer machine remembers it. Flat, small, JSON-safe; names as in `getpeerinfo`. */
export interface PeerContext {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly rules: Rules;
  /** When TCP opened for a key exchange; -1 before, and on plain v1. */
  readonly connectedat: number;
  /** When application bytes could flow, when their version came, when their verack came; -1 before. */
  readonly openedat: number;
  readonly versionat: number;
  readonly establishedat: number;
  /** What was left of the handshake deadline when the link opened, milliseconds. */
  readonly handshakeleft: number;
  /** Their protocol version; 0 before it came. */
  readonly version: number;
  readonly services: Hex64;
  readonly subver: string;
  readonly startingheight: number;
  readonly timeoffset: number;
  readonly relaytxes: boolean;
  readonly wtxidrelay: boolean;
  readonly sendaddrv2: boolean;
  readonly sendheaders: boolean;
  /** BIP152: -1 not announced, else their announce flag (0 low, 1 high bandwidth). */
  readonly sendcmpct: number;
  readonly minfeefilter: Hex64;
  /** BIP434 feature ids, in order, at most {@link MAX_FEATURES}. */
  readonly features: readonly string[];
  /** The nonce of the ping that waits for its pong; empty when none waits. */
  readonly pingnonce: MaybeHex64;
  /** -1 before the first ping. */
  readonly pingsentat: number;
  /** Round trip, milliseconds; -1 before the first pong. */
  readonly pingtime: number;
  readonly minping: number;
  /** The last message that was dropped during the handshake, as `command: CODE`; empty when none was. */
  readonly dropped: string;
  /** Set on the way into a final state. */
  readonly reason: Reason | null;
}

export const MAX_FEATURES = 64;

/** What a peer actor is born with. */
export interface PeerInput {
  readonly id: number;
  readonly connection_type: ConnectionType;
  readonly rules: Rules;
}

/** What the transport machine understands: the first bytes of a connection, told as facts (BIP324). */
export type TransportEvent =
  | { readonly type: 'link.connected' }
  /** The first byte arrived, whatever it is: from now on there is no way back to v1. */
  | { readonly type: 'bytes.arrived' }
  /** The first 16 bytes are those of a v1 `version` of our network. */
  | { readonly type: 'bytes.v1' }
  /** A byte differs from that. */
  | { readonly type: 'bytes.v2' }
  /** Their 64-byte key is complete. */
  | { readonly type: 'bytes.key' }
  /** Their terminator was found, behind `size` bytes of garbage. */
  | { readonly type: 'bytes.garbage'; readonly size: number }
  | { readonly type: 'packet.decoy' }
  | { readonly type: 'packet.version' }
  | { readonly type: 'bytes.broken'; readonly code: V2Code; readonly facts: Facts }
  | { readonly type: 'link.closed'; readonly code: LinkCode };

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

/** What the transport machine asks the outside to do. */
export type TransportEffect =
  /** Our key and garbage. */
  | { readonly type: 'effect.sendKey' }
  /** Our terminator, decoys and version packet. */
  | { readonly type: 'effect.sendTerminator' }
  /** Application bytes can flow. */
  | { readonly type: 'effect.ready' }
  /** It came to nothing, but v1 is worth a try. */
  | { readonly type: 'effect.fallBack' }
  /** It came to nothing; the context says why. */
  | { readonly type: 'effect.giveUp' };

export interface TransportContext {
  readonly id: number;
  readonly role: 'initiator' | 'responder';
  /** Refuse v1 rather than use it. */
  readonly v2only: boolean;
  /** Milliseconds from TCP open; the same deadline as the handshake's. */
  readonly handshakeTimeout: number;
  /** Whether a byte has arrived. */
  readonly heard: boolean;
  /** Their garbage, bytes; -1 before its end was found. */
  readonly garbage: number;
  /** Decoys before their version packet. */
  readonly decoys: number;
  readonly reason: Reason | null;
}

export type TransportInput = Pick<TransportContext, 'id' | 'role' | 'v2only' | 'handshakeTimeout'>;

/** What the supervisor machine understands. A `ticket` stands for the request or the accepted link that waits outside. */
export type SupervisorEvent =
  /** Somebody asks for a connection. `known`: one to that address lives already, or is being dialled. */
  | { readonly type: 'dial.requested'; readonly ticket: number; readonly known: boolean }
  /** A listener accepted a link. `crowded`: where it comes from, as many handshakes are pending as one source may have. */
  | { readonly type: 'link.accepted'; readonly ticket: number; readonly crowded: boolean }
  /** A peer actor has stopped, for whatever reason. */
  | { readonly type: 'peer.ended'; readonly id: number; readonly inbound: boolean }
  | { readonly type: 'user.stop' };

export const SUPERVISOR_EVENTS = [
  'dial.requested',
  'link.accepted',
  'peer.ended',
  'user.stop',
] as const satisfies readonly SupervisorEvent['type'][];

/** What the supervisor machine asks the outside to do; the ticket is that of the event. */
export type SupervisorEffect =
  /** Make the peer that the ticket stands for. */
  | { readonly type: 'effect.spawn' }
  /** Turn the ticket down. */
  | { readonly type: 'effect.refuse'; readonly code: RefusalCode }
  /** Ask every peer to close in order. */
  | { readonly type: 'effect.drain' }
  /** Cut off every peer that is still there. */
  | { readonly type: 'effect.kill' };

export type RefusalCode =
  'ERR_POLICY_FULL' | 'ERR_POLICY_PENDING' | 'ERR_POLICY_DUPLICATE' | 'ERR_LOCAL_CANCELLED';

/** Counts, not lists: the rows are kept by the tracker. */
export interface SupervisorContext {
  readonly inbound: number;
  readonly outbound: number;
  readonly maxinbound: number;
  readonly maxoutbound: number;
  /** Milliseconds that peers get to close in order. */
  readonly drainTimeout: number;
}

export type SupervisorInput = Pick<SupervisorContext, 'maxinbound' | 'maxoutbound' | 'drainTimeout'>;
