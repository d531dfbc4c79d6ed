/**
 * The messages of each sequence, in order, as Bitcoin Core sends them on a connection of the same type
 * (net_processing.cpp: PushNodeVersion, ProcessMessage for VERSION and VERACK, MaybeSendPing).
 *
 * A sequence is sent in one write. The connection adds the fields of `version`.
 */
import type { Hex64, MessageSequence, Outgoing, PeerContext, PeerEvent } from './events.js';
import {
  ALERT_UNTIL,
  asksForAddresses,
  commonVersion,
  NO_PONG_UNTIL,
  SINCE,
  wantsTransactions,
} from './policy.js';

/** The fee rate that we announce: Core's minimum, 1,000 satoshi per 1,000 virtual bytes (BIP133). */
const FEERATE: Hex64 = '00000000000003e8';

/** The answer to the peer's version: our version if we accepted the connection, the messages that must precede verack, verack. */
function negotiation(context: PeerContext): Outgoing[] {
  const common = commonVersion(context);
  const messages: Outgoing[] = context.connection_type === 'inbound' ? [{ command: 'version' }] : [];
  if (common >= SINCE.wtxidrelay) messages.push({ command: 'wtxidrelay' }, { command: 'sendaddrv2' });
  messages.push({ command: 'verack' });
  if (asksForAddresses(context)) messages.push({ command: 'getaddr' });
  if (common <= ALERT_UNTIL) messages.push({ command: 'alert' });
  return messages;
}

/** The answer to the peer's verack. */
function postHandshake(context: PeerContext): Outgoing[] {
  const common = commonVersion(context);
  const messages: Outgoing[] = [];
  if (common >= SINCE.sendcmpct)
    messages.push({ command: 'sendcmpct', announce: 0, version: '0000000000000002' });
  messages.push(...ping(context));
  if (common >= SINCE.feefilter && wantsTransactions(context))
    messages.push({ command: 'feefilter', feerate: FEERATE });
  return messages;
}

/** A peer at or below version 60000 gets a ping without a nonce, which it does not answer (BIP31). */
const ping = (context: PeerContext): Outgoing[] => [
  { command: 'ping', nonce: commonVersion(context) > NO_PONG_UNTIL ? context.pingnonce : '' },
];

const pong = (_: PeerContext, event: PeerEvent): Outgoing[] =>
  event.type === 'wire.ping' ? [{ command: 'pong', nonce: event.nonce }] : [];

const sequences: Record<MessageSequence, (context: PeerContext, event: PeerEvent) => Outgoing[]> = {
  version: () => [{ command: 'version' }],
  negotiation,
  postHandshake,
  ping,
  pong,
};

/** The messages of `sequence`, given the context after the transition and the event that caused it. */
export const messagesOf = (
  sequence: MessageSequence,
  context: PeerContext,
  event: PeerEvent,
): readonly Outgoing[] => sequences[sequence](context, event);
