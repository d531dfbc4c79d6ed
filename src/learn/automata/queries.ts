/**
 * Output queries: sends words to a system and stores the answers. A word whose answer is known is not asked again. When an answer
 * contradicts an earlier one, the word is asked three more times; if these answers differ, it is reported as nondeterministic.
 */
import type { Word } from './mealy.js';
import { type Conflict, ObservationTree } from './observation-tree.js';

/** The system under learning. */
export interface Teacher {
  readonly inputs: readonly string[];
  /**
   * One answer per word, each from the initial state: one output per symbol, fewer when an output is final. `attempt`
   * counts from 0; a teacher that measures by time takes more of it on later attempts. `known`: for each word the outputs of
   * its first symbols, as they were before; a teacher that waits for the end of an output need not wait where it is as known.
   */
  ask(
    words: readonly Word[],
    attempt: number,
    known: readonly (readonly string[])[],
  ): Promise<readonly (readonly string[])[]>;
  /** Whether nothing can follow an output: the connection is closed, for example. */
  isFinal(output: string): boolean;
}

/** A word to which the system repeatedly gave different answers. */
export interface Nondeterminism {
  readonly word: Word;
  /** All outputs that were observed for its last symbol. */
  readonly outputs: readonly string[];
}

/** The number of queries so far. */
export interface Effort {
  words: number;
  symbols: number;
  /** Words that were asked again because an answer contradicted an earlier one. */
  repeated: number;
}

/** The system cannot be learned: its answers vary too much, or it needs more words than permitted. */
export class LearningError extends Error {
  override readonly name = 'LearningError';
}

export interface QueryOptions {
  /** Most words that are sent. Default: no limit. */
  readonly maxWords?: number;
  /** Called after each batch of words. */
  readonly progress?: (effort: Effort) => void;
}

/** How many times a contradicted word is asked again. */
const REPEATS = 3;
/** Number of contradictions after which learning fails. */
const MAX_CONFLICTS = 500;

export class Queries {
  readonly tree: ObservationTree;
  readonly effort: Effort = { words: 0, symbols: 0, repeated: 0 };
  readonly nondeterminism: Nondeterminism[] = [];
  /** Number of corrections of the tree; after one, node numbers from before may be invalid. */
  corrections = 0;
  #conflicts = 0;

  constructor(
    private readonly teacher: Teacher,
    private readonly options: QueryOptions = {},
  ) {
    this.tree = new ObservationTree(teacher.inputs.length, (output) => teacher.isFinal(output));
  }

  /** Asks the words whose answer is unknown. Resolves with true when there was one. */
  async ask(words: readonly Word[]): Promise<boolean> {
    let unknown = this.#unknown(unique(words));
    const isNew = unknown.length > 0;
    while (unknown.length > 0) {
      const batch = this.#onePerEdge(unknown);
      const answers = await this.#send(batch, 0);
      for (const [n, word] of batch.entries()) await this.#record(word, answers[n] ?? []);
      const asked = new Set(batch);
      unknown = this.#unknown(unknown.filter((word) => !asked.has(word)));
    }
    return isNew;
  }

  #unknown(words: readonly Word[]): Word[] {
    return words.filter((word) => this.tree.find(word) === undefined);
  }

  /** The longest word through each unknown edge: if the answer on that edge is final, the other words need not be asked. */
  #onePerEdge(words: readonly Word[]): Word[] {
    const shortestFirst = [...words].sort((one, other) => one.length - other.length);
    return [...new Map(shortestFirst.map((word) => [this.#firstUnknown(word), word])).values()];
  }

  /** The shortest prefix of a word that was not asked. */
  #firstUnknown(word: Word): string {
    const length = word.findIndex((_, n) => this.tree.find(word.slice(0, n + 1)) === undefined);
    return word.slice(0, length + 1).join(' ');
  }

  /** Asks words once more, with more time; a contradiction is resolved as in {@link ask}. */
  async confirm(repeated: readonly Word[]): Promise<void> {
    const words = unique(repeated);
    if (words.length === 0) return;
    const answers = await this.#send(words, REPEATS);
    for (const [n, word] of words.entries()) await this.#record(word, answers[n] ?? []);
  }

  async #send(words: readonly Word[], attempt: number): Promise<readonly (readonly string[])[]> {
    const { maxWords = Infinity, progress } = this.options;
    if (this.effort.words + words.length > maxWords)
      throw new LearningError(`its state machine was not found with ${maxWords} words`);
    const known = words.map((word) => (attempt === 0 ? this.tree.outputs(word) : []));
    const answers = await this.teacher.ask(words, attempt, known);
    this.effort.words += words.length;
    for (const answer of answers) this.effort.symbols += answer.length;
    progress?.(this.effort);
    return answers;
  }

  async #record(word: Word, outputs: readonly string[]): Promise<void> {
    let answer = outputs;
    for (;;) {
      const conflict = this.tree.conflict(word, answer);
      if (!conflict) return this.tree.add(word, answer);
      if (++this.#conflicts > MAX_CONFLICTS)
        throw new LearningError('its answers vary too much to be learned');
      await this.#resolve(conflict);
      const [again = []] = await this.#send([word], 1);
      answer = again;
    }
  }

  /** If the repeated answers agree, they replace the known one; otherwise the edge is undecided. */
  async #resolve({ word, outputs: [known, seen] }: Conflict): Promise<void> {
    const answers: (readonly string[])[] = [];
    for (let attempt = 1; attempt <= REPEATS; attempt++) {
      answers.push(...(await this.#send([word], attempt)));
      this.effort.repeated++;
    }
    const last = new Set(answers.map((answer) => answer[word.length - 1] ?? ''));
    const [only = ''] = last;
    if (last.size === 1 && only === known) return;
    if (last.size === 1) {
      this.tree.correct(word, only);
      this.corrections++;
      return;
    }
    const outputs = [...new Set([known, seen, ...last])];
    this.nondeterminism.push({ word, outputs });
    this.tree.markUndecided(word, outputs);
    this.corrections++;
  }
}

const unique = (words: readonly Word[]): Word[] => [
  ...new Map(words.map((word) => [word.join(' '), word])).values(),
];
