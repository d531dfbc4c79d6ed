/**
 * The observation tree: all answers so far, with one node per asked word and one output per edge (Vaandrager, Garhewal, Rot,
 * Wißmann, "A New Approach for Active Automata Learning Based on Apartness", TACAS 2022).
 */
import type { Word } from './mealy.js';

/** Two different answers to the same word. */
export interface Conflict {
  /** The prefix whose last output differs. */
  readonly word: Word;
  readonly outputs: readonly [known: string, seen: string];
}

interface Node {
  readonly parent: number;
  readonly input: number;
  readonly depth: number;
  /** The output on the edge to this node is final: nothing can be asked below. */
  final: boolean;
  readonly children: Map<number, { output: string; node: number; undecided: boolean }>;
  /** Increases with each change at or below this node. */
  stamp: number;
}

const ROOT = 0;
/** A bound on node numbers, so that a pair of nodes can be encoded as one integer below 2^53. */
const MAX_NODES = 2 ** 26;

export class ObservationTree {
  readonly #nodes: Node[] = [blank(-1, -1, 0, false)];
  readonly #apart = new Map<number, { stamp: number; word: Word | undefined }>();
  #stamp = 0;

  constructor(
    readonly inputs: number,
    private readonly isFinal: (output: string) => boolean,
  ) {}

  /** Number of nodes, including the root. */
  get size(): number {
    return this.#nodes.length;
  }

  get root(): number {
    return ROOT;
  }

  /** Grows with each change at or below a node. */
  stamp(node: number): number {
    return this.#at(node).stamp;
  }

  isFinalNode(node: number): boolean {
    return this.#at(node).final;
  }

  /** The node that one input leads to; undefined when it was not asked. */
  child(node: number, input: number): number | undefined {
    return this.#at(node).children.get(input)?.node;
  }

  output(node: number, input: number): string | undefined {
    return this.#at(node).children.get(input)?.output;
  }

  /** Whether the answers on this edge vary: such an edge distinguishes no states. */
  isUndecided(node: number, input: number): boolean {
    return this.#at(node).children.get(input)?.undecided === true;
  }

  /** The inputs that were asked at a node. */
  asked(node: number): Iterable<number> {
    return this.#at(node).children.keys();
  }

  /** The word that leads to a node. */
  word(node: number): Word {
    const word: number[] = [];
    for (let at = this.#at(node); at.parent >= 0; at = this.#at(at.parent)) word.push(at.input);
    return word.reverse();
  }

  /** The node that a word leads to, or the final node on its way; undefined when the word was not asked. */
  find(word: Word): number | undefined {
    let node: number | undefined = ROOT;
    for (const input of word) {
      if (this.isFinalNode(node)) return node;
      node = this.child(node, input);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The outputs of a word from a node, up to the first symbol that was not asked or whose answers vary. */
  outputs(word: Word, from = ROOT): string[] {
    const outputs: string[] = [];
    let node = from;
    for (const input of word) {
      const edge = this.#at(node).children.get(input);
      if (!edge || edge.undecided) break;
      outputs.push(edge.output);
      node = edge.node;
    }
    return outputs;
  }

  /** Where an answer contradicts an earlier one; edges that vary contradict nothing. */
  conflict(word: Word, outputs: readonly string[]): Conflict | undefined {
    let node = ROOT;
    for (const [n, seen] of outputs.entries()) {
      const edge = this.#at(node).children.get(word[n] ?? -1);
      if (!edge) return undefined;
      if (edge.output !== seen && !edge.undecided)
        return { word: word.slice(0, n + 1), outputs: [edge.output, seen] };
      node = edge.node;
    }
    return undefined;
  }

  /**
   * Adds an answer that has no conflict. All answers of an undecided edge lead to the same node; it is final when one of the answers
   * is final, so that every word has an answer.
   */
  add(word: Word, outputs: readonly string[]): void {
    let node = ROOT;
    for (const [n, output] of outputs.entries()) {
      const input = word[n] ?? -1;
      node = this.child(node, input) ?? this.#grow(node, input, output);
      if (this.isFinal(output)) this.#at(node).final = true;
      if (this.isFinalNode(node)) return;
    }
  }

  /** Marks the last edge of a word as undecided. `outputs`: all outputs that were observed on it. */
  markUndecided(word: Word, outputs: readonly string[]): void {
    const edge = this.#lastEdge(word);
    if (!edge) return;
    edge.undecided = true;
    if (outputs.some((output) => this.isFinal(output))) this.#at(edge.node).final = true;
    this.#forgetApartness();
  }

  /** Replaces the last output of a word, and deletes all observations below it. */
  correct(word: Word, output: string): void {
    const parent = this.find(word.slice(0, -1));
    const input = word.at(-1);
    if (parent === undefined || input === undefined) return;
    this.#at(parent).children.delete(input);
    this.#grow(parent, input, output);
    this.#forgetApartness();
  }

  /**
   * A word that was asked at both nodes and answered differently: the nodes are apart. Empty when only one of them is final;
   * undefined when no observation distinguishes them. The result is cached until one of the subtrees changes.
   */
  apart(one: number, other: number): Word | undefined {
    const key = Math.min(one, other) * MAX_NODES + Math.max(one, other);
    const stamp = Math.max(this.#at(one).stamp, this.#at(other).stamp);
    const known = this.#apart.get(key);
    if (known && (known.word || known.stamp >= stamp)) return known.word;
    const word = this.#search(one, other);
    this.#apart.set(key, { stamp, word });
    return word;
  }

  #search(one: number, other: number): Word | undefined {
    if (this.isFinalNode(one) !== this.isFinalNode(other)) return [];
    const queue: (readonly [number, number])[] = [[one, other]];
    for (const [a, b] of queue) {
      for (const [input, edge] of this.#at(a).children) {
        const opposite = this.#at(b).children.get(input);
        if (!opposite) continue;
        if (edge.output !== opposite.output && !edge.undecided && !opposite.undecided)
          return [...this.word(a).slice(this.#at(one).depth), input];
        queue.push([edge.node, opposite.node]);
      }
    }
    return undefined;
  }

  #grow(parent: number, input: number, output: string): number {
    const node = this.#nodes.length;
    const { depth } = this.#at(parent);
    this.#nodes.push(blank(parent, input, depth + 1, this.isFinal(output)));
    this.#at(parent).children.set(input, { output, node, undecided: false });
    this.#stamp++;
    for (let at = parent; at >= 0; at = this.#at(at).parent) this.#at(at).stamp = this.#stamp;
    return node;
  }

  #lastEdge(word: Word) {
    const parent = this.find(word.slice(0, -1));
    return parent === undefined ? undefined : this.#at(parent).children.get(word.at(-1) ?? -1);
  }

  #forgetApartness(): void {
    this.#apart.clear();
  }

  #at(node: number): Node {
    const found = this.#nodes[node];
    if (!found) throw new RangeError(`no node ${node}`);
    return found;
  }
}

const blank = (parent: number, input: number, depth: number, final: boolean): Node => ({
  parent,
  input,
  depth,
  final,
  children: new Map(),
  stamp: 0,
});
