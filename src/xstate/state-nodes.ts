/**
 * The state nodes of an XState machine, and the states that a transition exits and enters, by the rules of SCXML for charts without
 * parallel states. Used by compile.ts.
 */
import type { AnyEventObject } from 'xstate';

export type Context = Record<string, unknown>;
export type Args = { context: Context; event: AnyEventObject };
export type Exec = (args: Args, params: unknown) => unknown;
export type Named = string | Exec | { readonly type: string; readonly params?: unknown };

export interface Transition {
  readonly source: Node;
  readonly target: readonly Node[] | undefined;
  readonly reenter: boolean;
  readonly guard: Named | undefined;
  readonly actions: readonly Named[];
}

export interface Node {
  readonly id: string;
  readonly path: readonly string[];
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly order: number;
  readonly parent: Node | undefined;
  readonly states: Readonly<Record<string, Node>>;
  readonly initial: { readonly target: readonly [Node]; readonly actions: readonly Named[] };
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invoke: readonly unknown[];
  readonly always: readonly unknown[] | undefined;
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly output: unknown;
}

/** Thrown and caught while the chart is read: XState has to interpret this part. The message is the reason. */
export class Uncompilable extends Error {}

/**
 * The states that a transition from the leaf `from` exits (innermost first) and enters (outermost first), and those of them that
 * are entered by default, that is with their initial actions.
 */
export function changesOf(from: Node, transition: Transition) {
  const [target, ...others] = transition.target ?? [];
  if (!target) return { exited: [], entered: [], defaults: new Set<Node>() };
  if (others.length > 0) throw new Uncompilable('several targets');
  const domain = domainOf(transition, target);
  const exited = lineageOf(from).filter((node) => isBelow(node, domain));
  if (exited.some(({ invoke }) => invoke.length > 0)) throw new Uncompilable('leaves a state that invokes');
  const isEntered = target !== transition.source || domain !== transition.source || transition.reenter;
  if (exited.some(({ states }) => Object.values(states).some(({ type }) => type === 'history')))
    throw new Uncompilable('leaves a state that history remembers');
  const byDefault = [...(isEntered ? [target] : []), ...descentOf(target)];
  const above = lineageOf(target)
    .slice(1)
    .filter((node) => isBelow(node, domain));
  return { exited, entered: [...above.reverse(), ...byDefault], defaults: new Set(byDefault) };
}

/** SCXML's transition domain: the innermost state that contains source and target and is not exited. */
function domainOf({ source, reenter }: Transition, target: Node): Node {
  if (!reenter && (target === source || isBelow(target, source))) return source;
  const domain = lineageOf(target).find((node) => node !== target && isBelow(source, node));
  if (domain) return domain;
  if (reenter) throw new Uncompilable('leaves and enters the root');
  return lineageOf(source).at(-1)!;
}

/** The states below a state that are entered with it by default, outermost first. */
export function descentOf(node: Node): Node[] {
  if (node.type === 'parallel' || node.type === 'history') throw new Uncompilable(node.type);
  if (node.type !== 'compound') return [];
  const [first] = node.initial.target;
  return [first, ...descentOf(first)];
}

/** A state and its ancestors, innermost first. */
export function lineageOf(node: Node): Node[] {
  return node.parent ? [node, ...lineageOf(node.parent)] : [node];
}

export const isBelow = (node: Node, ancestor: Node): boolean =>
  node !== ancestor && lineageOf(node).includes(ancestor);

export const nodesBelow = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap(nodesBelow)];

export const isLeaf = ({ type }: Node): boolean => type === 'atomic' || type === 'final';

/** The leaf among the nodes of a snapshot. It is the last, because XState adds nodes as they are entered, except in a final snapshot. */
export const leafOf = (nodes: readonly Node[]): Node => {
  const last = nodes[nodes.length - 1]!;
  return isLeaf(last) ? last : nodes.find(isLeaf)!;
};

/** The `value` of a snapshot for the path of a leaf. */
export const valueOf = ([key, ...rest]: readonly string[]): unknown =>
  rest.length === 0 ? key : { [key!]: valueOf(rest) };

export const isPartialWildcard = (descriptor: string): boolean =>
  descriptor.length > 1 && descriptor.endsWith('*');

export const nameOf = (named: Exclude<Named, Exec>): string =>
  typeof named === 'string' ? named : named.type;

export function paramsReader(named: Named): (args: Args) => unknown {
  if (typeof named !== 'object' || !('params' in named)) return () => undefined;
  const { params } = named;
  return typeof params === 'function' ? (args) => (params as (args: Args) => unknown)(args) : () => params;
}

/** Whether an object has enumerable keys; without an array of them, as `Object.keys` would create. */
export const hasKeys = (object: object): boolean => {
  for (const _key in object) return true;
  return false;
};
