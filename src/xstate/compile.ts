/**
 * Compiles a machine of XState 5: the same chart and the same actors, with faster transitions.
 *
 * For every event, XState computes which states are exited and entered, and creates a new snapshot for every `assign`. Almost all
 * of that depends only on the machine: {@link compile} reads the chart once and precomputes, for each leaf state and each event,
 * the candidate transitions with their guards, their actions (exit, transition and entry actions, in order) and the resulting
 * snapshot. It returns logic for `createActor`, like the machine itself, with XState's actors, snapshots and
 * inspection events. The machine is its prototype, so that `config`, `id` and the rest are the machine's.
 *
 * The behaviour is that of XState. A pair of leaf state and event that cannot be compiled is interpreted by the machine, and
 * {@link interpreted} lists these pairs. They are: parallel and history states; states below an `always` or a
 * partial wildcard (`mouse.*`); transitions with several targets, or that exit and enter the root; entering or exiting a state that
 * invokes; exiting a state with a history state; actions that spawn, stop, send to other actors or enqueue; and, in a machine
 * with any of these, transitions that raise events, so that the order of raised events is XState's. `xstate.stop`, events that
 * no state names, and snapshots of another machine are always interpreted.
 *
 * Limits: `spawn` inside an assigner throws. Implementations are read once, so `provide` must be called before
 * `compile`. `tags`, `value` and `_nodes` are shared by all snapshots of a leaf and must not be modified. Internal fields of XState
 * are read (`_nodes`, `resolve`, `actionExecutor`), so the version must be pinned and checked by the differential test.
 */
import type { AnyEventObject, AnyStateMachine, ContextFrom } from 'xstate';
import {
  changesOf,
  type Context,
  descentOf,
  hasKeys,
  nameOf,
  paramsReader,
  isLeaf,
  isPartialWildcard,
  leafOf,
  lineageOf,
  type Named,
  type Node,
  nodesBelow,
  type Transition,
  Uncompilable,
  valueOf,
} from './state-nodes.js';
import {
  type CompiledAction,
  assignAction,
  builtinAction,
  type Copy,
  customAction,
  outputOf,
  refuseSpawn,
  type Run,
  timerAction,
} from './compiled-actions.js';
import { isInspected } from './inspection.js';
import {
  type Builtin,
  type GuardBuiltin,
  isRunning,
  type Machine,
  type Scope,
  type Snapshot,
} from './machine-internals.js';
import { refuseUntested } from './version.js';

/** A transition that is possible from a leaf for an event; it is taken if `holds`, its guard, is absent or returns true. */
interface Candidate {
  readonly holds?: (snapshot: Snapshot, event: AnyEventObject) => boolean;
  readonly transition: Transition;
  readonly compiled: CompiledTransition | undefined;
}

/** The precomputed actions and result of a transition. */
interface CompiledTransition {
  readonly actions: readonly CompiledAction[];
  /** The new leaf; undefined if the leaf does not change. */
  readonly leaf: Leaf | undefined;
  /** If the transition reaches a top-level final state: the machine's output, and the exit actions executed after it. */
  readonly end:
    { readonly output: (run: Run) => unknown; readonly actions: readonly CompiledAction[] } | undefined;
}

/** An atomic or final state. */
interface Leaf {
  readonly node: Node;
  /** A snapshot in this state; context, children and output are replaced. */
  readonly template: Snapshot;
  /** By event type; `null` where XState interprets the event. */
  readonly candidates: Map<string, readonly Candidate[] | null>;
  /** For events that no state names; `null` where XState interprets them. */
  otherwise: readonly Candidate[] | null;
}

const STOP = 'xstate.stop';
const WILDCARD = '*';
const NO_TRANSITION: CompiledTransition = { actions: [], leaf: undefined, end: undefined };

/** Builtin actions that depend only on their arguments and have their effect immediately. */
const SELF_CONTAINED = new Set(['xstate.raise', 'xstate.cancel', 'xstate.emit', 'xstate.log']);

const compilations = new WeakMap<object, Compilation>();

/** Options of {@link compile}. */
export interface CompileOptions<M extends AnyStateMachine> {
  /**
   * Returns a new object with every field of a context. An object literal with each field takes a fraction of the time of a spread,
   * which V8 cannot specialise for one type. Default: a spread.
   */
  readonly copy?: (context: ContextFrom<M>) => ContextFrom<M>;
}

const spread: Copy = (context) => ({ ...context });

/**
 * Returns the machine with compiled transitions: the same states, context, actions and timers. A compiled machine is returned unchanged.
 *
 *   const actor = createActor(compile(peerMachine), { input });
 *
 * @throws Error if the loaded version of XState is not in `TESTED_XSTATE`, because its internals may differ. Use the machine itself then.
 */
export function compile<M extends AnyStateMachine>(machine: M, options: CompileOptions<M> = {}): M {
  if (compilations.has(machine)) return machine;
  refuseUntested();
  const { copy = spread } = options;
  const compilation = new Compilation(machine as unknown as Machine, copy as Copy);
  const compiled = Object.create(machine, {
    transition: { value: compilation.transition },
    getInitialSnapshot: { value: compilation.getInitialSnapshot },
  }) as M;
  compilations.set(compiled, compilation);
  return compiled;
}

/**
 * The parts of a compiled machine that XState interprets: `state event: reason`, `state: reason` for all events of a state, or
 * `init: reason`. Empty if there are none.
 * @throws Error if the machine is not compiled.
 */
export function interpreted(compiled: AnyStateMachine): readonly string[] {
  const compilation = compilations.get(compiled);
  if (!compilation) throw new Error(`${compiled.id} is not compiled`);
  return compilation.interpretedParts;
}

class Compilation {
  readonly interpretedParts: string[] = [];
  readonly #leaves = new Map<Node, Leaf>();
  /** Actions that raise an event. */
  readonly #raising = new Set<CompiledAction>();
  readonly #initial: CompiledTransition | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly copy: Copy,
  ) {
    const nodes = nodesBelow(machine.root);
    for (const node of nodes) if (isLeaf(node)) this.#try(node.id, () => this.#addLeaf(node));
    const events = new Set(nodes.flatMap((node) => [...node.transitions.keys()]));
    for (const leaf of this.#leaves.values()) this.#fill(leaf, events);
    const isWhole = this.interpretedParts.length === 0;
    if (!isWhole) for (const leaf of this.#leaves.values()) this.#interpretRaising(leaf);
    const initial = this.#try('init', () => this.#start());
    this.#initial = isWhole || !initial || !this.#isRaising(initial) ? initial : undefined;
  }

  readonly transition = (snapshot: Snapshot, event: AnyEventObject, scope: Scope): Snapshot => {
    const queue: AnyEventObject[] = [];
    const next = this.#step(snapshot, event, scope, queue);
    return queue.length === 0 ? next : this.#settle(next, scope, queue);
  };

  readonly getInitialSnapshot = (scope: Scope, input: unknown): Snapshot => {
    const context = this.#initial && this.#firstContext(scope, input);
    if (!this.#initial || !context) return this.machine.getInitialSnapshot(scope, input);
    const event = { type: 'xstate.init', input };
    const queue: AnyEventObject[] = [];
    try {
      const { template } = this.#initial.leaf!;
      const snapshot = snapshotOf(template, { context, snapshot: template }, 'active', undefined);
      const run = { context, event, snapshot, scope, queue, isDirect: false };
      const next = this.#execute(this.#initial, run);
      return this.#settle(next, scope, queue);
    } catch {
      // XState creates a snapshot of the error; the actions executed so far must not be executed or reported twice.
      return this.machine.getInitialSnapshot(muted(scope), input);
    }
  };

  /** The initial context; undefined if its function throws, as it does when it spawns. XState then interprets the initial step. */
  #firstContext(scope: Scope, input: unknown): Context | undefined {
    const { context } = this.machine.config;
    if (typeof context !== 'function') return { ...(context as Context | undefined) };
    try {
      const given = { spawn: refuseSpawn, input, self: scope.self };
      return (context as (args: object) => Context)(given);
    } catch {
      return undefined;
    }
  }

  #step(snapshot: Snapshot, event: AnyEventObject, scope: Scope, queue: AnyEventObject[]): Snapshot {
    const candidate = this.#choose(snapshot, event);
    const compiled = candidate === undefined ? NO_TRANSITION : candidate?.compiled;
    if (candidate === null || !compiled || (compiled.end && hasKeys(snapshot.children))) {
      return this.machine.transition(snapshot, event, scope);
    }
    const { context } = snapshot;
    const isReported = isInspected(scope.system);
    const isDirect = !isReported && isRunning(scope);
    const next = this.#execute(compiled, { context, event, snapshot, scope, queue, isDirect });
    if (isReported) this.#report(candidate, event, next, scope);
    return next;
  }

  #report(candidate: Candidate | undefined, event: AnyEventObject, snapshot: Snapshot, scope: Scope): void {
    const step = {
      actorRef: scope.self,
      event,
      snapshot,
      _transitions: candidate ? [candidate.transition] : [],
    };
    scope.system._sendInspectionEvent({ type: '@xstate.microstep', ...step });
  }

  /** The first candidate whose guard holds; undefined if there is none, `null` if XState must interpret the event. */
  #choose(snapshot: Snapshot, event: AnyEventObject): Candidate | undefined | null {
    const leaf = this.#leaves.get(leafOf(snapshot._nodes));
    if (!leaf || snapshot.status !== 'active') return null;
    const named = leaf.candidates.get(event.type);
    const candidates = named === undefined ? leaf.otherwise : named;
    if (!candidates) return null;
    try {
      for (const candidate of candidates)
        if (!candidate.holds || candidate.holds(snapshot, event)) return candidate;
    } catch {
      // A guard threw: XState reports which one.
      return null;
    }
    // XState ends an actor that does not handle an error.
    return event.type.startsWith('xstate.error.actor') ? null : undefined;
  }

  #execute(compiled: CompiledTransition, run: Run): Snapshot {
    for (const action of compiled.actions) action(run);
    const { leaf, end } = compiled;
    if (leaf && end) return this.#finish(leaf, end, run);
    const stays = !leaf || leaf.node === leafOf(run.snapshot._nodes);
    if (stays && run.context === run.snapshot.context) return run.snapshot;
    return snapshotOf(stays ? run.snapshot : leaf.template, run, 'active', undefined);
  }

  #finish(leaf: Leaf, end: NonNullable<CompiledTransition['end']>, run: Run): Snapshot {
    const output = end.output(run);
    for (const action of end.actions) action(run);
    return snapshotOf(leaf.template, run, 'done', output);
  }

  /** Processes the raised events until there are none left; throws after too many of them (XState's `maxIterations`). */
  #settle(snapshot: Snapshot, scope: Scope, queue: AnyEventObject[]): Snapshot {
    const { id, options } = this.machine;
    let next = snapshot;
    for (let taken = 0; next.status === 'active'; taken++) {
      if (taken >= (options.maxIterations ?? Infinity)) {
        throw new Error(`Infinite loop detected: ${taken} raised events in one step of '${id}'`);
      }
      const event = queue.shift();
      if (!event) break;
      next = this.#step(next, event, scope, queue);
    }
    return next;
  }

  #try<T>(what: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Uncompilable)) throw error;
      this.interpretedParts.push(`${what}: ${error.message}`);
      return undefined;
    }
  }

  #addLeaf(node: Node): void {
    const line = lineageOf(node);
    if (line.some(({ type }) => type === 'parallel')) throw new Uncompilable('parallel');
    if (line.some(({ always }) => always)) throw new Uncompilable('always');
    if (line.some(({ transitions }) => [...transitions.keys()].some(isPartialWildcard)))
      throw new Uncompilable('a partial wildcard');
    const template = this.machine.resolveState({ value: valueOf(node.path), context: {} });
    this.#leaves.set(node, { node, template, candidates: new Map(), otherwise: null });
  }

  #fill(leaf: Leaf, events: ReadonlySet<string>): void {
    for (const type of events) leaf.candidates.set(type, this.#candidatesOf(leaf, type));
    // XState throws for the event `*`, and handles `xstate.stop` before any transition.
    for (const type of [WILDCARD, STOP]) leaf.candidates.set(type, null);
    leaf.otherwise = lineageOf(leaf.node).some(({ transitions }) => transitions.has(WILDCARD))
      ? this.#candidatesOf(leaf, WILDCARD)
      : null;
  }

  #isRaising({ actions, end }: CompiledTransition): boolean {
    return [...actions, ...(end?.actions ?? [])].some((action) => this.#raising.has(action));
  }

  /** Lets XState interpret the transitions of a leaf that raise events: with two event queues, theirs and ours, the order would differ. */
  #interpretRaising(leaf: Leaf): void {
    const clear = (candidates: readonly Candidate[]): Candidate[] =>
      candidates.map((candidate) =>
        candidate.compiled && this.#isRaising(candidate.compiled)
          ? { ...candidate, compiled: undefined }
          : candidate,
      );
    for (const [type, candidates] of leaf.candidates)
      leaf.candidates.set(type, candidates && clear(candidates));
    leaf.otherwise &&= clear(leaf.otherwise);
  }

  #candidatesOf({ node }: Leaf, type: string): readonly Candidate[] {
    const transitions = lineageOf(node).flatMap((state) => [
      ...(state.transitions.get(type) ?? []),
      ...(type === WILDCARD ? [] : (state.transitions.get(WILDCARD) ?? [])),
    ]);
    return transitions.map((transition) => {
      const compiled = this.#try(`${node.id} ${type}`, () => this.#compileTransition(node, transition));
      return { ...(transition.guard && { holds: this.#guardOf(transition.guard) }), transition, compiled };
    });
  }

  #compileTransition(from: Node, transition: Transition): CompiledTransition {
    const { exited, entered, defaults } = changesOf(from, transition);
    const actions = [
      ...exited.flatMap((node) => this.#compileActions(node.exit)),
      ...this.#compileActions(transition.actions),
      ...entered.flatMap((node) => this.#entryActionsOf(node, defaults.has(node))),
    ];
    return { actions, ...this.#targetOf(entered.at(-1)) };
  }

  #start(): CompiledTransition {
    const entered = [this.machine.root, ...descentOf(this.machine.root)];
    const actions = entered.flatMap((node) => this.#entryActionsOf(node, true));
    return { actions, ...this.#targetOf(entered.at(-1)) };
  }

  #targetOf(node: Node | undefined): Omit<CompiledTransition, 'actions'> {
    if (!node) return { leaf: undefined, end: undefined };
    const leaf = this.#leaves.get(node);
    if (!leaf) throw new Uncompilable(`leads to ${node.id}`);
    const isEnd = node.type === 'final' && node.parent === this.machine.root;
    return { leaf, end: isEnd ? this.#compileEnd(node) : undefined };
  }

  #compileEnd(node: Node): NonNullable<CompiledTransition['end']> {
    const { root } = this.machine;
    const actions = lineageOf(node).flatMap((left) => this.#compileActions(left.exit));
    const type = `xstate.done.state.${node.id}`;
    const output = (run: Run) =>
      root.output === undefined
        ? undefined
        : outputOf(root.output, run, { type, output: outputOf(node.output, run) });
    return { output, actions };
  }

  #entryActionsOf(node: Node, byDefault: boolean): CompiledAction[] {
    if (node.invoke.length > 0) throw new Uncompilable(`${node.id} invokes`);
    const actions = this.#compileActions([...node.entry, ...(byDefault ? node.initial.actions : [])]);
    const { parent } = node;
    if (node.type !== 'final' || !parent?.parent) return actions;
    const type = `xstate.done.state.${parent.id}`;
    return [
      ...actions,
      this.#markRaising((run) => void run.queue.push({ type, output: outputOf(node.output, run) })),
    ];
  }

  #markRaising(action: CompiledAction): CompiledAction {
    this.#raising.add(action);
    return action;
  }

  #compileActions(actions: readonly Named[]): CompiledAction[] {
    return actions.map((action) => this.#compileAction(action));
  }

  #compileAction(action: Named): CompiledAction {
    const type = typeof action === 'function' ? action.name || '(anonymous)' : nameOf(action);
    const found = typeof action === 'function' ? action : this.machine.implementations.actions[type];
    const paramsOf = paramsReader(action);
    if (!found || !('resolve' in found)) return customAction(type, found, paramsOf);
    if (found.type === 'xstate.assign') return assignAction(found.assignment, paramsOf, this.copy);
    if (found.type === 'xstate.raise' && !this.#isDelayed(found))
      return this.#markRaising(builtinAction(found, paramsOf));
    if (found.type === 'xstate.raise' || found.type === 'xstate.cancel')
      return timerAction(found, builtinAction(found, paramsOf), this.machine.implementations.delays);
    if (SELF_CONTAINED.has(found.type)) return builtinAction(found, paramsOf);
    throw new Uncompilable(found.type);
  }

  /** Whether an event is delayed. XState raises it immediately if its delay is a name that is not implemented. */
  #isDelayed({ delay }: Builtin): boolean {
    return typeof delay === 'string' ? delay in this.machine.implementations.delays : delay !== undefined;
  }

  #guardOf(guard: Named): NonNullable<Candidate['holds']> {
    const found = typeof guard === 'function' ? guard : this.machine.implementations.guards[nameOf(guard)];
    if (typeof found === 'function' && !('check' in found)) {
      const paramsOf = paramsReader(guard);
      return ({ context }, event) => {
        const args = { context, event };
        return Boolean(found(args, paramsOf(args)));
      };
    }
    if (isGuardBuiltin(found)) {
      return (snapshot, event) => found.check(snapshot, { context: snapshot.context, event }, found);
    }
    if (found) return this.#guardOf(found);
    return () => {
      throw new Error('guard not implemented: XState reports it when it interprets the event');
    };
  }
}

const isGuardBuiltin = (guard: unknown): guard is GuardBuiltin =>
  (typeof guard === 'function' || typeof guard === 'object') && guard !== null && 'check' in guard;

const muted = (scope: Scope): Scope => ({
  ...scope,
  system: { ...scope.system, _sendInspectionEvent: () => undefined },
  actionExecutor: () => undefined,
});

/** A snapshot with the fields of `like`. An object literal in XState's order, so that V8 gives all snapshots the same hidden class. */
const snapshotOf = (
  like: Snapshot,
  run: Pick<Run, 'context' | 'snapshot'>,
  status: string,
  output: unknown,
): Snapshot => ({
  status,
  output,
  error: like.error,
  machine: like.machine,
  context: run.context,
  _nodes: like._nodes,
  value: like.value,
  tags: like.tags,
  children: run.snapshot.children,
  historyValue: run.snapshot.historyValue,
  matches: like.matches,
  hasTag: like.hasTag,
  can: like.can,
  getMeta: like.getMeta,
  toJSON: like.toJSON,
});
