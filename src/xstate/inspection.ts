/**
 * Whether a system of actors is inspected. XState does not publish its inspectors, so without this each step would make an object
 * for every inspection event, also where there is no inspector.
 */
import type { AnyActorRef } from 'xstate';

type System = AnyActorRef['system'];

const INSPECTED = Symbol('inspected');

interface Watched {
  [INSPECTED]?: boolean;
}

/** From now on it is known whether the system is inspected. `isAlready`: it is now. */
export function watchInspection(system: System, isAlready: boolean): void {
  const watched = system as Watched;
  watched[INSPECTED] = isAlready;
  const { inspect } = system;
  system.inspect = (observer) => {
    watched[INSPECTED] = true;
    return inspect(observer);
  };
}

/** True for a system that is not watched. */
export const isInspected = (system: object): boolean => (system as Watched)[INSPECTED] ?? true;
