/**
 * XState lists every actor of a system in a `Map` that it writes to and never reads. With many short lives the copies of its
 * table (see node/releasing-map.ts) would keep each actor in memory until the next full collection.
 */
import type { AnyActorRef } from 'xstate';

/** Makes the system list no actors from now on. Those with a `systemId` are found as before: XState has another list for them. */
export function listNoActors(system: AnyActorRef['system']): void {
  (system as unknown as { _register(sessionId: string): string })._register = (sessionId) => sessionId;
}
