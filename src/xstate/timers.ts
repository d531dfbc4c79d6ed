/**
 * Delayed events, kept by actor.
 *
 * XState keeps all armed timers of a system in one object, by a key that it makes for each: an actor that stops looks through
 * all of them, nothing beside ten peers, a millisecond beside ten thousand with a handshake under way. Here each actor has its own few.
 * Delays, ids and clock are XState's; only what `system.getSnapshot()` would list of them for a restart is not kept.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';

type Actor = AnyActorRef;

/** XState's scheduler, of which a system has one (semi-internal: the version is pinned). */
interface Scheduler {
  schedule(this: void, source: Actor, target: Actor, event: AnyEventObject, delay: number, id?: string): void;
  cancel(this: void, source: Actor, id: string): void;
  cancelAll(this: void, actor: Actor): void;
  /** Only of {@link keepTimersByActor}. */
  move?(this: void, from: object, to: Actor): void;
}

interface System {
  readonly scheduler: Scheduler;
  readonly _clock: { setTimeout(fn: () => void, ms: number): unknown; clearTimeout(timer: unknown): void };
}

/** Makes the system keep its timers by actor. Once for a system, before its first timer. */
export function keepTimersByActor(system: AnyActorRef['system']): void {
  const { scheduler, _clock: clock } = system as System;
  const armed = new WeakMap<Actor, Map<string, unknown>>();
  const forget = (actor: Actor, timers: Map<string, unknown>, id: string): void => {
    timers.delete(id);
    if (timers.size === 0) armed.delete(actor);
  };
  const timersOf = (actor: Actor): Map<string, unknown> => {
    const timers = armed.get(actor) ?? new Map<string, unknown>();
    armed.set(actor, timers);
    return timers;
  };
  scheduler.schedule = (source, target, event, delay, id = crypto.randomUUID()) => {
    const timers = timersOf(source);
    const fire = (): void => {
      forget(source, timers, id);
      relay(system, source, target, event);
    };
    timers.set(id, clock.setTimeout(fire, delay));
  };
  scheduler.cancel = (source, id) => {
    const timers = armed.get(source);
    if (!timers?.has(id)) return;
    clock.clearTimeout(timers.get(id));
    forget(source, timers, id);
  };
  scheduler.cancelAll = (actor) => {
    for (const timer of armed.get(actor)?.values() ?? []) clock.clearTimeout(timer);
    armed.delete(actor);
  };
  scheduler.move = (from, to) => {
    const timers = armed.get(from as Actor);
    if (!timers) return;
    armed.delete(from as Actor);
    armed.set(to, timers);
  };
}

/**
 * Makes the timers of `from` those of `to`, so that `to` can cancel them; when one is due, `from` still gets its event.
 * The system must keep its timers by actor.
 */
export function moveTimers(system: AnyActorRef['system'], from: object, to: AnyActorRef): void {
  const { move } = (system as System).scheduler;
  if (!move) throw new Error('the system does not keep its timers by actor');
  move(from, to);
}

/** Delivered as XState does it, so that inspection shows it. */
const relay = (system: unknown, source: Actor, target: Actor, event: AnyEventObject): void =>
  (system as { _relay(source: Actor, target: Actor, event: AnyEventObject): void })._relay(
    source,
    target,
    event,
  );
