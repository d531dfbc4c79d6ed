/**
 * Connects the effects of the peer and the transport machine to handler objects. Each actor gets its handlers when it is
 * created; the machines with these implementations are shared by all connections of all nodes in the process.
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
  /** Answers the first `getaddr` of an accepted peer. */
  sendAddresses(): void;
  /** Closes the link. `flush`: what was written is sent first; otherwise it is discarded. */
  close(flush: boolean): void;
  /** A pong answered our ping; `pingtime` in the context is the round trip in milliseconds. */
  reportPong(context: PeerContext): void;
}

/** The effects of a transport machine. */
export interface TransportEffects {
  /** Sends our public key and garbage. */
  sendKey(): void;
  /** Sends the garbage terminator, decoys and the version packet. */
  sendTerminator(): void;
  /** The transport is decided and application messages can be sent. */
  ready(): void;
  /** The key exchange failed. `fallBack`: v1 on a new connection may succeed. */
  giveUp(context: TransportContext, fallBack: boolean): void;
}

/** Creates the value on first use: compiling takes time, and a program that only prints a diagram does not need it. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** The machines with their effects, for XState's own interpreter. */
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

/** The actor logic of peers and of key exchanges, compiled or interpreted. */
export const machinesOf = (isCompiled: boolean) => (isCompiled ? compiled() : interpreted());
