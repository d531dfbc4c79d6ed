/**
 * Keeps the stop of an actor cheap in a crowd.
 *
 * When an actor stops, XState looks through every armed timer of its system for those of that actor: nothing beside ten
 * peers, a millisecond beside ten thousand that shake hands. Here the armed timers are kept by actor as well. Timers, their ids and
 * what persists of them stay XState's.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';

type Actor = AnyActorRef;

/** XState's scheduler, of which a system has one (semi-internal: the version is pinned). */
interface Scheduler {
  schedule(this: void, source: Actor, target: Actor, event: AnyEventObject, delay: number, id?: string): void;
  cancel(this: void, source: Actor, id: string): void;
  cancelAll(this: void, actor: Actor): void;
}

/** Replaces the scheduler's search by a lookup. Once for a system, before its first timer. */
export function keepTimersByActor({ scheduler }: { readonly scheduler: Scheduler }): void {
  const { schedule, cancel } = scheduler;
  const armed = new WeakMap<Actor, Set<string>>();
  scheduler.schedule = (source, target, event, delay, id = crypto.randomUUID()) => {
    const ids = armed.get(source);
    if (ids) ids.add(id);
    else armed.set(source, new Set([id]));
    schedule(source, target, event, delay, id);
  };
  scheduler.cancel = (source, id) => {
    armed.get(source)?.delete(id);
    cancel(source, id);
  };
  scheduler.cancelAll = (actor) => {
    for (const id of armed.get(actor) ?? []) cancel(actor, id);
    armed.delete(actor);
  };
}
