/**
 * Whether somebody inspects a system of actors. XState keeps its inspectors to itself, so every step would make an object for each
 * inspection event and hand it to nobody.
 */
import type { AnyActorRef } from 'xstate';

type System = AnyActorRef['system'];

/** The systems that are watched, and whether they are inspected. */
const inspected = new WeakMap<object, boolean>();

/** Notes from now on who inspects the system. `isInspected`: whether somebody does already. */
export function watchInspection(system: System, isAlready: boolean): void {
  inspected.set(system, isAlready);
  const { inspect } = system;
  system.inspect = (observer) => {
    inspected.set(system, true);
    return inspect(observer);
  };
}

/** True where it is not known: the system is not watched. */
export const isInspected = (system: object): boolean => inspected.get(system) ?? true;
