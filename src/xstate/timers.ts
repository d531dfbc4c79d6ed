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

/** A delayed event that is armed. */
interface Armed {
  readonly id: string;
  readonly timer: unknown;
}

const TIMERS = Symbol('timers');

/** An actor with its timers: a few at most, so a list is searched. A property, because a `WeakMap` would cost each collection of garbage. */
interface Owner {
  [TIMERS]?: Armed[] | undefined;
}

/** Makes the system keep its timers by actor. Once for a system, before its first timer. */
export function keepTimersByActor(system: AnyActorRef['system']): void {
  const { scheduler, _clock: clock } = system as System;
  scheduler.schedule = (source, target, event, delay, id = crypto.randomUUID()) => {
    const timers = ((source as Owner)[TIMERS] ??= []);
    const fire = (): void => {
      take(timers, id);
      relay(system, source, target, event);
    };
    take(timers, id);
    timers.push({ id, timer: clock.setTimeout(fire, delay) });
  };
  scheduler.cancel = (source, id) => {
    const armed = take((source as Owner)[TIMERS], id);
    if (armed) clock.clearTimeout(armed.timer);
  };
  scheduler.cancelAll = (actor) => {
    for (const { timer } of (actor as Owner)[TIMERS]?.splice(0) ?? []) clock.clearTimeout(timer);
  };
  scheduler.move = (from, to) => {
    const timers = (from as Owner)[TIMERS];
    if (!timers) return;
    (from as Owner)[TIMERS] = undefined;
    (to as Owner)[TIMERS] = timers;
  };
}

function take(timers: Armed[] | undefined, id: string): Armed | undefined {
  const at = timers ? timers.findIndex((armed) => armed.id === id) : -1;
  return at < 0 ? undefined : timers?.splice(at, 1)[0];
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
