/**
 * The peer chart for XState 6, in which transitions are functions: `assign`, `raise`, and guards and actions by name are gone.
 *
 * Written anew by a program, from the config and the implementations of the machine for XState 5, so that both cannot differ:
 * a transition becomes a function that looks for the first branch whose guard holds, merges what its assigners give, and
 * enqueues its effects. For one figure only.
 */
import { peerMachine } from '../../machines/index.js';

type Bag = Record<string, unknown>;
type Named = string | { readonly type: string; readonly params?: unknown };

interface Args {
  readonly context: Bag;
  readonly event: { readonly type: string };
}

type Implementation = ((args: Args, params: unknown) => unknown) & {
  readonly type?: string;
  readonly assignment?: unknown;
};

interface Branch {
  readonly guard?: Named;
  readonly target?: string;
  readonly actions?: Named | readonly Named[];
}

interface StateConfig {
  readonly [key: string]: unknown;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly entry?: Named | readonly Named[];
  readonly states?: Readonly<Record<string, StateConfig>>;
}

/** XState 6's `enq`: executes an action after the transition. */
type Enqueue = (action: () => void) => void;

const { actions, guards, delays } = peerMachine.implementations as unknown as Record<
  'actions' | 'guards' | 'delays',
  Readonly<Record<string, Implementation>>
>;

const listOf = <T>(one: T | readonly T[] | undefined): readonly T[] =>
  one === undefined ? [] : ((Array.isArray(one) ? one : [one]) as readonly T[]);
const nameOf = (named: Named): string => (typeof named === 'string' ? named : named.type);
const paramsOf = (named: Named): unknown => (typeof named === 'string' ? undefined : named.params);

function implementationOf(table: Readonly<Record<string, Implementation>>, named: Named): Implementation {
  const found = table[nameOf(named)];
  if (!found) throw new Error(`${nameOf(named)} is not implemented`);
  return found;
}

/** What one action does: a change of the context, or nothing and an effect that is enqueued. */
function actionOf(named: Named): (args: Args, enqueue: Enqueue) => Bag | undefined {
  const implementation = implementationOf(actions, named);
  const params = paramsOf(named);
  const { assignment } = implementation;
  if (typeof assignment === 'function') return (args) => (assignment as Implementation)(args, params) as Bag;
  if (assignment !== undefined) return () => assignment as Bag;
  return (args, enqueue) => {
    enqueue(() => void implementation(args, params));
    return undefined;
  };
}

interface Way {
  readonly target: string | undefined;
  holds(args: Args): boolean;
  act(args: Args, enqueue: Enqueue): Bag | undefined;
}

function wayOf({ guard, target, actions: named }: Branch): Way {
  const acts = listOf(named).map(actionOf);
  const rule = guard === undefined ? undefined : implementationOf(guards, guard);
  const params = guard === undefined ? undefined : paramsOf(guard);
  return {
    target,
    holds: (args) => rule === undefined || rule(args, params) === true,
    act: (args, enqueue) => changesOf(acts, args, enqueue),
  };
}

/** Each action sees what the ones before it have changed. */
function changesOf(
  acts: readonly ReturnType<typeof actionOf>[],
  { context, event }: Args,
  enqueue: Enqueue,
): Bag | undefined {
  let changes: Bag | undefined;
  for (const act of acts) {
    const change = act({ context: changes ? { ...context, ...changes } : context, event }, enqueue);
    if (change) changes = changes ? { ...changes, ...change } : change;
  }
  return changes;
}

function transitionOf(given: unknown) {
  const ways = listOf(given as Branch | readonly Branch[]).map(wayOf);
  return (args: Args, enqueue: Enqueue): object | undefined => {
    const way = ways.find((one) => one.holds(args));
    if (!way) return undefined;
    const context = way.act(args, enqueue);
    return { ...(way.target !== undefined && { target: way.target }), ...(context && { context }) };
  };
}

const mapped = (table: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(table).map(([key, given]) => [key, transitionOf(given)]));

function stateOf({ on, after, entry, states, ...rest }: StateConfig): Bag {
  const acts = listOf(entry).map(actionOf);
  return {
    ...rest,
    ...(on && { on: mapped(on) }),
    ...(after && { after: mapped(after) }),
    ...(entry && { entry: (args: Args, enqueue: Enqueue) => void changesOf(acts, args, enqueue) }),
    ...(states && {
      states: Object.fromEntries(Object.entries(states).map(([key, state]) => [key, stateOf(state)])),
    }),
  };
}

/** What XState 6 makes a machine of; `delays` go to its `setup`. */
export const peerConfig6 = stateOf(peerMachine.config as unknown as StateConfig);
export const peerDelays6: Readonly<Record<string, (args: Args) => unknown>> = Object.fromEntries(
  Object.keys(delays).map((name) => [name, (args: Args) => implementationOf(delays, name)(args, undefined)]),
);
