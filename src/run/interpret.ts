/**
 * Where the peer machine's effects become deeds: the only place that knows both. One machine serves every session; the
 * session is looked up by the peer's id.
 */
import { messagesOf, peerMachine } from '../../machines/index.js';
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
