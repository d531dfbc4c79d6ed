/**
 * Compiles a machine of XState 5: the same chart, the same actors, a cheaper step.
 *
 * XState finds out at every event which states are left and entered, and makes a new snapshot for every `assign`. Almost all
 * of that is known once the machine is: {@link compile} reads the chart when it is called and writes down, for each leaf
 * state and each event, the guarded list of what to do (exit, transition and entry actions, in order) and the snapshot
 * that results. What it returns is logic for `createActor`, like the machine itself: real actors, real snapshots, the
 * inspection events of XState, and `config`, `id` and the rest of the machine, which is its prototype.
 *
 * The config stays the truth and XState decides: a cell that cannot be compiled is left to the machine, event by
 * event, and {@link interpreted} names those cells. They are: parallel and history states; states below an `always` or a
 * partial wildcard (`mouse.*`); transitions to several targets, or that leave and enter the root; states that invoke, when
 * they are entered or left; states that history remembers; actions that spawn, stop, send to others or enqueue; and, in a machine
 * with any of these, steps that raise events, so that the order of raised events stays XState's. `xstate.stop`, events that
 * no state names, and snapshots of another machine always go to XState.
 *
 * Limits. `spawn` inside an assigner throws. Implementations are read once: `provide` first,
 * compile then. `tags`, `value` and `_nodes` are shared by all snapshots of a leaf: do not write to them. It reads fields that
 * XState does not promise (`_nodes`, `resolve`, `actionExecutor`), so pin the version and keep the differential test.
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
  type Act,
  assigned,
  builtin,
  type Copy,
  custom,
  outputOf,
  refuseSpawn,
  type Run,
  timed,
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

/** A way from one leaf, for one event, when its guard holds. */
interface Way {
  readonly holds?: (snapshot: Snapshot, event: AnyEventObject) => boolean;
  readonly transition: Transition;
  readonly plan: Plan | undefined;
}

/** What to do, and where it leads. */
interface Plan {
  readonly acts: readonly Act[];
  /** Undefined: the leaf does not change. */
  readonly leaf: Leaf | undefined;
  /** The machine is done: its output, and what happens after that is known. */
  readonly end: { readonly output: (run: Run) => unknown; readonly acts: readonly Act[] } | undefined;
}

interface Leaf {
  readonly node: Node;
  /** A snapshot that has everything but context, children and output. */
  readonly template: Snapshot;
  /** By event type; `null` where XState must decide. */
  readonly ways: Map<string, readonly Way[] | null>;
  /** For events that no state names. */
  otherwise: readonly Way[] | null;
}

const STOP = 'xstate.stop';
const WILDCARD = '*';
const NOTHING: Plan = { acts: [], leaf: undefined, end: undefined };

/** Builtin actions that look at nothing but their arguments and answer at once. */
const SELF_CONTAINED = new Set(['xstate.raise', 'xstate.cancel', 'xstate.emit', 'xstate.log']);

const compilations = new WeakMap<object, Compilation>();

/** Options of {@link compile}. */
export interface CompileOptions<M extends AnyStateMachine> {
  /**
   * Copies a context: a new object with every field, written out. An object literal costs a fraction of a spread, whose call
   * site V8 cannot specialise. Default: a spread.
   */
  readonly copy?: (context: ContextFrom<M>) => ContextFrom<M>;
}

const spread: Copy = (context) => ({ ...context });

/**
 * The machine with compiled steps: same states, context, actions and timers. Compiling the result again returns it as it is.
 *
 *   const actor = createActor(compile(peerMachine), { input });
 *
 * @throws Error where the loaded XState is none of `TESTED_XSTATE`: its internals may differ. Use the machine itself then.
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

/** What a compiled machine leaves to XState, as `state event: why` (`state: why` for a whole state, `init: why`). Empty when nothing. */
export function interpreted(compiled: AnyStateMachine): readonly string[] {
  const compilation = compilations.get(compiled);
  if (!compilation) throw new Error(`${compiled.id} is not compiled`);
  return compilation.left;
}

class Compilation {
  readonly left: string[] = [];
  readonly #leaves = new Map<Node, Leaf>();
  /** Acts that put an event into the queue. */
  readonly #raising = new Set<Act>();
  readonly #initial: Plan | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly copy: Copy,
  ) {
    const nodes = nodesBelow(machine.root);
    for (const node of nodes) if (isLeaf(node)) this.#try(node.id, () => this.#addLeaf(node));
    const events = new Set(nodes.flatMap((node) => [...node.transitions.keys()]));
    for (const leaf of this.#leaves.values()) this.#fill(leaf, events);
    const isWhole = this.left.length === 0;
    if (!isWhole) for (const leaf of this.#leaves.values()) this.#leaveRaising(leaf);
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
      const next = this.#follow(this.#initial, run);
      return this.#settle(next, scope, queue);
    } catch {
      // XState makes an error snapshot of it; what was done so far is not to be reported twice.
      return this.machine.getInitialSnapshot(muted(scope), input);
    }
  };

  /** Undefined where it throws, as it does where it spawns: XState does it then. */
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
    const way = this.#choose(snapshot, event);
    const plan = way === undefined ? NOTHING : way?.plan;
    if (way === null || !plan || (plan.end && hasKeys(snapshot.children))) {
      return this.machine.transition(snapshot, event, scope);
    }
    const { context } = snapshot;
    const isReported = isInspected(scope.system);
    const isDirect = !isReported && isRunning(scope);
    const next = this.#follow(plan, { context, event, snapshot, scope, queue, isDirect });
    if (isReported) this.#report(way, event, next, scope);
    return next;
  }

  #report(way: Way | undefined, event: AnyEventObject, snapshot: Snapshot, scope: Scope): void {
    const step = { actorRef: scope.self, event, snapshot, _transitions: way ? [way.transition] : [] };
    scope.system._sendInspectionEvent({ type: '@xstate.microstep', ...step });
  }

  /** The first way whose guard holds, `undefined` for none, `null` when XState must decide. */
  #choose(snapshot: Snapshot, event: AnyEventObject): Way | undefined | null {
    const leaf = this.#leaves.get(leafOf(snapshot._nodes));
    if (!leaf || snapshot.status !== 'active') return null;
    const named = leaf.ways.get(event.type);
    const ways = named === undefined ? leaf.otherwise : named;
    if (!ways) return null;
    try {
      for (const way of ways) if (!way.holds || way.holds(snapshot, event)) return way;
    } catch {
      // A guard that throws: XState says which one.
      return null;
    }
    // An unhandled error is the end of the actor.
    return event.type.startsWith('xstate.error.actor') ? null : undefined;
  }

  #follow(plan: Plan, run: Run): Snapshot {
    for (const act of plan.acts) act(run);
    const { leaf, end } = plan;
    if (leaf && end) return this.#finish(leaf, end, run);
    const stays = !leaf || leaf.node === leafOf(run.snapshot._nodes);
    if (stays && run.context === run.snapshot.context) return run.snapshot;
    return snapshotOf(stays ? run.snapshot : leaf.template, run, 'active', undefined);
  }

  #finish(leaf: Leaf, end: NonNullable<Plan['end']>, run: Run): Snapshot {
    const output = end.output(run);
    for (const act of end.acts) act(run);
    return snapshotOf(leaf.template, run, 'done', output);
  }

  /** Takes the raised events until there are none, or too many of them (XState's `maxIterations`). */
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
      this.left.push(`${what}: ${error.message}`);
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
    this.#leaves.set(node, { node, template, ways: new Map(), otherwise: null });
  }

  #fill(leaf: Leaf, events: ReadonlySet<string>): void {
    for (const type of events) leaf.ways.set(type, this.#waysOf(leaf, type));
    // XState refuses the one and treats the other before any transition.
    for (const type of [WILDCARD, STOP]) leaf.ways.set(type, null);
    leaf.otherwise = lineageOf(leaf.node).some(({ transitions }) => transitions.has(WILDCARD))
      ? this.#waysOf(leaf, WILDCARD)
      : null;
  }

  #isRaising({ acts, end }: Plan): boolean {
    return [...acts, ...(end?.acts ?? [])].some((act) => this.#raising.has(act));
  }

  /** XState takes raised events first come first served; between two takers, the order would be lost. */
  #leaveRaising(leaf: Leaf): void {
    const leave = (ways: readonly Way[]): Way[] =>
      ways.map((way) => (way.plan && this.#isRaising(way.plan) ? { ...way, plan: undefined } : way));
    for (const [type, ways] of leaf.ways) leaf.ways.set(type, ways && leave(ways));
    leaf.otherwise &&= leave(leaf.otherwise);
  }

  #waysOf({ node }: Leaf, type: string): readonly Way[] {
    const transitions = lineageOf(node).flatMap((state) => [
      ...(state.transitions.get(type) ?? []),
      ...(type === WILDCARD ? [] : (state.transitions.get(WILDCARD) ?? [])),
    ]);
    return transitions.map((transition) => {
      const plan = this.#try(`${node.id} ${type}`, () => this.#planOf(node, transition));
      return { ...(transition.guard && { holds: this.#guardOf(transition.guard) }), transition, plan };
    });
  }

  #planOf(from: Node, transition: Transition): Plan {
    const { exited, entered, defaults } = changesOf(from, transition);
    const acts = [
      ...exited.flatMap((node) => this.#actsOf(node.exit)),
      ...this.#actsOf(transition.actions),
      ...entered.flatMap((node) => this.#entryOf(node, defaults.has(node))),
    ];
    return { acts, ...this.#whereTo(entered.at(-1)) };
  }

  #start(): Plan {
    const entered = [this.machine.root, ...descentOf(this.machine.root)];
    const acts = entered.flatMap((node) => this.#entryOf(node, true));
    return { acts, ...this.#whereTo(entered.at(-1)) };
  }

  #whereTo(node: Node | undefined): Omit<Plan, 'acts'> {
    if (!node) return { leaf: undefined, end: undefined };
    const leaf = this.#leaves.get(node);
    if (!leaf) throw new Uncompilable(`leads to ${node.id}`);
    const isEnd = node.type === 'final' && node.parent === this.machine.root;
    return { leaf, end: isEnd ? this.#endOf(node) : undefined };
  }

  #endOf(node: Node): NonNullable<Plan['end']> {
    const { root } = this.machine;
    const acts = lineageOf(node).flatMap((left) => this.#actsOf(left.exit));
    const type = `xstate.done.state.${node.id}`;
    const output = (run: Run) =>
      root.output === undefined
        ? undefined
        : outputOf(root.output, run, { type, output: outputOf(node.output, run) });
    return { output, acts };
  }

  #entryOf(node: Node, byDefault: boolean): Act[] {
    if (node.invoke.length > 0) throw new Uncompilable(`${node.id} invokes`);
    const acts = this.#actsOf([...node.entry, ...(byDefault ? node.initial.actions : [])]);
    const { parent } = node;
    if (node.type !== 'final' || !parent?.parent) return acts;
    const type = `xstate.done.state.${parent.id}`;
    return [
      ...acts,
      this.#raisingBy((run) => void run.queue.push({ type, output: outputOf(node.output, run) })),
    ];
  }

  #raisingBy(act: Act): Act {
    this.#raising.add(act);
    return act;
  }

  #actsOf(actions: readonly Named[]): Act[] {
    return actions.map((action) => this.#actOf(action));
  }

  #actOf(action: Named): Act {
    const type = typeof action === 'function' ? action.name || '(anonymous)' : nameOf(action);
    const found = typeof action === 'function' ? action : this.machine.implementations.actions[type];
    const paramsOf = paramsReader(action);
    if (!found || !('resolve' in found)) return custom(type, found, paramsOf);
    if (found.type === 'xstate.assign') return assigned(found.assignment, paramsOf, this.copy);
    if (found.type === 'xstate.raise' && !this.#isDelayed(found))
      return this.#raisingBy(builtin(found, paramsOf));
    if (found.type === 'xstate.raise' || found.type === 'xstate.cancel')
      return timed(found, builtin(found, paramsOf), this.machine.implementations.delays);
    if (SELF_CONTAINED.has(found.type)) return builtin(found, paramsOf);
    throw new Uncompilable(found.type);
  }

  /** A delay that is named and unknown is none: XState raises the event at once. */
  #isDelayed({ delay }: Builtin): boolean {
    return typeof delay === 'string' ? delay in this.machine.implementations.delays : delay !== undefined;
  }

  #guardOf(guard: Named): NonNullable<Way['holds']> {
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
      throw new Error('not implemented: XState says so when it is evaluated');
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

/** A snapshot of that leaf, written out field by field in XState's order: the engine makes it without looking. */
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
