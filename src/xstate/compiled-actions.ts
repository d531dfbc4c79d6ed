/** The actions of a compiled machine as functions of a step: what XState would resolve and execute at every event. */
import type { AnyEventObject } from 'xstate';
import type { Builtin, Machine, Params, Scope, Snapshot } from './machine-internals.js';
import type { Args, Context, Exec } from './state-nodes.js';

/** A step under way. */
export interface Run {
  context: Context;
  readonly event: AnyEventObject;
  readonly snapshot: Snapshot;
  readonly scope: Scope;
  /** Raised events, first come first served. */
  readonly queue: AnyEventObject[];
  /** Nobody inspects, and the actor runs: an action is executed without XState's wrapping. */
  readonly isDirect: boolean;
}

export type Act = (run: Run) => void;

export type Copy = (context: Context) => Context;

export const custom =
  (type: string, exec: Exec | undefined, paramsOf: (args: Args) => Params): Act =>
  ({ context, event, scope, isDirect }) => {
    const info = { context, event, self: scope.self, system: scope.system };
    if (isDirect) exec?.(info, paramsOf(info));
    else scope.actionExecutor({ type, info, params: paramsOf(info), exec });
  };

export const builtin =
  (action: Builtin, paramsOf: (args: Args) => Params): Act =>
  ({ context, event, snapshot, scope, queue }) => {
    const info = { context, event, self: scope.self, system: scope.system };
    const given = paramsOf(info);
    const [, params] = action.resolve(scope, snapshot, info, given, action, { internalQueue: queue });
    const exec = action.execute?.bind(null, scope, params);
    if (exec) scope.actionExecutor({ type: action.type, info, params, exec });
  };

/**
 * The actions of `after`: a delayed event, and its cancellation. They take effect after the snapshot, as XState's do.
 * `otherwise`: the action as XState executes it, for what `after` does not make, and where it is inspected.
 */
export function timed(action: Builtin, otherwise: Act, delays: Machine['implementations']['delays']): Act {
  const act = action.type === 'xstate.cancel' ? cancelling(action) : delayed(action, delays, otherwise);
  return act ? (run) => (run.isDirect ? act(run) : otherwise(run)) : otherwise;
}

function cancelling({ sendId }: Builtin): Act | undefined {
  if (typeof sendId !== 'string') return undefined;
  return ({ scope }) => scope.defer(() => scope.system.scheduler.cancel(scope.self, sendId));
}

function delayed({ event, id, delay }: Builtin, delays: object, otherwise: Act): Act | undefined {
  if (typeof event !== 'object') return undefined;
  const given = typeof delay === 'string' ? (delays as Record<string, unknown>)[delay] : delay;
  return (run) => {
    const { self, system } = run.scope;
    const args = { context: run.context, event: run.event, self, system };
    const ms = typeof given === 'function' ? (given as Exec)(args, undefined) : given;
    if (typeof ms !== 'number') return otherwise(run);
    run.scope.defer(() => system.scheduler.schedule(self, self, event as AnyEventObject, ms, id));
  };
}

export function assigned(assignment: unknown, paramsOf: (args: Args) => Params, copy: Copy): Act {
  const change =
    typeof assignment === 'function' ? (assignment as Assigner) : assignerOf(assignment as object);
  return (run) => {
    const { context, event, scope } = run;
    const args = { context, event, spawn: refuseSpawn, self: scope.self, system: scope.system };
    run.context = Object.assign(copy(context), change(args, paramsOf(args)));
  };
}

type Assigner = (args: Args, params: Params) => Context;

const assignerOf = (assignment: object): Assigner => {
  const entries = Object.entries(assignment) as [string, unknown][];
  return (args, params) =>
    Object.fromEntries(
      entries.map(([key, value]) => [
        key,
        typeof value === 'function' ? (value as Exec)(args, params) : value,
      ]),
    );
};

export function refuseSpawn(): never {
  throw new Error('a compiled machine cannot spawn inside assign: use spawnChild, or do not compile it');
}

export function outputOf(
  output: unknown,
  { context, event, scope }: Run,
  done: AnyEventObject = event,
): unknown {
  if (typeof output !== 'function') return output;
  return (output as (args: object) => unknown)({ context, event: done, self: scope.self });
}
