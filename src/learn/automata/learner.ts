/**
 * L# (Vaandrager et al., TACAS 2022), with batches of words so that a system on a network can be asked in parallel. With a
 * reference machine it is adaptive (AL#, see state-matching.ts): a system similar to the reference is learned with few words.
 */
import { type Mealy, minimized, SILENCE, stateAfter, type Transition, type Word } from './mealy.js';
import { differences } from './differences.js';
import { type Effort, type Nondeterminism, Queries, type QueryOptions, type Teacher } from './queries.js';
import { separation } from './separating-words.js';
import { type Frontier, StateMatching } from './state-matching.js';
import { wpWords } from './wp-method.js';

export interface LearnOptions extends QueryOptions {
  /** The system under learning. */
  readonly teacher: Teacher;
  /** A machine over the same inputs that the system probably resembles; it makes learning cheaper, and cannot make it wrong. */
  readonly reference?: Mealy;
  /** Testing finds every system with at most this many states more than the hypothesis. Default 0. */
  readonly depth?: number;
  /** The words that test a hypothesis. Default: those of the Wp method. */
  readonly test?: (hypothesis: Mealy) => readonly Word[];
}

/** The result of learning. */
export interface Learned extends Effort {
  readonly machine: Mealy;
  /** Words to which the system repeatedly gave different answers. */
  readonly nondeterminism: readonly Nondeterminism[];
}

/** Learns a system. Rejects with a `LearningError` after `maxWords` words or 500 contradicting answers, and with the errors of the teacher. */
export async function learn(options: LearnOptions): Promise<Learned> {
  const { teacher, reference, depth = 0 } = options;
  const queries = new Queries(teacher, options);
  const learner = new Learner(queries, teacher.inputs, reference);
  const tests = options.test ? [options.test] : suites(depth, reference);
  for (;;) {
    const machine = await learner.hypothesis();
    if (!(await learner.confirmsStates())) continue;
    if (!(await passes(machine, tests, queries, learner))) continue;
    const corrections = queries.corrections;
    await queries.confirm(reference ? unexpected(reference, machine, teacher) : []);
    if (queries.corrections === corrections)
      return { machine, ...queries.effort, nondeterminism: queries.nondeterminism };
  }
}

type Test = (hypothesis: Mealy) => readonly Word[];

/** The words that test the reference, followed by those that test the hypothesis. */
function suites(depth: number, reference?: Mealy): Test[] {
  if (!reference) return [(hypothesis) => wpWords(hypothesis, depth)];
  const { words } = separation(reference);
  return [() => wpWords(reference, 0), (hypothesis) => wpWords(minimized(hypothesis), depth, words)];
}

/** Asks the words that test a hypothesis; whether it agrees with every answer. */
async function passes(
  machine: Mealy,
  tests: readonly Test[],
  queries: Queries,
  learner: Learner,
): Promise<boolean> {
  for (const test of tests) {
    const isNew = await queries.ask(test(machine));
    if (isNew && !(await learner.isConsistent(machine))) return false;
  }
  return true;
}

/** Words whose answers differ from the reference. They are confirmed, because an answer that arrived too late looks the same. */
const unexpected = (reference: Mealy, machine: Mealy, teacher: Teacher): Word[] =>
  differences(reference, machine, (output) => teacher.isFinal(output)).map(({ word }) => word);

/**
 * The states found so far. The basis is a list of nodes of the observation tree that are pairwise apart, one per state; a frontier
 * node, one input behind the basis, has as candidates the basis nodes that it is not apart from.
 */
class Learner {
  #basis: number[] = [];
  /** The index of each basis node in the basis: its state. */
  #places = new Map<number, number>();
  /** The candidates of a node among the first `seen` nodes of the basis. */
  #possible = new Map<number, { states: readonly number[]; seen: number }>();
  #corrections = 0;
  /** The basis nodes whose states were confirmed. */
  readonly #confirmed = new Set<number>();
  readonly #matching: StateMatching | undefined;
  #isRebuilt = false;

  constructor(
    private readonly queries: Queries,
    private readonly inputs: readonly string[],
    reference?: Mealy,
  ) {
    this.#matching = reference && new StateMatching(reference, queries.tree);
    this.#isRebuilt = !reference;
  }

  get #tree() {
    return this.queries.tree;
  }

  /** Asks words until each transition of the basis leads to exactly one state, and the machine agrees with all observations. */
  async hypothesis(): Promise<Mealy> {
    for (;;) {
      while (await this.queries.ask(this.#missing().map((word) => this.#matching?.tested(word) ?? word)));
      const machine = this.#machine();
      const before = this.#knowledge;
      if ((await this.isConsistent(machine)) || this.#knowledge === before) return machine;
    }
  }

  /** A text that changes when something was learned. Where answers vary, resolving a deviation may change nothing. */
  get #knowledge(): string {
    this.#extend();
    return [this.#tree.size, this.#basis.length, this.queries.corrections].join(' ');
  }

  /**
   * Asks again the words that distinguish new states that the reference does not have, because each state that a wrong answer
   * creates costs many words. Returns whether every answer was confirmed.
   */
  async confirmsStates(): Promise<boolean> {
    const { corrections } = this.queries;
    const unexpected = this.#basis.filter((node) => !this.#isPreferred(node) && !this.#confirmed.has(node));
    if (this.#matching) await this.queries.confirm(unexpected.flatMap((node) => this.#evidence(node)));
    for (const node of unexpected) this.#confirmed.add(node);
    return this.queries.corrections === corrections;
  }

  /** The words that distinguish a basis node from all the others. */
  #evidence(node: number): Word[] {
    return this.#basis.flatMap((other) => {
      const word = other === node ? undefined : this.#tree.apart(node, other);
      return word ? [node, other].map((one) => [...this.#tree.word(one), ...word]) : [];
    });
  }

  /** Whether a machine agrees with the tree. If not, asks the words that locate the difference. */
  async isConsistent(machine: Mealy): Promise<boolean> {
    const conflict = this.#deviation(machine);
    if (!conflict) return true;
    await this.#narrow(machine, conflict);
    return false;
  }

  /** Extends the basis as far as possible; returns the words that the next step needs. */
  #missing(): Word[] {
    const words = this.#isRebuilt ? [] : this.#rebuilding();
    if (words.length > 0) return words;
    this.#isRebuilt = true;
    this.#extend();
    const refinement = this.#matching?.refinement(this.#basis) ?? [];
    return [...refinement, ...this.#frontier().flatMap((transition) => this.#missingAt(transition))];
  }

  /** The words that rebuild the states of the reference. Until they are asked, only nodes that are preferred are added to the basis. */
  #rebuilding(): Word[] {
    this.#extendBy((node) => this.#isPreferred(node));
    return this.#matching?.rebuilding(this.#frontier()) ?? [];
  }

  /** The transitions that do not lead to a basis node. One that was not asked has the whole basis as candidates. */
  #frontier(): Frontier[] {
    const frontier: Frontier[] = [];
    for (const node of this.#basis) {
      if (this.#tree.isFinalNode(node)) continue;
      for (const input of this.inputs.keys()) {
        const child = this.#tree.child(node, input);
        if (child !== undefined && this.#places.has(child)) continue;
        frontier.push({
          node,
          input,
          candidates: child === undefined ? this.#basis : this.#candidates(child),
        });
      }
    }
    return frontier;
  }

  /** The words that decide to which state a transition leads. Its first word already separates some of the candidates. */
  #missingAt(transition: Frontier): Word[] {
    const { node, input, candidates } = transition;
    const access = [...this.#tree.word(node), input];
    const preferred = this.#matching?.separating(transition);
    if (preferred) return [preferred];
    const word = this.#separating(candidates);
    if (word) return [[...access, ...word]];
    return this.#tree.child(node, input) === undefined ? [access] : [];
  }

  /** A word that separates two of the candidates; undefined if there are fewer than two. */
  #separating([one, other]: readonly number[]): Word | undefined {
    return one === undefined || other === undefined ? undefined : this.#tree.apart(one, other);
  }

  /** A frontier node that is apart from the whole basis is a new state. Nodes that lead to a state of the reference are added first. */
  #extend(): void {
    this.#extendBy((node) => this.#isPreferred(node));
    this.#extendBy(() => true);
  }

  #isPreferred(node: number): boolean {
    return this.#matching?.isPreferred(node) === true;
  }

  #extendBy(isWanted: (node: number) => boolean): void {
    if (this.#basis.length === 0 || this.#corrections !== this.queries.corrections) this.#restart();
    // The basis grows during the loop.
    for (const node of this.#basis) {
      for (const input of this.inputs.keys()) {
        const child = this.#tree.child(node, input);
        if (child === undefined || this.#places.has(child) || !isWanted(child)) continue;
        if (this.#candidates(child).length === 0) this.#promote(child);
      }
    }
  }

  #restart(): void {
    this.#basis = [];
    this.#places = new Map();
    this.#possible = new Map();
    this.#promote(this.#tree.root);
    this.#corrections = this.queries.corrections;
  }

  #promote(node: number): void {
    this.#places.set(node, this.#basis.length);
    this.#basis.push(node);
  }

  /** The basis nodes that a node is not apart from. Apart nodes stay apart, so only the remaining ones are checked again. */
  #candidates(node: number): readonly number[] {
    const { states, seen } = this.#possible.get(node) ?? { states: [], seen: 0 };
    const left = [...states, ...this.#basis.slice(seen)].filter(
      (state) => this.#tree.apart(node, state) === undefined,
    );
    this.#possible.set(node, { states: left, seen: this.#basis.length });
    return left;
  }

  /** The state that a node represents: its own place in the basis, or that of its only candidate. */
  #stateOf(node: number): number {
    const place = this.#places.get(node) ?? this.#places.get(this.#candidates(node)[0] ?? node);
    return place ?? 0;
  }

  #machine(): Mealy {
    const states = this.#basis.map((node, state) =>
      [...this.inputs.keys()].map((input): Transition => {
        const child = this.#tree.child(node, input);
        if (child === undefined) return { output: SILENCE, target: state };
        return { output: this.#tree.output(node, input) ?? SILENCE, target: this.#stateOf(child) };
      }),
    );
    return { inputs: this.inputs, states };
  }

  /** The first observation in breadth-first order that contradicts a machine. */
  #deviation(machine: Mealy): Word | undefined {
    const queue = [{ node: this.#tree.root, state: 0 }];
    for (const { node, state } of queue) {
      for (const input of this.#tree.asked(node)) {
        const transition = machine.states[state]?.[input];
        const child = this.#tree.child(node, input);
        if (!transition || child === undefined) continue;
        const isEvidence = !this.#tree.isUndecided(node, input);
        if (isEvidence && transition.output !== this.#tree.output(node, input))
          return [...this.#tree.word(node), input];
        queue.push({ node: child, state: transition.target });
      }
    }
    return undefined;
  }

  /**
   * Searches, from a deviation, for a frontier node that is apart from the state that the machine assigns to it: a binary search
   * that replaces half of the rest of the word in each round (procedure ProcCounterEx of the paper).
   */
  async #narrow(machine: Mealy, deviation: Word): Promise<void> {
    let word = deviation.slice(0, -1);
    let evidence: Word = deviation.slice(-1);
    for (;;) {
      const border = this.#borderOf(word);
      if (border >= word.length) return;
      const middle = border + Math.floor((word.length - border) / 2);
      const head = word.slice(0, middle);
      const tail = word.slice(middle);
      const access = this.#tree.word(this.#basis[stateAfter(machine, head)] ?? 0);
      await this.queries.ask([[...access, ...tail, ...evidence]]);
      const [seen, expected] = [this.#tree.find(head), this.#tree.find(access)];
      if (seen === undefined || expected === undefined) return;
      const separating = this.#tree.apart(seen, expected);
      if (separating) [word, evidence] = [head, separating];
      else word = [...access, ...tail];
    }
  }

  /** The length of the shortest prefix that leaves the basis; greater than the length of the word when none does. */
  #borderOf(word: Word): number {
    let node = this.#tree.root;
    for (const [n, input] of word.entries()) {
      if (!this.#places.has(node)) return n;
      node = this.#tree.child(node, input) ?? node;
    }
    return this.#places.has(node) ? word.length + 1 : word.length;
  }
}
