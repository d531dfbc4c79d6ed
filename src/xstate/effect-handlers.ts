/**
 * Gives an actor its own effect handlers when it is made, while all actors of a machine share one set of implementations:
 * `provide` for each actor would copy the machine, and its compiled steps with it.
 *
 *   const logic = machine.provide({ actions: { 'effect.close': ({ self }) => handlersOf<Handlers>(self).close() } });
 *   const actor = createActor(withHandlers(logic, handlers));
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';

/** The logic with these handlers: an object whose prototype is the machine, so `config`, `id` and the steps are shared. */
export const withHandlers = <M extends AnyStateMachine>(machine: M, handlers: object): M =>
  Object.create(machine, { handlers: { value: handlers } }) as M;

/** The handlers that the actor was made with. */
export const handlersOf = <H>(self: AnyActorRef): H =>
  (self as unknown as { readonly logic: { readonly handlers: H } }).logic.handlers;
