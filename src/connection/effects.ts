/**
 * Where the machines' effects become deeds: the only place that knows both. One machine of each kind serves every
 * connection of every node in the process; the node is found by its actor system, the connection by the peer's id.
 */
import type { AnyActorRef } from 'xstate';
import { messagesOf, peerMachine, transportMachine } from '../../machines/index.js';
import type { V2Transport } from './v2-transport.js';
import { compile } from '../xstate/compile.js';
import type { Connection } from './connection.js';

/** What all actors of one node share. */
type System = AnyActorRef['system'];

/** Who does what the machines ask for. */
export interface EffectHandlers {
  sessionOf(id: number): Connection;
  channelOf(id: number): V2Transport;
}

const employed = new WeakMap<System, EffectHandlers>();

/** From now on `hands` do what the actors of that system ask for. */
export const employ = (system: System, hands: EffectHandlers): void => void employed.set(system, hands);

function handsOf(system: System): EffectHandlers {
  const hands = employed.get(system);
  if (!hands) throw new Error('nobody does the effects of this actor system');
  return hands;
}

type Asked = { readonly system: System; readonly context: { readonly id: number } };

const sessionOf = ({ system, context }: Asked): Connection => handsOf(system).sessionOf(context.id);
const channelOf = ({ system, context }: Asked): V2Transport => handsOf(system).channelOf(context.id);

/** Made at the first use: a program that only prints a diagram pays nothing. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** The machines with their effects, as XState interprets them. */
const interpreted = once(() => ({
  peer: peerMachine.provide({
    actions: {
      'effect.dial': (asked) => sessionOf(asked).dial(),
      'effect.send': (asked, { sequence }) =>
        sessionOf(asked).send(messagesOf(sequence, asked.context, asked.event)),
      'effect.close': (asked, { flush }) => sessionOf(asked).close(flush),
    },
  }),
  transport: transportMachine.provide({
    actions: {
      'effect.sendKey': (asked) => channelOf(asked).sendKey(),
      'effect.sendTerminator': (asked) => channelOf(asked).sendTerminator(),
      'effect.ready': (asked) => channelOf(asked).ready(),
      'effect.fallBack': (asked) => channelOf(asked).giveUp(asked.context, true),
      'effect.giveUp': (asked) => channelOf(asked).giveUp(asked.context, false),
    },
  }),
}));

const compiled = once(() => ({
  peer: compile(interpreted().peer),
  transport: compile(interpreted().transport),
}));

/** The logic of peers and of key exchanges; compiled, or as XState interprets it. */
export const machinesOf = (isCompiled: boolean) => (isCompiled ? compiled() : interpreted());
