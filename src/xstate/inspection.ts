/**
 * Records whether a system of actors is inspected. XState does not expose its list of inspectors, so without this each step would
 * create an object for every inspection event even if there is no inspector.
 */
import type { AnyActorRef } from 'xstate';

type System = AnyActorRef['system'];

const INSPECTED = Symbol('inspected');

interface Watched {
  [INSPECTED]?: boolean;
}

/** Starts to record whether the system is inspected. `isAlready`: it has an inspector now. */
export function watchInspection(system: System, isAlready: boolean): void {
  const watched = system as Watched;
  watched[INSPECTED] = isAlready;
  const { inspect } = system;
  system.inspect = (observer) => {
    watched[INSPECTED] = true;
    return inspect(observer);
  };
}

/** Whether the system is inspected; true if {@link watchInspection} was not called for it. */
export const isInspected = (system: object): boolean => (system as Watched)[INSPECTED] ?? true;
