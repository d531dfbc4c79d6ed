/** The actions of a compiled machine, as functions that do what XState resolves and executes for every event. */
import type { AnyEventObject } from 'xstate';
import type { Builtin, Machine, Params, Scope, Snapshot } from './machine-internals.js';
import type { Args, Context, Exec } from './state-nodes.js';

/** The state of a step while its actions are executed. */
export interface Run {
  /** Replaced by every `assign`. */
  context: Context;
  readonly event: AnyEventObject;
  readonly snapshot: Snapshot;
  readonly scope: Scope;
  /** Raised events, in order. */
  readonly queue: AnyEventObject[];
  /** The system is not inspected and the actor is running, so actions are executed without XState's `actionExecutor`. */
  readonly isDirect: boolean;
}

export type CompiledAction = (run: Run) => void;

/** Returns a new object with the fields of a context. */
export type Copy = (context: Context) => Context;

/** An action that is a function of the machine's implementations, or is not implemented. */
export const customAction =
  (type: string, exec: Exec | undefined, paramsOf: (args: Args) => Params): CompiledAction =>
  ({ context, event, scope, isDirect }) => {
    const info = { context, event, self: scope.self, system: scope.system };
    if (isDirect) exec?.(info, paramsOf(info));
    else scope.actionExecutor({ type, info, params: paramsOf(info), exec });
  };

/** An action that XState resolves and executes itself. */
export const builtinAction =
  (action: Builtin, paramsOf: (args: Args) => Params): CompiledAction =>
  ({ context, event, snapshot, scope, queue }) => {
    const info = { context, event, self: scope.self, system: scope.system };
    const given = paramsOf(info);
    const [, params] = action.resolve(scope, snapshot, info, given, action, { internalQueue: queue });
    const exec = action.execute?.bind(null, scope, params);
    if (exec) scope.actionExecutor({ type: action.type, info, params, exec });
  };

/**
 * The actions of `after`: scheduling a delayed event, and cancelling it. As in XState, they take effect after the snapshot is set.
 * `otherwise`: the same action executed by XState, used for forms that `after` does not produce and while the system is inspected.
 */
export function timerAction(
  action: Builtin,
  otherwise: CompiledAction,
  delays: Machine['implementations']['delays'],
): CompiledAction {
  const direct =
    action.type === 'xstate.cancel' ? cancelAction(action) : delayAction(action, delays, otherwise);
  return direct ? (run) => (run.isDirect ? direct(run) : otherwise(run)) : otherwise;
}

function cancelAction({ sendId }: Builtin): CompiledAction | undefined {
  if (typeof sendId !== 'string') return undefined;
  return ({ scope }) => scope.defer(() => scope.system.scheduler.cancel(scope.self, sendId));
}

function delayAction(
  { event, id, delay }: Builtin,
  delays: object,
  otherwise: CompiledAction,
): CompiledAction | undefined {
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

/** The action `assign`: replaces the context by a copy with the changes. */
export function assignAction(
  assignment: unknown,
  paramsOf: (args: Args) => Params,
  copy: Copy,
): CompiledAction {
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

/** Given to assigners as `spawn`. */
export function refuseSpawn(): never {
  throw new Error('a compiled machine cannot spawn inside assign: use spawnChild, or do not compile it');
}

/** The output of a state or machine: a value, or a function of context and event. */
export function outputOf(
  output: unknown,
  { context, event, scope }: Run,
  done: AnyEventObject = event,
): unknown {
  if (typeof output !== 'function') return output;
  return (output as (args: object) => unknown)({ context, event: done, self: scope.self });
}
