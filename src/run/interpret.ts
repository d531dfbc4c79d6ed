/**
 * Where the machines' effects become deeds: the only place that knows both. One machine of each kind serves every
 * connection; the session, or its channel, is looked up by the peer's id.
 */
import { messagesOf, peerMachine, transportMachine } from '../../machines/index.js';
import type { V2Channel } from './channel.js';
import type { Session } from './session.js';

/** The peer machine with its effects provided by `sessionOf`. */
export const interpret = (sessionOf: (id: number) => Session) =>
  peerMachine.provide({
    actions: {
      'effect.dial': ({ context }) => sessionOf(context.id).dial(),
      'effect.send': ({ context, event }, { flight }) =>
        sessionOf(context.id).send(messagesOf(flight, context, event)),
      'effect.close': ({ context }, { flush }) => sessionOf(context.id).close(flush),
    },
  });

/** The transport machine with its effects provided by `channelOf`. */
export const interpretTransport = (channelOf: (id: number) => V2Channel) =>
  transportMachine.provide({
    actions: {
      'effect.sendKey': ({ context }) => channelOf(context.id).sendKey(),
      'effect.sendTerminator': ({ context }) => channelOf(context.id).sendTerminator(),
      'effect.ready': ({ context }) => channelOf(context.id).ready(),
      'effect.fallBack': ({ context }) => channelOf(context.id).giveUp(context, true),
      'effect.giveUp': ({ context }) => channelOf(context.id).giveUp(context, false),
    },
  });
