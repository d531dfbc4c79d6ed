/**
 * L# (Vaandrager et al., TACAS 2022), with batches of words so that a system on a network is asked in parallel. With a
 * reference machine it is adaptive (Kruger, Junges, Rot, TACAS 2024): the words that distinguish the states of the reference
 * come first, so that a system like the reference is learned from them alone.
 */
import { type Transition, type Mealy, SILENCE, stateAfter, type Word } from './mealy.js';
import { differences } from './differences.js';
import { type Effort, type Nondeterminism, Queries, type Teacher } from './queries.js';
import { separation } from './separating-words.js';
import { wpWords } from './wp-method.js';

export interface LearnOptions {
  readonly teacher: Teacher;
  /** A machine that the system is expected to be like, over the same inputs. */
  readonly reference?: Mealy;
  /** States that the system may have beyond the hypothesis and that testing still finds. Default 0. */
  readonly depth?: number;
  /** Words that test a hypothesis, instead of those of the Wp method. */
  readonly test?: (hypothesis: Mealy) => readonly Word[];
  readonly progress?: (effort: Effort) => void;
}

export interface Learned extends Effort {
  readonly machine: Mealy;
  readonly nondeterminism: readonly Nondeterminism[];
}

/** Learns a system. Rejects when its answers vary without end. */
export async function learn(options: LearnOptions): Promise<Learned> {
  const { teacher, reference, depth = 0 } = options;
  const questions = new Queries(teacher, options.progress);
  const preferred = reference ? separation(reference).words : [];
  const test = options.test ?? ((hypothesis: Mealy) => wpWords(hypothesis, depth, preferred));
  if (reference) await questions.ask(wpWords(reference, 0));
  const learner = new Learner(questions, teacher.inputs);
  for (;;) {
    const machine = await learner.hypothesis();
    const isTested = !(await questions.ask(test(machine)));
    if (!isTested && !(await learner.isConsistent(machine))) continue;
    const corrections = questions.corrections;
    await questions.confirm(reference ? unexpected(reference, machine, teacher) : []);
    if (questions.corrections === corrections)
      return { machine, ...questions.effort, nondeterminism: questions.nondeterminism };
  }
}

/** Where the system differs from what was expected; such an answer may also have come too late. */
const unexpected = (reference: Mealy, machine: Mealy, teacher: Teacher): Word[] =>
  differences(reference, machine, (output) => teacher.isFinal(output)).map(({ word }) => word);

/** The part of the tree that is understood: pairwise apart nodes, and for each node behind them those it may equal. */
class Learner {
  /** In order, and each node's place in it. */
  #basis: number[] = [];
  #places = new Map<number, number>();
  /** The candidates of a node, among so many states of the basis. */
  #possible = new Map<number, { states: readonly number[]; seen: number }>();
  #corrections = 0;

  constructor(
    private readonly questions: Queries,
    private readonly inputs: readonly string[],
  ) {}

  get #tree() {
    return this.questions.tree;
  }

  /** Asks until each transition of the basis leads to exactly one state, and the machine agrees with every observation. */
  async hypothesis(): Promise<Mealy> {
    for (;;) {
      while (await this.questions.ask(this.#missing()));
      const machine = this.#machine();
      const before = this.#knowledge;
      if ((await this.isConsistent(machine)) || this.#knowledge === before) return machine;
    }
  }

  /** Changes with everything that is learned; where answers vary, a deviation may teach nothing. */
  get #knowledge(): string {
    this.#extend();
    return [this.#tree.size, this.#basis.length, this.questions.corrections].join(' ');
  }

  /** Whether a machine agrees with the tree; what is needed to see where it does not is asked. */
  async isConsistent(machine: Mealy): Promise<boolean> {
    const conflict = this.#deviation(machine);
    if (!conflict) return true;
    await this.#narrow(machine, conflict);
    return false;
  }

  /** Extends the basis as far as it goes; then the words that the next step needs. */
  #missing(): Word[] {
    this.#extend();
    const words: Word[] = [];
    for (const node of this.#basis) {
      if (this.#tree.isFinalNode(node)) continue;
      for (const input of this.inputs.keys()) words.push(...this.#missingAt(node, input));
    }
    return words;
  }

  /** A transition that was not asked may lead to any state: the first word through it already separates some of them. */
  #missingAt(node: number, input: number): Word[] {
    const child = this.#tree.child(node, input);
    if (child !== undefined && this.#places.has(child)) return [];
    const candidates = child === undefined ? this.#basis : this.#candidates(child);
    const access = [...this.#tree.word(node), input];
    if (candidates.length < 2) return child === undefined ? [access] : [];
    return [[...access, ...this.#separating(candidates)]];
  }

  #separating([one = 0, other = 0]: readonly number[]): Word {
    return this.#tree.apart(one, other) ?? [];
  }

  /** A node behind the basis that is apart from all of it is a new state. */
  #extend(): void {
    if (this.#basis.length === 0 || this.#corrections !== this.questions.corrections) this.#restart();
    // The basis grows meanwhile.
    for (const node of this.#basis) {
      for (const input of this.inputs.keys()) {
        const child = this.#tree.child(node, input);
        if (child === undefined || this.#places.has(child)) continue;
        if (this.#candidates(child).length === 0) this.#promote(child);
      }
    }
  }

  #restart(): void {
    this.#basis = [];
    this.#places = new Map();
    this.#possible = new Map();
    this.#promote(this.#tree.root);
    this.#corrections = this.questions.corrections;
  }

  #promote(node: number): void {
    this.#places.set(node, this.#basis.length);
    this.#basis.push(node);
  }

  /** The states of the basis that a node may equal. What is apart stays apart, so only those left are looked at again. */
  #candidates(node: number): readonly number[] {
    const { states, seen } = this.#possible.get(node) ?? { states: [], seen: 0 };
    const left = [...states, ...this.#basis.slice(seen)].filter(
      (state) => this.#tree.apart(node, state) === undefined,
    );
    this.#possible.set(node, { states: left, seen: this.#basis.length });
    return left;
  }

  /** The state that a node of the tree stands for: itself, or its only candidate. */
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

  /** The first observation, in breadth-first order, that a machine contradicts. */
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
   * From a deviation to a node next to the basis that is apart from the state it was taken for: half of the rest of the word
   * is replaced in each round (procedure ProcCounterEx of the paper).
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
      await this.questions.ask([[...access, ...tail, ...evidence]]);
      const [seen, expected] = [this.#tree.find(head), this.#tree.find(access)];
      if (seen === undefined || expected === undefined) return;
      const separating = this.#tree.apart(seen, expected);
      if (separating) [word, evidence] = [head, separating];
      else word = [...access, ...tail];
    }
  }

  /** How long the shortest prefix is that leaves the basis; more than the word when none does. */
  #borderOf(word: Word): number {
    let node = this.#tree.root;
    for (const [n, input] of word.entries()) {
      if (!this.#places.has(node)) return n;
      node = this.#tree.child(node, input) ?? node;
    }
    return this.#places.has(node) ? word.length + 1 : word.length;
  }
}
