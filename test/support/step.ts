/**
 * A machine as a function: state and event in, state and actions out. No actor runs, no timer is set and no effect is
 * executed, so many events can be tried in the same state. An explorer stops by itself where `status` is `done`.
 */
import {
  type ActionExecutor,
  type AnyStateMachine,
  createActor,
  type ExecutableActionObject,
  type InputFrom,
  type SnapshotFrom,
  type AnyStateNode,
} from 'xstate';
import { compile } from '../../src/xstate/compile.js';

/** What a step asks to execute: effects by their names, timers as `xstate.raise` and `xstate.cancel`. */
export type Action = ExecutableActionObject;

/** A state and what was asked for on the way into it. */
export interface Step<S> {
  readonly snapshot: S;
  readonly actions: readonly Action[];
}

/** One branch of the config. `id` names it: source, event and guard. */
export interface Branch {
  readonly id: string;
  readonly source: string;
  readonly eventType: string;
  readonly definition: object;
  readonly guarded: boolean;
  readonly description: string;
}

type Scope<M extends AnyStateMachine> = Parameters<M['transition']>[2];

/** Steps through `machine` with one scope for all steps, which is what makes it fast. */
export class Stepper<M extends AnyStateMachine> {
  readonly #scope: Scope<M>;
  #actions: Action[] = [];

  readonly machine: M;

  constructor(
    machine: M,
    readonly input: InputFrom<M>,
  ) {
    this.machine = compile(machine);
    const self = createActor(this.machine, { input });
    const actionExecutor: ActionExecutor = (action) => void this.#actions.push(action);
    const nothing = () => undefined;
    this.#scope = {
      ...{ self, system: self.system, id: '', sessionId: '', actionExecutor },
      ...{ defer: nothing, logger: nothing, emit: nothing, stopChild: nothing },
    };
  }

  begin(): Step<SnapshotFrom<M>> {
    this.#actions = [];
    const snapshot = this.machine.getInitialSnapshot(this.#scope as never, this.input) as SnapshotFrom<M>;
    return { snapshot, actions: this.#actions };
  }

  /** The event may be one of the machine's own timers (`xstate.after…`). */
  next(snapshot: SnapshotFrom<M>, event: { readonly type: string }): Step<SnapshotFrom<M>> {
    this.#actions = [];
    const next = this.machine.transition(snapshot, event, this.#scope) as SnapshotFrom<M>;
    return { snapshot: next, actions: this.#actions };
  }

  /** The definitions that the event would take, by identity; none for XState's silent no-op. */
  taken(snapshot: SnapshotFrom<M>, event: { readonly type: string }): readonly object[] {
    return this.machine.getTransitionData(snapshot, event);
  }
}

/** The name of the innermost state: `{ handshaking: 'versionSent' }` is `versionSent`. */
export function leafOf(value: unknown): string {
  return typeof value === 'string' ? value : leafOf(Object.values(value as Record<string, unknown>)[0]);
}

/** Every state node, parents first. */
export function nodesOf(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)];
  return below(machine.root);
}

/** The states without states inside. */
export const leavesOf = (machine: AnyStateMachine): AnyStateNode[] =>
  nodesOf(machine).filter((node) => Object.keys(node.states).length === 0);

const guardOf = (guard: unknown): string => (typeof guard === 'string' ? guard : 'otherwise');

/** Every branch of the config: each candidate of each event of each state. */
export const branchesOf = (machine: AnyStateMachine): Branch[] =>
  nodesOf(machine).flatMap((node) =>
    [...node.transitions].flatMap(([eventType, candidates]) =>
      candidates.map((definition) => ({
        id: `${node.key} · ${eventType} · ${guardOf(definition.guard)}`,
        source: node.key,
        eventType,
        definition,
        guarded: definition.guard !== undefined,
        description: definition.description ?? '',
      })),
    ),
  );

/** The node itself and those around it, innermost first. */
export function ancestry(node: AnyStateNode): AnyStateNode[] {
  return node.parent ? [node, ...ancestry(node.parent)] : [node];
}

/** The candidates for an event in a leaf: its own, then those of the states around it. */
export const candidatesOf = (leaf: AnyStateNode, eventType: string) =>
  ancestry(leaf).flatMap((node) => node.transitions.get(eventType) ?? []);

/** The timers that are armed after `actions`, by the event that each will raise, with their milliseconds. */
export function armedAfter(
  before: ReadonlyMap<string, number>,
  actions: readonly Action[],
): Map<string, number> {
  const armed = new Map(before);
  for (const { type, params } of actions) {
    if (type === 'xstate.cancel') armed.delete((params as { sendId: string }).sendId);
    if (type !== 'xstate.raise') continue;
    const { id, delay } = params as { id: string; delay?: number };
    armed.set(id, delay ?? 0);
  }
  return armed;
}
