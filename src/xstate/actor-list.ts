/**
 * XState adds every actor of a system to a `Map` that it never reads. With many short-lived actors, the old tables of this
 * `Map` (see node/releasing-map.ts) would keep each actor in memory until the next full garbage collection.
 */
import type { AnyActorRef } from 'xstate';

/** Stops the system from adding actors to that `Map`. Actors with a `systemId` are still found, because XState has another list for them. */
export function listNoActors(system: AnyActorRef['system']): void {
  (system as unknown as { _register(sessionId: string): string })._register = (sessionId) => sessionId;
}
