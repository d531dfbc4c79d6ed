/**
 * Where the machines' effects become deeds: the only place that knows both. One machine of each kind serves every
 * connection of every node in the process; the node is found by its actor system, the connection by the peer's id.
 */
import type { AnyActorRef } from 'xstate';
import { messagesOf, peerMachine, transportMachine } from '../../machines/index.js';
import type { V2Channel } from './channel.js';
import { compile } from './compile.js';
import type { Session } from './session.js';

/** What all actors of one node share. */
type System = AnyActorRef['system'];

/** Who does what the machines ask for. */
export interface Hands {
  sessionOf(id: number): Session;
  channelOf(id: number): V2Channel;
}

const employed = new WeakMap<System, Hands>();

/** From now on `hands` do what the actors of that system ask for. */
export const employ = (system: System, hands: Hands): void => void employed.set(system, hands);

function handsOf(system: System): Hands {
  const hands = employed.get(system);
  if (!hands) throw new Error('nobody does the effects of this actor system');
  return hands;
}

type Asked = { readonly system: System; readonly context: { readonly id: number } };

const sessionOf = ({ system, context }: Asked): Session => handsOf(system).sessionOf(context.id);
const channelOf = ({ system, context }: Asked): V2Channel => handsOf(system).channelOf(context.id);

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
