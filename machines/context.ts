/** Context updates of the peer machine: each function returns the part of the context that an event changes. */
import { MAX_FEATURES, type PeerContext, type PeerEvent, type PeerInput } from './events.js';
import type { ReasonCode } from '../src/reasons.js';
import { commonVersion, type EventOf, factsOf, NO_PONG_UNTIL, SINCE } from './policy.js';

type Change = Partial<PeerContext>;

/** One list for all: most peers announce none. */
const NO_FEATURES: PeerContext['features'] = [];

/** The context of a new connection. */
export const initial = (input: PeerInput): PeerContext => ({
  id: input.id,
  connection_type: input.connection_type,
  noban: input.noban ?? false,
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
  addrlocal: '',
  wtxidrelay: false,
  sendaddrv2: false,
  sendheaders: false,
  sendcmpct: -1,
  minfeefilter: '0000000000000000',
  features: NO_FEATURES,
  pingnonce: '',
  pingsentat: -1,
  pingtime: -1,
  minping: -1,
  getaddr: false,
  reject: '',
  selfnonce: false,
  dropped: '',
  reason: null,
});

export const connected = (_: PeerContext, event: EventOf<'link.connected'>): Change => ({
  connectedat: event.at,
});

export const open = (context: PeerContext, event: EventOf<'link.open'>): Change => ({
  openedat: event.at,
  handshakeleft: Math.max(0, context.rules.handshakeTimeout - event.elapsed),
});

export const version = (_: PeerContext, event: EventOf<'wire.version'>): Change => ({
  versionat: event.at,
  version: event.version,
  services: event.services,
  subver: event.subver,
  startingheight: event.startingheight,
  timeoffset: event.timeoffset,
  relaytxes: event.relaytxes,
  addrlocal: event.addrlocal,
});

/** Includes the first ping, which is sent with the other post-handshake messages. */
export const established = (context: PeerContext, event: EventOf<'wire.verack'>): Change => ({
  establishedat: event.at,
  ...ping(context, event),
});

/** A peer at or below version 60000 never answers, so no pong is awaited. */
export const ping = (context: PeerContext, event: EventOf<'wire.verack' | 'clock.tick'>): Change => ({
  pingnonce: commonVersion(context) > NO_PONG_UNTIL ? event.nonce : '',
  pingsentat: event.at,
});

export function pong(context: PeerContext, event: EventOf<'wire.pong'>): Change {
  const pingtime = event.at - context.pingsentat;
  return {
    pingnonce: '',
    pingtime,
    minping: context.minping < 0 ? pingtime : Math.min(context.minping, pingtime),
  };
}

/** BIP339 applies from common version 70016 on; Core accepts sendaddrv2 from any version. */
export const wtxidrelay = (context: PeerContext): Change => ({
  wtxidrelay: commonVersion(context) >= SINCE.wtxidrelay,
});

export const feature = (context: PeerContext, event: EventOf<'wire.feature'>): Change =>
  context.features.length < MAX_FEATURES ? { features: [...context.features, event.id] } : {};

export const sendcmpct = (_: PeerContext, event: EventOf<'wire.sendcmpct'>): Change => ({
  sendcmpct: event.announce,
});

export const feefilter = (_: PeerContext, event: EventOf<'wire.feefilter'>): Change => ({
  minfeefilter: event.feerate,
});

export const rejected = (_: PeerContext, event: EventOf<'wire.reject'>): Change => ({ reject: event.reject });

/** A version of which only the first 46 bytes could be decoded is dropped like any other message. */
export const dropped = (_: PeerContext, event: EventOf<'wire.dropped' | 'wire.version'>): Change => ({
  dropped:
    event.type === 'wire.dropped' ? `${event.command}: ${event.code}` : `version: ${event.fault ?? ''}`,
});

/** Moves all timestamps by the length of a suspension, so that no deadline counts it. */
export const shifted = (context: PeerContext, event: EventOf<'clock.jump'>): Change => ({
  connectedat: context.connectedat < 0 ? -1 : context.connectedat + event.ms,
  openedat: context.openedat + event.ms,
  versionat: context.versionat + event.ms,
  establishedat: context.establishedat + event.ms,
  pingsentat: context.pingsentat + event.ms,
});

/** Why the connection ends: `given` if the transition names a code, else the code of the event. */
export function reason(context: PeerContext, event: PeerEvent, given?: ReasonCode): Change {
  const code = given ?? ('code' in event ? event.code : 'ERR_LOCAL_BUG');
  return { reason: { code, facts: factsOf(code, context, event) } };
}
