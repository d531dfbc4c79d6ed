/** Types of internal fields of XState: of machines, snapshots and actor scopes. */
import type { AnyEventObject } from 'xstate';
import type { Args, Context, Exec, Named, Node } from './state-nodes.js';

export type Params = unknown;

/** A builtin action of XState: `assign`, `raise`, `cancel`, `emit`, `log` and others. */
export interface Builtin {
  readonly type: string;
  readonly assignment?: unknown;
  readonly event?: unknown;
  readonly id?: string;
  readonly sendId?: unknown;
  readonly delay?: unknown;
  readonly resolve: (...args: unknown[]) => readonly [unknown, Params];
  readonly execute?: (scope: Scope, params: Params) => void;
}

/** A builtin guard of XState: `and`, `or`, `not`, `stateIn`. */
export interface GuardBuiltin {
  readonly check: (snapshot: Snapshot, args: Args, guard: unknown) => boolean;
}

/** The fields of a snapshot whose values are only copied here. */
export type UnchangedField =
  'output' | 'error' | 'machine' | 'value' | 'tags' | 'matches' | 'hasTag' | 'can' | 'getMeta' | 'toJSON';

export interface Snapshot extends Readonly<Record<UnchangedField, unknown>> {
  readonly status: string;
  readonly context: Context;
  readonly children: object;
  readonly historyValue: object;
  readonly _nodes: readonly Node[];
}

/** Sets and cancels the delayed events of a system. */
export interface Scheduler {
  schedule(source: unknown, target: unknown, event: AnyEventObject, delay: number, id?: string): void;
  cancel(source: unknown, id: string): void;
}

/** XState's actor scope, which an actor passes to its machine. */
export interface Scope {
  readonly self: { readonly _processingStatus?: number };
  readonly system: { readonly scheduler: Scheduler; _sendInspectionEvent(event: object): void };
  /** Calls a function after the actor's next snapshot is set. */
  defer(run: () => void): void;
  actionExecutor(action: object): void;
}

/** XState's `ProcessingStatus.Running`. */
const RUNNING = 1;

/** Whether the actor has been started and has not ended. */
export const isRunning = ({ self }: Scope): boolean => self._processingStatus === RUNNING;

export interface Machine {
  readonly id: string;
  readonly options: { readonly maxIterations?: number };
  readonly root: Node;
  readonly config: { readonly context?: unknown };
  readonly implementations: {
    readonly actions: Readonly<Record<string, Exec | Builtin | undefined>>;
    readonly guards: Readonly<Record<string, Named | GuardBuiltin | undefined>>;
    readonly delays: Readonly<Record<string, unknown>>;
  };
  resolveState(config: { value: unknown; context: Context }): Snapshot;
  transition(snapshot: Snapshot, event: AnyEventObject, scope: Scope): Snapshot;
  getInitialSnapshot(scope: Scope, input: unknown): Snapshot;
}

/** An action with its arguments, as a machine passes it to an actor. */
export interface Action {
  readonly exec?: (info: unknown, params: unknown) => void;
  readonly info: unknown;
  readonly params: unknown;
}
