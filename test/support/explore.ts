/**
 * Explores all states of a machine: breadth first from its start, by every event of an alphabet and by its own timers.
 *
 * Two snapshots are one state when `key` says so. The exploration also checks that the key is not too coarse: a state is left
 * from several of its snapshots, and all of them must agree on where each event leads and by which branch.
 */
import type { AnyStateMachine, SnapshotFrom } from 'xstate';

import { armedAfter, leafOf, type Stepper } from './step.js';

/** An event that can be tried; `name` is for people. */
export interface Trial {
  readonly name: string;
  readonly event: { readonly type: string };
}

export interface Edge {
  readonly from: Node;
  readonly to: Node;
  readonly trial: Trial;
  /** The branch of the config, by identity; undefined when XState ignored the event silently. */
  readonly branch: object | undefined;
}

export interface Node {
  readonly key: string;
  readonly leaf: string;
  readonly final: boolean;
  /** The edge by which it was found: following these back is a shortest path. */
  readonly found: Edge | undefined;
  readonly edges: Edge[];
}

interface Visit<S> {
  readonly node: Node;
  readonly snapshot: S;
  readonly armed: ReadonlyMap<string, number>;
}

export interface Alphabet<S> {
  readonly key: (snapshot: S) => string;
  readonly trials: (snapshot: S) => readonly Trial[];
}

/** Limits the exploration for a key that is too fine, or a machine with an unbounded counter. */
const MOST_NODES = 10_000;
/** How many snapshots of one state are explored. */
const SAMPLES = 3;

/** A graph of states; `conflicts` names events on which snapshots of one state disagree. */
export interface Graph {
  readonly start: Node;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly conflicts: readonly string[];
}

/** Explores until nothing new turns up. */
export function explore<M extends AnyStateMachine>(
  stepper: Stepper<M>,
  alphabet: Alphabet<SnapshotFrom<M>>,
): Graph {
  return new Explorer(stepper, alphabet).run();
}

class Explorer<M extends AnyStateMachine> {
  readonly #nodes = new Map<string, Node>();
  readonly #samples = new Map<string, number>();
  readonly #queue: Visit<SnapshotFrom<M>>[] = [];
  readonly #conflicts: string[] = [];

  constructor(
    readonly stepper: Stepper<M>,
    readonly alphabet: Alphabet<SnapshotFrom<M>>,
  ) {}

  run(): Graph {
    const { snapshot, actions } = this.stepper.begin();
    const start = this.#visit(snapshot, armedAfter(new Map(), actions), undefined);
    for (let visit = this.#queue.shift(); visit; visit = this.#queue.shift()) this.#leave(visit);
    return { start, nodes: this.#nodes, conflicts: this.#conflicts };
  }

  /** The node of a snapshot; queued as long as its state has not been seen often enough. */
  #visit(
    snapshot: SnapshotFrom<M>,
    armed: ReadonlyMap<string, number>,
    by: Omit<Edge, 'to'> | undefined,
  ): Node {
    const key = this.alphabet.key(snapshot);
    const node = this.#nodes.get(key) ?? nodeOf(key, snapshot, by);
    this.#nodes.set(key, node);
    if (this.#nodes.size > MOST_NODES) throw new Error(`more than ${MOST_NODES} states, the last: ${key}`);
    const samples = (this.#samples.get(key) ?? 0) + 1;
    this.#samples.set(key, samples);
    if (samples <= SAMPLES && !node.final) this.#queue.push({ node, snapshot, armed });
    return node;
  }

  #leave({ node, snapshot, armed }: Visit<SnapshotFrom<M>>): void {
    const timers = [...armed.keys()].map((type) => ({ name: type, event: { type } }));
    for (const trial of [...this.alphabet.trials(snapshot), ...timers]) {
      const branch = this.stepper.taken(snapshot, trial.event)[0];
      const next = this.stepper.next(snapshot, trial.event);
      const by = { from: node, trial, branch };
      this.#note({ ...by, to: this.#visit(next.snapshot, armedAfter(armed, next.actions), by) });
    }
  }

  #note(edge: Edge): void {
    const known = edge.from.edges.find(({ trial }) => trial.name === edge.trial.name);
    if (!known) edge.from.edges.push(edge);
    else if (known.to !== edge.to || known.branch !== edge.branch)
      this.#conflicts.push(`${edge.from.key} · ${edge.trial.name}: ${known.to.key} or ${edge.to.key}`);
  }
}

function nodeOf(
  key: string,
  snapshot: { value: unknown; status: string },
  by: Omit<Edge, 'to'> | undefined,
): Node {
  const node = { key, leaf: leafOf(snapshot.value), final: snapshot.status === 'done', edges: [] };
  const found: Edge | undefined = by && { ...by, to: node as unknown as Node };
  return Object.assign(node, { found });
}

/** A shortest way to a node, from the start. */
export const pathTo = (node: Node): Edge[] => (node.found ? [...pathTo(node.found.from), node.found] : []);

/** The nodes from which a node that `good` accepts can be reached, by edges that `usable` allows. */
export function canReach(nodes: Iterable<Node>, good: (node: Node) => boolean): Set<Node> {
  const sources = new Map<Node, Node[]>();
  const all = [...nodes];
  for (const edge of all.flatMap(({ edges }) => edges))
    sources.set(edge.to, [...(sources.get(edge.to) ?? []), edge.from]);
  const reached = new Set(all.filter(good));
  for (const node of reached) for (const source of sources.get(node) ?? []) reached.add(source);
  return reached;
}

/**
 * Every way from the start into a final state that enters no leaf twice, one for each sequence of branches. Edges that stay
 * in their leaf are left out.
 */
export function simplePaths(start: Node): Edge[][] {
  const paths = new Map<string, Edge[]>();
  const names = new Map<object | undefined, number>();
  const nameOf = (branch: object | undefined): number => {
    if (!names.has(branch)) names.set(branch, names.size);
    return names.get(branch) ?? 0;
  };
  const walk = (path: Edge[], node: Node, leaves: readonly string[]): void => {
    if (node.final) paths.set(path.map(({ branch }) => nameOf(branch)).join(' '), path);
    for (const edge of node.edges)
      if (!leaves.includes(edge.to.leaf)) walk([...path, edge], edge.to, [...leaves, edge.to.leaf]);
  };
  walk([], start, [start.leaf]);
  return [...paths.values()];
}
