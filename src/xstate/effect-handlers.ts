/**
 * Gives each actor its own effect handlers, while all actors of a machine share one set of implementations.
 * Calling `provide` for each actor instead would copy the machine and compile it again.
 *
 *   const logic = machine.provide({ actions: { 'effect.close': ({ self }) => handlersOf<Handlers>(self).close() } });
 *   const actor = createActor(withHandlers(logic, handlers));
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';

type Logic = new (handlers: object) => AnyStateMachine;

/** One constructor for each machine, because this is faster than `Object.create` with a property descriptor. */
const constructors = new WeakMap<AnyStateMachine, Logic>();

function constructorFor(machine: AnyStateMachine): Logic {
  function LogicWithHandlers(this: { handlers: object }, handlers: object): void {
    this.handlers = handlers;
  }
  LogicWithHandlers.prototype = machine;
  return LogicWithHandlers as unknown as Logic;
}

/** Logic with these handlers: an object whose prototype is the machine, so `config`, `id` and the compiled transitions are shared. */
export function withHandlers<M extends AnyStateMachine>(machine: M, handlers: object): M {
  let constructor = constructors.get(machine);
  if (!constructor) constructors.set(machine, (constructor = constructorFor(machine)));
  return new constructor(handlers) as M;
}

/** The handlers with which the actor's logic was created. `H` is not checked. */
export const handlersOf = <H>(self: AnyActorRef): H =>
  (self as unknown as { readonly logic: { readonly handlers: H } }).logic.handlers;
