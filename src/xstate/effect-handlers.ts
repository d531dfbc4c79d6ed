/**
 * Gives an actor its own effect handlers when it is made, while all actors of a machine share one set of implementations:
 * `provide` for each actor would copy the machine, and its compiled steps with it.
 *
 *   const logic = machine.provide({ actions: { 'effect.close': ({ self }) => handlersOf<Handlers>(self).close() } });
 *   const actor = createActor(withHandlers(logic, handlers));
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';

type Logic = new (handlers: object) => AnyStateMachine;

/** A constructor for each machine: the engine makes its objects faster than those of `Object.create` with a descriptor. */
const constructors = new WeakMap<AnyStateMachine, Logic>();

function constructorFor(machine: AnyStateMachine): Logic {
  function LogicWithHandlers(this: { handlers: object }, handlers: object): void {
    this.handlers = handlers;
  }
  LogicWithHandlers.prototype = machine;
  return LogicWithHandlers as unknown as Logic;
}

/** The logic with these handlers: an object whose prototype is the machine, so `config`, `id` and the steps are shared. */
export function withHandlers<M extends AnyStateMachine>(machine: M, handlers: object): M {
  let constructor = constructors.get(machine);
  if (!constructor) constructors.set(machine, (constructor = constructorFor(machine)));
  return new constructor(handlers) as M;
}

/** The handlers that the actor was made with. */
export const handlersOf = <H>(self: AnyActorRef): H =>
  (self as unknown as { readonly logic: { readonly handlers: H } }).logic.handlers;
