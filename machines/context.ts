/**
 * What a connection remembers: each function gives the part of the context that an event changes.
 */
import { MAX_FEATURES, type PeerContext, type PeerEvent, type PeerInput } from './events.js';
import type { ReasonCode } from '../src/reasons.js';
import { commonVersion, type EventOf, factsOf, NO_PONG_UNTIL, SINCE } from './policy.js';

type Change = Partial<PeerContext>;

/** The context of a connection about which nothing is known yet. */
export const blank = (input: PeerInput): PeerContext => ({
  id: input.id,
  connection_type: input.connection_type,
  rules: input.rules,
  connectedat: -1,
  openedat: -1,
  versionat: -1,
  establishedat: -1,
  handshakeleft: input.rules.handshakeTimeout,
  version: 0,
  services: '0000000000000000',
  subver: '',
  startingheight: -1,
  timeoffset: 0,
  relaytxes: false,
  wtxidrelay: false,
  sendaddrv2: false,
  sendheaders: false,
  sendcmpct: -1,
  minfeefilter: '0000000000000000',
  features: [],
  pingnonce: '',
  pingsentat: -1,
  pingtime: -1,
  minping: -1,
  dropped: '',
  reason: null,
});

export const opened = (context: PeerContext, event: EventOf<'link.open'>): Change => ({
  openedat: event.at,
  handshakeleft: Math.max(0, context.rules.handshakeTimeout - event.elapsed),
});

export const versioned = (event: EventOf<'wire.version'>): Change => ({
  versionat: event.at,
  version: event.version,
  services: event.services,
  subver: event.subver,
  startingheight: event.startingheight,
  timeoffset: event.timeoffset,
  relaytxes: event.relaytxes,
});

/** Also the start of the first ping, which leaves with the opening flight. */
export const established = (context: PeerContext, event: EventOf<'wire.verack'>): Change => ({
  establishedat: event.at,
  ...pinged(context, event),
});

/** An old peer never answers, so nothing waits. */
export const pinged = (context: PeerContext, event: EventOf<'wire.verack' | 'clock.tick'>): Change => ({
  pingnonce: commonVersion(context) > NO_PONG_UNTIL ? event.nonce : '',
  pingsentat: event.at,
});

export function ponged(context: PeerContext, event: EventOf<'wire.pong'>): Change {
  const pingtime = event.at - context.pingsentat;
  return {
    pingnonce: '',
    pingtime,
    minping: context.minping < 0 ? pingtime : Math.min(context.minping, pingtime),
  };
}

/** BIP339 counts from common version 70016 on; Core takes sendaddrv2 from any. */
export const wtxidrelayed = (context: PeerContext): Change => ({
  wtxidrelay: commonVersion(context) >= SINCE.wtxidrelay,
});

export const featured = (context: PeerContext, event: EventOf<'wire.feature'>): Change =>
  context.features.length < MAX_FEATURES ? { features: [...context.features, event.id] } : {};

/** A version that could be read only in part is dropped like any other message. */
export const dropped = (event: EventOf<'wire.dropped' | 'wire.version'>): Change => ({
  dropped:
    event.type === 'wire.dropped' ? `${event.command}: ${event.code}` : `version: ${event.fault ?? ''}`,
});

/** Everything that was measured moves with the clock, so that nobody is overdue for the time in which we slept. */
export const shifted = (context: PeerContext, event: EventOf<'clock.jump'>): Change => ({
  openedat: context.openedat + event.ms,
  versionat: context.versionat + event.ms,
  establishedat: context.establishedat + event.ms,
  pingsentat: context.pingsentat + event.ms,
});

/** Why it ends: the code of the transition, or else the one that the event brings. */
export function blamed(context: PeerContext, event: PeerEvent, given?: ReasonCode): Change {
  const code = given ?? ('code' in event ? event.code : 'ERR_LOCAL_BUG');
  return { reason: { code, facts: factsOf(code, context, event) } };
}
