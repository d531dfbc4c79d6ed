/**
 * A scheduler that stores delayed events with their actor.
 *
 * XState stores all timers of a system in one object, with a string key for each, and searches all of them when an actor
 * stops. With ten peers that takes no time, with ten thousand unfinished handshakes a millisecond. Here each actor has its own list.
 * Delays, ids and clock are XState's. The timers are missing from `system.getSnapshot()`, which would list them for a restart.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';

type Actor = AnyActorRef;

/** The scheduler of an XState system (internal to XState, whose version is pinned). */
interface Scheduler {
  schedule(this: void, source: Actor, target: Actor, event: AnyEventObject, delay: number, id?: string): void;
  cancel(this: void, source: Actor, id: string): void;
  cancelAll(this: void, actor: Actor): void;
  /** Added by {@link keepTimersByActor}. */
  move?(this: void, from: object, to: Actor): void;
}

interface System {
  readonly scheduler: Scheduler;
  readonly _clock: { setTimeout(fn: () => void, ms: number): unknown; clearTimeout(timer: unknown): void };
}

/** A delayed event whose timer runs. */
interface Armed {
  readonly id: string;
  readonly timer: unknown;
}

const TIMERS = Symbol('timers');

/** An actor with its timers. There are only a few, so they are in a list; a `WeakMap` of them would slow down every garbage collection. */
interface Owner {
  [TIMERS]?: Armed[] | undefined;
}

/** Replaces the system's scheduler. To be called once for a system, before its first timer. */
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
 * Moves the timers of `from` to `to`, so that `to` can cancel them. When one is due, its event is still sent to `from`.
 * @throws Error if {@link keepTimersByActor} was not called for the system.
 */
export function moveTimers(system: AnyActorRef['system'], from: object, to: AnyActorRef): void {
  const { move } = (system as System).scheduler;
  if (!move) throw new Error('the system does not keep its timers by actor');
  move(from, to);
}

/** Delivers an event in the way of XState, so that inspectors see it. */
const relay = (system: unknown, source: Actor, target: Actor, event: AnyEventObject): void =>
  (system as { _relay(source: Actor, target: Actor, event: AnyEventObject): void })._relay(
    source,
    target,
    event,
  );
