/**
 * Copy functions for the machines' contexts, for `compile`. They list each field, because an object literal is several times
 * faster than a spread. A missing field is a type error. The order is that of the initial context, so that V8 gives all copies
 * the same hidden class.
 */
import type { OutboundContext, PeerContext, SupervisorContext, TransportContext } from './events.js';

/** A copy of the context of the peer machine, for the option `copy` of `compile`. */
export const copyPeerContext = (context: PeerContext): PeerContext => ({
  id: context.id,
  connection_type: context.connection_type,
  noban: context.noban,
  rules: context.rules,
  connectedat: context.connectedat,
  openedat: context.openedat,
  versionat: context.versionat,
  establishedat: context.establishedat,
  handshakeleft: context.handshakeleft,
  version: context.version,
  services: context.services,
  subver: context.subver,
  startingheight: context.startingheight,
  timeoffset: context.timeoffset,
  relaytxes: context.relaytxes,
  addrlocal: context.addrlocal,
  wtxidrelay: context.wtxidrelay,
  sendaddrv2: context.sendaddrv2,
  sendheaders: context.sendheaders,
  sendcmpct: context.sendcmpct,
  minfeefilter: context.minfeefilter,
  features: context.features,
  pingnonce: context.pingnonce,
  pingsentat: context.pingsentat,
  pingtime: context.pingtime,
  minping: context.minping,
  getaddr: context.getaddr,
  reject: context.reject,
  selfnonce: context.selfnonce,
  dropped: context.dropped,
  reason: context.reason,
});

/** A copy of the context of the transport machine, for the option `copy` of `compile`. */
export const copyTransportContext = (context: TransportContext): TransportContext => ({
  id: context.id,
  role: context.role,
  v2only: context.v2only,
  handshakeTimeout: context.handshakeTimeout,
  transport: context.transport,
  received: context.received,
  garbage: context.garbage,
  decoys: context.decoys,
  reason: context.reason,
});

/** A copy of the context of the outbound machine, for the option `copy` of `compile`. */
export const copyOutboundContext = (context: OutboundContext): OutboundContext => ({
  id: context.id,
  connection_type: context.connection_type,
  name: context.name,
  addresses: context.addresses,
  current: context.current,
  persistent: context.persistent,
  v2: context.v2,
  v2only: context.v2only,
  v1addresses: context.v1addresses,
  established: context.established,
  failures: context.failures,
  selfconnections: context.selfconnections,
  delay: context.delay,
  reason: context.reason,
});

/** A copy of the context of the supervisor machine, for the option `copy` of `compile`. */
export const copySupervisorContext = (context: SupervisorContext): SupervisorContext => ({
  inbound: context.inbound,
  outbound: context.outbound,
  maxinbound: context.maxinbound,
  maxoutbound: context.maxoutbound,
  drainTimeout: context.drainTimeout,
  wanted: context.wanted,
  blockwanted: context.blockwanted,
  once: context.once,
  targets: context.targets,
  blocktargets: context.blocktargets,
  candidates: context.candidates,
  opening: context.opening,
  blockopening: context.blockopening,
  rounds: context.rounds,
  hasOutcome: context.hasOutcome,
  delay: context.delay,
  feelerInterval: context.feelerInterval,
  feelerdelay: context.feelerdelay,
  feeleropen: context.feeleropen,
});
