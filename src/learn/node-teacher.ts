/** A node as the teacher of the learner: runs each word on its own connection, a limited number of them at the same time. */
import type { Teacher, Word } from './automata/index.js';
import { type Input, inputsOf } from './alphabet.js';
import { settleOf } from './calibration.js';
import { isFinal } from './output.js';
import { type Expected, type Run, type RunOptions, runWord } from './word-run.js';

export interface TeacherOptions extends RunOptions {
  /** Most connections at the same time. */
  readonly parallel: number;
  /** Milliseconds between the end of a connection and the start of the one that replaces it. */
  readonly pause: number;
  /** The expected output before any input. */
  readonly greeting: string;
  readonly signal?: AbortSignal;
}

/** Attempts to open a connection: a node may have no free slot for a short time. */
const TRIES = 5;
/** Delay before the second attempt, milliseconds; it grows linearly. */
const RETRY_MS = 250;
/** The settle time is adapted to this many last latencies, because the computer may become busy during learning. */
const RECENT = 100;
/** The longest adapted settle time, milliseconds. */
const MOST_MS = 600;

export class NodeTeacher implements Teacher {
  readonly inputs: readonly string[];
  readonly #alphabet: readonly Input[];
  /** Outputs before any input that differed from the expected one. */
  readonly greetings = new Set<string>();

  readonly #latencies: number[] = [];

  constructor(private readonly options: TeacherOptions) {
    this.#alphabet = inputsOf(options.transport);
    this.inputs = this.#alphabet.map(({ name }) => name);
  }

  isFinal(output: string): boolean {
    return isFinal(output);
  }

  /** Later attempts wait longer for silence: 2, 3, … times the settle time. Known outputs are not followed by silence. */
  async ask(
    words: readonly Word[],
    attempt: number,
    known: readonly (readonly string[])[],
  ): Promise<readonly (readonly string[])[]> {
    const answers = new Array<readonly string[]>(words.length);
    const rest = words.entries();
    const worker = async (): Promise<void> => {
      for (const [n, word] of rest) {
        this.options.signal?.throwIfAborted();
        answers[n] = await this.#answer(word, attempt, known[n] ?? []);
        if (this.options.pause > 0) await this.#wait(this.options.pause);
      }
    };
    const workers = Math.min(this.options.parallel, words.length);
    await Promise.all(Array.from({ length: workers }, worker));
    return answers;
  }

  async #answer(word: Word, attempt: number, known: readonly string[]): Promise<readonly string[]> {
    const inputs = word.map((input) => this.#alphabet[input]).filter((input) => input !== undefined);
    const settle = this.#settle * (attempt + 1);
    const expected = attempt === 0 ? { greeting: this.options.greeting, outputs: known } : undefined;
    const { greeting, outputs, latency } = await this.#run(inputs, { ...this.options, settle }, expected);
    this.#latencies.push(latency);
    if (this.#latencies.length > RECENT) this.#latencies.shift();
    if (greeting !== this.options.greeting) this.greetings.add(greeting);
    return outputs;
  }

  get #settle(): number {
    const { settle } = this.options;
    const recent = settleOf(this.#latencies.toSorted((one, other) => one - other));
    return Math.max(settle, Math.min(recent, MOST_MS));
  }

  /** Tries again where the connection cannot be opened, or ends before the first input. */
  async #run(inputs: readonly Input[], options: RunOptions, expected?: Expected): Promise<Run> {
    for (let tries = 1; ; tries++) {
      try {
        const run = await runWord(inputs, options, expected);
        if (!isFinal(run.greeting) || tries === TRIES) return run;
      } catch (error) {
        if (tries === TRIES) throw error;
      }
      await this.#wait(RETRY_MS * tries);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.options.clock.setTimeout(resolve, ms));
  }
}
