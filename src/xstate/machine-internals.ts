/** The fields of a machine, its snapshots and an actor's scope that XState does not promise, as its source has them. */
import type { AnyEventObject } from 'xstate';
import type { Args, Context, Exec, Named, Node } from './state-nodes.js';

export type Params = unknown;

/** What XState calls a builtin: `assign`, `raise`, `cancel`, `emit`, `log` and others. */
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
export interface GuardBuiltin {
  readonly check: (snapshot: Snapshot, args: Args, guard: unknown) => boolean;
}

/** The fields that a step passes on unchanged. */
export type Fixed =
  'output' | 'error' | 'machine' | 'value' | 'tags' | 'matches' | 'hasTag' | 'can' | 'getMeta' | 'toJSON';

export interface Snapshot extends Readonly<Record<Fixed, unknown>> {
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

export interface Scope {
  readonly self: { readonly _processingStatus?: number };
  readonly system: { readonly scheduler: Scheduler; _sendInspectionEvent(event: object): void };
  /** Runs a function once the actor has its next snapshot. */
  defer(run: () => void): void;
  actionExecutor(action: object): void;
}

/** XState's `ProcessingStatus.Running`: the actions of a step are executed at once. */
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
