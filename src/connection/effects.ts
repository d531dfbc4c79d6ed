/**
 * Executes the effects of the peer and the transport machine. Each actor gets its handlers when it is made; the machines
 * with these implementations are shared by every connection of every node in the process.
 */
import type { PeerContext, PeerEvent, MessageSequence, TransportContext } from '../../machines/index.js';
import {
  copyPeerContext,
  copyTransportContext,
  peerMachine,
  transportMachine,
} from '../../machines/index.js';
import { compile } from '../xstate/compile.js';
import { handlersOf } from '../xstate/effect-handlers.js';

/** The effects of a peer machine. */
export interface PeerEffects {
  dial(): void;
  /** Sends the messages of the sequence in one write; `context` is that after the transition. */
  sendSequence(sequence: MessageSequence, context: PeerContext, event: PeerEvent): void;
  /** The first `getaddr` of an accepted peer. */
  sendAddresses(): void;
  /** `flush`: what was written is sent first. */
  close(flush: boolean): void;
  /** The answer to our ping came; `pingtime` in the context is its round trip. */
  reportPong(context: PeerContext): void;
}

/** The effects of a transport machine. */
export interface TransportEffects {
  sendKey(): void;
  sendTerminator(): void;
  ready(): void;
  /** The exchange failed. `fallBack`: v1 on a new connection may succeed. */
  giveUp(context: TransportContext, fallBack: boolean): void;
}

/** Made at the first use: a program that only prints a diagram pays nothing. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** The machines with their effects, as XState interprets them. */
const interpreted = once(() => ({
  peer: peerMachine.provide({
    actions: {
      'effect.dial': ({ self }) => handlersOf<PeerEffects>(self).dial(),
      'effect.send': ({ self, context, event }, { sequence }) =>
        handlersOf<PeerEffects>(self).sendSequence(sequence, context, event),
      'effect.close': ({ self }, { flush }) => handlersOf<PeerEffects>(self).close(flush),
      'effect.sendAddresses': ({ self }) => handlersOf<PeerEffects>(self).sendAddresses(),
      'effect.reportPong': ({ self, context }) => handlersOf<PeerEffects>(self).reportPong(context),
    },
  }),
  transport: transportMachine.provide({
    actions: {
      'effect.sendKey': ({ self }) => handlersOf<TransportEffects>(self).sendKey(),
      'effect.sendTerminator': ({ self }) => handlersOf<TransportEffects>(self).sendTerminator(),
      'effect.ready': ({ self }) => handlersOf<TransportEffects>(self).ready(),
      'effect.fallBack': ({ self, context }) => handlersOf<TransportEffects>(self).giveUp(context, true),
      'effect.giveUp': ({ self, context }) => handlersOf<TransportEffects>(self).giveUp(context, false),
    },
  }),
}));

const compiled = once(() => ({
  peer: compile(interpreted().peer, { copy: copyPeerContext }),
  transport: compile(interpreted().transport, { copy: copyTransportContext }),
}));

/** The logic of peers and of key exchanges; compiled, or as XState interprets it. */
export const machinesOf = (isCompiled: boolean) => (isCompiled ? compiled() : interpreted());
