/**
 * What is sent, and in which order: the messages of each flight, as Bitcoin Core sends them on a connection of the
 * same type (net_processing.cpp: PushNodeVersion, ProcessMessage for VERSION and VERACK, MaybeSendPing).
 *
 * A flight leaves in one write. The body of `version` is filled in by the session.
 */
import type { Flight, Hex64, Outgoing, PeerContext, PeerEvent } from './events.js';
import {
  ALERT_UNTIL,
  asksForAddresses,
  commonVersion,
  NO_PONG_UNTIL,
  SINCE,
  wantsTransactions,
} from './policy.js';

/** Core's default relay floor, 1,000 satoshi per 1,000 virtual bytes (BIP133). */
const FEERATE: Hex64 = '00000000000003e8';

/** On their version: ours if we have not spoken yet, then everything that must come before verack, then verack. */
function answer(context: PeerContext): Outgoing[] {
  const common = commonVersion(context);
  const messages: Outgoing[] = context.connection_type === 'inbound' ? [{ command: 'version' }] : [];
  if (common >= SINCE.wtxidrelay) messages.push({ command: 'wtxidrelay' }, { command: 'sendaddrv2' });
  messages.push({ command: 'verack' });
  if (asksForAddresses(context)) messages.push({ command: 'getaddr' });
  if (common <= ALERT_UNTIL) messages.push({ command: 'alert' });
  return messages;
}

/** On their verack. */
function opening(context: PeerContext): Outgoing[] {
  const common = commonVersion(context);
  const messages: Outgoing[] = [];
  if (common >= SINCE.sendcmpct)
    messages.push({ command: 'sendcmpct', announce: 0, version: '0000000000000002' });
  messages.push(...ping(context));
  if (common >= SINCE.feefilter && wantsTransactions(context))
    messages.push({ command: 'feefilter', feerate: FEERATE });
  return messages;
}

/** A peer at or below 60000 gets the old ping without a nonce and will never answer it. */
const ping = (context: PeerContext): Outgoing[] => [
  { command: 'ping', nonce: commonVersion(context) > NO_PONG_UNTIL ? context.pingnonce : '' },
];

const pong = (_: PeerContext, event: PeerEvent): Outgoing[] =>
  event.type === 'wire.ping' ? [{ command: 'pong', nonce: event.nonce }] : [];

const flights: Record<Flight, (context: PeerContext, event: PeerEvent) => Outgoing[]> = {
  hello: () => [{ command: 'version' }],
  answer,
  opening,
  ping,
  pong,
};

/** The messages of `flight`, given the context after the transition and the event that caused it. */
export const messagesOf = (flight: Flight, context: PeerContext, event: PeerEvent): readonly Outgoing[] =>
  flights[flight](context, event);
