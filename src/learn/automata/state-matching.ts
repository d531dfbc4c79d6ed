/**
 * The rules that make L# adaptive (AL#: Kruger, Junges, Rot, "State Matching and Multiple References in Adaptive Active Automata
 * Learning", FM 2024): which words to ask first when the system is expected to be like a reference machine, and which node of
 * the tree is which state of the reference, as far as the observations agree.
 */
import { accessWords, type Mealy, outputsOf, stateAfter, transitionOf, type Word } from './mealy.js';
import type { ObservationTree } from './observation-tree.js';
import { separation } from './separating-words.js';
import { wpWords } from './wp-method.js';

/** An input from a basis node, and the basis nodes whose states it may lead to. */
export interface Frontier {
  readonly node: number;
  readonly input: number;
  readonly candidates: readonly number[];
}

export class StateMatching {
  /** The words that lead to the states of the reference, with all their prefixes. */
  readonly #cover: ReadonlySet<string>;
  /** For each state of the reference, words that distinguish it from every other one. */
  readonly #identifiers: readonly (readonly Word[])[];
  /** The words that test the reference; the keys are all their prefixes. */
  readonly #tests = new Map<string, Word>();
  readonly #matches = new Map<number, { stamp: number; states: readonly number[] }>();

  constructor(
    private readonly reference: Mealy,
    private readonly tree: ObservationTree,
  ) {
    this.#cover = new Set(accessWords(reference).flatMap((word) => (word ? [word.join(' ')] : [])));
    this.#identifiers = separation(reference).sets;
    for (const word of wpWords(reference, 0))
      for (const n of word.keys()) this.#tests.set(word.slice(0, n + 1).join(' '), word);
  }

  /** A word with this prefix that will be asked later to test the reference; asking it immediately saves one query. */
  tested(word: Word): Word | undefined {
    return this.#tests.get(word.join(' '));
  }

  /** Whether the word of a node leads to a state of the reference. Such nodes are added to the basis before others. */
  isPreferred(node: number): boolean {
    return this.#isInCover(this.tree.word(node));
  }

  /**
   * Rebuilding: words that show whether the states of the reference are also states of the system after the same words. Empty
   * if the basis already contains all states that can be found in this way.
   */
  rebuilding(frontier: readonly Frontier[]): Word[] {
    return frontier.flatMap(({ node, input, candidates }) => {
      const access = [...this.tree.word(node), input];
      if (!this.#isInCover(access)) return [];
      const pairs = candidates.map((state) => this.#distinguishing(access, this.tree.word(state)));
      return pairs.find((words) => words.some((word) => this.#isUnknown(word))) ?? [];
    });
  }

  /** Match refinement: words that decide between the states of the reference that a node of the basis matches equally. */
  refinement(basis: readonly number[]): Word[] {
    return basis.flatMap((node) => {
      const [one = 0, ...others] = this.matches(node);
      const words = others.map((other) => [...this.tree.word(node), ...this.#separating(one, other)]);
      const word = words.find((each) => this.#isUnknown(each));
      return word ? [word] : [];
    });
  }

  /**
   * Match separation and prioritised separation: of the words that identify the state to which the reference goes, the one that
   * excludes most candidates if the system goes there too; otherwise one of them that was not asked after a candidate. Undefined
   * if there is none, or if one candidate is left and matches that state.
   */
  separating({ node, input, candidates }: Frontier): Word | undefined {
    const [state = 0] = this.matches(node);
    const { target } = transitionOf(this.reference, state, input);
    if (candidates.length === 1 && this.matches(candidates[0] ?? 0).includes(target)) return undefined;
    const identifiers = this.#identifiers[target] ?? [];
    const access = [...this.tree.word(node), input];
    const rated = identifiers
      .map((word) => ({ word: [...access, ...word], excluded: this.#excluded(word, target, candidates) }))
      .filter(({ word, excluded }) => excluded > 0 && this.#isUnknown(word));
    if (rated.length > 0)
      return rated.reduce((one, other) => (other.excluded > one.excluded ? other : one)).word;
    const words = candidates.flatMap((one) => identifiers.map((word) => [...this.tree.word(one), ...word]));
    return words.find((word) => this.#isUnknown(word));
  }

  /**
   * The states of the reference that agree with the most observations after a node. They need not agree with all, because
   * the system may differ from the reference.
   */
  matches(node: number): readonly number[] {
    const stamp = this.tree.stamp(node);
    const known = this.#matches.get(node);
    if (known?.stamp === stamp) return known.states;
    const agreements = [...this.reference.states.keys()].map((state) => this.#agreement(node, state));
    const most = Math.max(...agreements);
    const states = [...agreements.keys()].filter((state) => agreements[state] === most);
    this.#matches.set(node, { stamp, states });
    return states;
  }

  /** The number of observations after a node that equal the outputs of the reference from a state. */
  #agreement(node: number, state: number): number {
    let count = 0;
    const queue = [{ node, state }];
    for (const at of queue) {
      for (const input of this.tree.asked(at.node)) {
        const { output, target } = transitionOf(this.reference, at.state, input);
        if (output === this.tree.output(at.node, input)) count++;
        queue.push({ node: this.tree.child(at.node, input) ?? 0, state: target });
      }
    }
    return count;
  }

  /** The number of candidates whose known outputs differ from those of a state of the reference. */
  #excluded(word: Word, state: number, candidates: readonly number[]): number {
    const expected = outputsOf(this.reference, word, state);
    return candidates.filter((node) => {
      const seen = this.tree.outputs(word, node);
      return seen.some((output, n) => output !== expected[n]);
    }).length;
  }

  /** Each of two words, followed by a word that distinguishes the states of the reference to which they lead; none if it is the same state. */
  #distinguishing(one: Word, other: Word): Word[] {
    const [a, b] = [stateAfter(this.reference, one), stateAfter(this.reference, other)];
    const word = this.#separating(a, b);
    return word.length === 0
      ? []
      : [
          [...one, ...word],
          [...other, ...word],
        ];
  }

  /** A word with different outputs from two states of the reference; empty for the same state. */
  #separating(one: number, other: number): Word {
    const isSeparating = (word: Word): boolean => {
      const [a, b] = [outputsOf(this.reference, word, one), outputsOf(this.reference, word, other)];
      return a.some((output, n) => output !== b[n]);
    };
    return this.#identifiers[one]?.find(isSeparating) ?? [];
  }

  #isInCover(word: Word): boolean {
    return this.#cover.has(word.join(' '));
  }

  #isUnknown(word: Word): boolean {
    return this.tree.find(word) === undefined;
  }
}
