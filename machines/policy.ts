/**
 * Guards and rules of the peer machine, as pure functions of context and event, and the few of the supervisor and of the
 * outbound machine that other code needs too.
 *
 * Numbers come from Bitcoin Core (net_processing.cpp, node/protocol_version.h); the node's own choices are {@link Rules}.
 */
import type { Facts, Reason, ReasonCode } from '../src/reasons.js';
import { hasServices } from '../src/services.js';
import type {
  AcceptedFacts,
  ConnectionType,
  PeerContext,
  PeerEvent,
  PeerEventType,
  Rules,
  SupervisorContext,
  VersionFacts,
} from './events.js';

/** The peer event of a given type. */
export type EventOf<T extends PeerEventType> = Extract<PeerEvent, { type: T }>;

/** The common version from which Core negotiates each feature. */
export const SINCE = { feature: 70017, wtxidrelay: 70016, sendcmpct: 70014, feefilter: 70013 } as const;
/** Highest common version at which Core sends the final `alert`. */
export const ALERT_UNTIL = 70012;
/** The highest common version at which a ping has no nonce and gets no pong (BIP31). */
export const NO_PONG_UNTIL = 60000;

/** Core's values, in milliseconds where they are times. `maxUseless`, `maxPings` and `floodWindow` are ours: Core has no such limits. */
export const CORE_RULES: Rules = {
  connectTimeout: 5_000,
  handshakeTimeout: 60_000,
  pingInterval: 120_000,
  pongTimeout: 1_200_000,
  idleTimeout: 1_200_000,
  stallTimeout: 1_200_000,
  addrFetchTimeout: 300_000,
  addrFetchEntries: 1,
  version: 70017,
  minVersion: 31800,
  requiredServices: '0000000000000009',
  relay: false,
  maxUseless: 1_000,
  maxPings: 1_000_000,
  floodWindow: 60_000,
};

/** How long a stopping node waits for its connections to close, milliseconds. */
export const DRAIN_TIMEOUT = 2_000;

/** The version that both sides support; 0 before theirs is known. */
export const commonVersion = (context: PeerContext): number =>
  Math.min(context.rules.version, context.version);

/** Whether we dial the connection and TCP is not open yet. */
export const isUnconnected = (context: PeerContext): boolean =>
  context.connection_type !== 'inbound' && context.connectedat < 0;

const AUTOMATIC: readonly ConnectionType[] = ['outbound-full-relay', 'block-relay-only', 'addr-fetch'];
const ASKS_FOR_ADDRESSES: readonly ConnectionType[] = ['outbound-full-relay', 'manual', 'addr-fetch'];

/** Whether we ask this peer for transactions (the relay byte of our version, BIP37). */
export const wantsTransactions = (context: PeerContext): boolean =>
  context.rules.relay &&
  context.connection_type !== 'block-relay-only' &&
  context.connection_type !== 'feeler';

/** Whether getaddr follows our verack (Core: SetupAddressRelay on outbound peers, feelers apart). */
export const asksForAddresses = (context: PeerContext): boolean =>
  ASKS_FOR_ADDRESSES.includes(context.connection_type);

/** Whether an automatic outbound peer lacks required services; other peers need not offer any. */
export const lacksServices = (context: PeerContext, event: VersionFacts): boolean =>
  AUTOMATIC.includes(context.connection_type) && !hasServices(event.services, context.rules.requiredServices);

/** The protocol version is below `minVersion` (Core: `MIN_PEER_PROTO_VERSION`). */
export const isObsolete = (context: PeerContext, event: VersionFacts): boolean =>
  event.version < context.rules.minVersion;

/** The part of `version` after its first 46 bytes cannot be decoded. */
export const isUnreadable = (_: PeerContext, event: VersionFacts): boolean => event.fault !== undefined;

/** The nonce belongs to a connection that we are dialling. Only the accepting side checks it (Core: `CheckIncomingNonce`). */
export const isSelf = (_: PeerContext, event: VersionFacts): boolean => event.ownnonce;

/**
 * An accepted connection contained our nonce, and this connection ends before its handshake is complete: the two are most
 * likely the two ends of one connection. As in Core, only the accepting side closes; the dialling side is then closed by it.
 */
export const isSelfConnection = (context: PeerContext): boolean =>
  context.selfnonce && context.establishedat < 0;

/** The `feature` message violates BIP434, or the common protocol version is below 70017. */
export const isBadFeature = (context: PeerContext, event: EventOf<'wire.feature'>): boolean =>
  !event.valid || commonVersion(context) < SINCE.feature;

/** Misbehaviour does not end a manual connection, nor one with the permission `noban` (Core: `MaybeDiscourageAndDisconnect`). */
const isExempt = (context: PeerContext): boolean => context.connection_type === 'manual' || context.noban;

/** BIP152 allows the announce flags 0 and 1. From an exempt peer Core only drops the message. */
export const isInvalidAnnounce = (context: PeerContext, event: EventOf<'wire.sendcmpct'>): boolean =>
  event.announce > 1 && !isExempt(context);

/** Version 2 of BIP152 with an announce flag that the BIP allows. */
export const isCompactBlocks2 = (_: PeerContext, event: EventOf<'wire.sendcmpct'>): boolean =>
  event.announce <= 1 && event.version === '0000000000000002';

/** The fee rate is 0 to 21 million coins in satoshi (Core: `MoneyRange`). A negative rate has its top bit set, so it is too large. */
export const isMoney = (_: PeerContext, event: EventOf<'wire.feefilter'>): boolean =>
  event.feerate <= '000775f05a074000';

/** The ping has a nonce and the common version is above 60000: we answer it with a pong (BIP31). */
export const isAnswerable = (context: PeerContext, event: EventOf<'wire.ping'>): boolean =>
  commonVersion(context) > NO_PONG_UNTIL && event.nonce !== '';

/** The pong has the nonce of our unanswered ping. */
export const isAwaited = (context: PeerContext, event: EventOf<'wire.pong'>): boolean =>
  context.pingnonce !== '' && event.nonce === context.pingnonce;

/** A pong without a nonce, or with nonce 0, cancels our ping (Core: "Short payload", "Nonce zero"). */
export const cancelsPing = (context: PeerContext, event: EventOf<'wire.pong'>): boolean =>
  context.pingnonce !== '' && (event.nonce === '' || event.nonce === '0000000000000000');

/** Too long a list in these commands disconnects any peer in Core; in others it is misbehaviour. */
const DISCONNECTS_ANY: readonly string[] = ['getheaders', 'getblocks'];

/** Whether a list above its limit ends the connection. Block-relay-only connections ignore addresses, whatever their number. */
export function exceedsLimit(context: PeerContext, event: EventOf<'wire.excess'>): boolean {
  if (context.connection_type === 'block-relay-only' && event.command.startsWith('addr')) return false;
  return !isExempt(context) || DISCONNECTS_ANY.includes(event.command);
}

/** Whether a message of a service that we did not offer ends the connection: all do, but `mempool` from a peer with `noban`. */
export const isRefusedService = (context: PeerContext, event: EventOf<'wire.unoffered'>): boolean =>
  event.command !== 'mempool' || !context.noban;

/**
 * Whether a connection ended because the peer misbehaved (Core: `Misbehaving`), so that its address is discouraged. Other
 * violations only end the connection.
 */
export const isMisbehaviour = ({ code, facts }: Reason): boolean =>
  code === 'ERR_PROTO_LIMIT'
    ? !DISCONNECTS_ANY.includes(String(facts.command))
    : code === 'ERR_PROTO_NEGOTIATION' && facts.command === 'sendcmpct';

/** Whether all slots that the accepted link may take are in use. */
export const lacksInboundSlot = (context: SupervisorContext, { reserved }: AcceptedFacts): boolean =>
  context.inbound + reserved >= context.maxinbound;

/** Whether a discouraged address is refused: as in Core, when at most one slot is free. */
export const lacksSlotForDiscouraged = (
  context: SupervisorContext,
  { discouraged }: AcceptedFacts,
): boolean => discouraged && context.inbound + 1 >= context.maxinbound;

/**
 * Whether `getaddr` is answered: once per connection, and only on accepted ones. A peer that we dialled could recognise this
 * node by the answer (Core: `ProcessMessage`, GETADDR).
 */
export const isAnsweredGetaddr = (context: PeerContext): boolean =>
  context.connection_type === 'inbound' && !context.getaddr;

/** An addr-fetch connection is done when one message contained more than `addrFetchEntries` addresses. */
export const isFetched = (context: PeerContext, event: EventOf<'wire.addr'>): boolean =>
  context.connection_type === 'addr-fetch' && event.count > context.rules.addrFetchEntries;

/** An addr-fetch connection has been open for `addrFetchTimeout`. */
export const isFetchOver = (context: PeerContext, event: EventOf<'clock.tick'>): boolean =>
  context.connection_type === 'addr-fetch' && event.at - context.openedat > context.rules.addrFetchTimeout;

/** A ping has been unanswered for longer than `pongTimeout`. */
export const isPongOverdue = (context: PeerContext, event: EventOf<'clock.tick'>): boolean =>
  context.pingnonce !== '' && event.at - context.pingsentat > context.rules.pongTimeout;

/** Bytes have waited for `stallTimeout` and none was taken. Core measures this from its last successful send. */
export const isStalled = (context: PeerContext, event: EventOf<'clock.tick'>): boolean =>
  event.stalledat >= 0 && event.at - event.stalledat > context.rules.stallTimeout;

/** Nothing was sent, or nothing was received, for `idleTimeout`. */
export const isIdle = (context: PeerContext, event: EventOf<'clock.tick'>): boolean =>
  event.at - Math.min(event.lastrecv, event.lastsend) > context.rules.idleTimeout;

/** No ping is unanswered, and `pingInterval` has passed since the last one. */
export const isPingDue = (context: PeerContext, event: EventOf<'clock.tick'>): boolean =>
  context.pingnonce === '' && event.at - context.pingsentat > context.rules.pingInterval;

/** The next timeout of a connection. */
export interface Deadline {
  /** A time on the node's monotonic clock, milliseconds. */
  readonly at: number;
  readonly what: 'connect' | 'handshake' | 'ping' | 'pong' | 'idle' | 'stall' | 'addr-fetch';
}

/** The timestamps of a connection that are stored outside the machine, milliseconds of the node's monotonic clock. */
export interface Moments {
  readonly createdat: number;
  readonly lastrecv: number;
  readonly lastsend: number;
  /** The time since which bytes wait to be sent and none was taken; -1 when none wait. */
  readonly stalledat: number;
}

/** The next deadline of a connection. `state`: the leaf state of its machine; it must not be final. */
export function nextDeadline(state: string, context: PeerContext, moments: Moments): Deadline {
  const { rules } = context;
  if (context.connectedat >= 0 && state === 'connecting')
    return { at: context.connectedat + rules.handshakeTimeout, what: 'handshake' };
  if (state === 'connecting') return { at: moments.createdat + rules.connectTimeout, what: 'connect' };
  if (state !== 'established') return { at: context.openedat + context.handshakeleft, what: 'handshake' };
  return establishedDeadlines(context, moments).reduce((first, next) => (next.at < first.at ? next : first));
}

function establishedDeadlines(context: PeerContext, { lastrecv, lastsend, stalledat }: Moments): Deadline[] {
  const { rules } = context;
  const ping: Deadline =
    context.pingnonce === ''
      ? { at: context.pingsentat + rules.pingInterval, what: 'ping' }
      : { at: context.pingsentat + rules.pongTimeout, what: 'pong' };
  const idle: Deadline = { at: Math.min(lastrecv, lastsend) + rules.idleTimeout, what: 'idle' };
  const fetch: Deadline = { at: context.openedat + rules.addrFetchTimeout, what: 'addr-fetch' };
  const due = context.connection_type === 'addr-fetch' ? [ping, idle, fetch] : [ping, idle];
  if (stalledat >= 0) due.push({ at: stalledat + rules.stallTimeout, what: 'stall' });
  return due;
}

/** The facts of a reason: the values that explain the code. The connection adds the state in which it ended. */
export function factsOf(code: ReasonCode, context: PeerContext, event: PeerEvent): Facts {
  const own = 'facts' in event ? event.facts : {};
  const reject = context.reject === '' ? {} : { reject: context.reject };
  return { ...own, ...detailsOf(code, context, event), ...reject };
}

function detailsOf(code: ReasonCode, context: PeerContext, event: PeerEvent): Facts {
  return linkDetails(code, context, event) ?? otherDetails(code, context, event);
}

function linkDetails(code: ReasonCode, context: PeerContext, event: PeerEvent): Facts | undefined {
  if (event.type === 'link.closed') return context.dropped === '' ? {} : { dropped: context.dropped };
  if (event.type === 'wire.flooded') return { what: event.what, limit: event.limit, ms: event.ms };
  if (code !== 'ERR_LINK_STALLED' || event.type !== 'clock.tick') return undefined;
  return { ms: context.rules.stallTimeout, pending: event.pending };
}

function otherDetails(code: ReasonCode, context: PeerContext, event: PeerEvent): Facts {
  if (code.startsWith('ERR_TIME_')) return timeDetails(code, context);
  if (event.type === 'wire.version') return versionDetails(code, context, event);
  if (event.type === 'wire.excess') return { command: event.command, count: event.count, limit: event.limit };
  if (event.type === 'wire.unoffered') return { command: event.command };
  if (event.type === 'wire.feature') return { command: 'feature', id: event.id, valid: event.valid };
  if (event.type === 'wire.sendcmpct') return { command: 'sendcmpct', announce: event.announce };
  if (code === 'ERR_PROTO_LATE_FEATURE') return { command: event.type.slice('wire.'.length) };
  return {};
}

function timeDetails(code: ReasonCode, context: PeerContext): Facts {
  const { connectTimeout, pongTimeout, idleTimeout } = context.rules;
  if (code === 'ERR_TIME_CONNECT') return { ms: connectTimeout };
  if (code === 'ERR_TIME_PONG') return { ms: pongTimeout };
  return code === 'ERR_TIME_IDLE' ? { ms: idleTimeout } : missing(context);
}

function missing(context: PeerContext): Facts {
  const awaited = context.versionat < 0 ? 'version' : 'verack';
  const facts = { ms: context.rules.handshakeTimeout, awaited };
  return context.dropped === '' ? facts : { ...facts, dropped: context.dropped };
}

function versionDetails(code: ReasonCode, context: PeerContext, event: EventOf<'wire.version'>): Facts {
  if (code === 'ERR_POLICY_VERSION') return { version: event.version, minimum: context.rules.minVersion };
  if (code === 'ERR_POLICY_SERVICES')
    return { services: event.services, required: context.rules.requiredServices };
  return code === 'ERR_PROTO_SELF' ? { nonce: event.nonce } : {};
}

/** Average time between two feelers, milliseconds (Core: `FEELER_INTERVAL`, two minutes). */
export const FEELER_INTERVAL = 120_000;

/**
 * A random time to the next event of a Poisson process, milliseconds, at least 1. `mean`: the average, milliseconds; for 0 the
 * result is 0. `draw`: a random number in [0, 1).
 */
export const poissonDelay = (mean: number, draw: number): number =>
  mean === 0 ? 0 : Math.max(1, Math.round(-mean * Math.log(1 - draw)));

/** The delay before the first redial, and the longest delay, milliseconds. */
const REDIAL_FIRST = 1_000;
const REDIAL_LONGEST = 300_000;

/**
 * The delay before the next round, milliseconds: it doubles with each failure up to 5 minutes, and is random within its upper
 * half, so that many nodes do not reconnect at the same time. `failures` counts from 1; `draw` is a random number in [0, 1).
 */
export function redialDelay(failures: number, draw: number): number {
  const full = Math.min(REDIAL_LONGEST, REDIAL_FIRST * 2 ** Math.min(failures - 1, 30));
  return Math.round(full / 2 + (full / 2) * draw);
}
