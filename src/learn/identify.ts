/**
 * Identifies the implementation of a node by its behaviour: sends, on one connection, inputs that the learned models answer
 * differently. What the node's `version` claims is not used.
 *
 *   const { label, questions } = await identify({ connections: dialledConnections(at, systemClock), chain, clock, models });
 */
import type { Clock } from '../net/index.js';
import type { Chain } from '../index.js';
import { type Input, inputsOf, type TransportName } from './alphabet.js';
import { transitionOf, type Mealy, type Place, splittingWord, type Word } from './automata/index.js';
import { factsOf, type NodeFacts } from './calibration.js';
import type { Connections } from './fresh-connections.js';
import type { KnownModel } from './known-models.js';
import { isFinal } from './output.js';
import { politeAfter, solicited } from './polite-inputs.js';
import { WordRun } from './word-run.js';

export interface IdentifyOptions {
  readonly connections: Connections;
  readonly chain: Chain;
  readonly clock: Clock;
  /**
   * The candidate implementations, as models of listeners over v1. They can be used for v2 too: the inputs used here are answered
   * in the same way on both transports.
   */
  readonly models: readonly KnownModel[];
  /** Default `v1`. */
  readonly transport?: TransportName;
}

/** One input that was sent, and what its answer excludes. */
export interface Question {
  /** The name of the input; empty for the output before any input. */
  readonly input: string;
  /** The commands that the node sent, separated by spaces; empty for none. */
  readonly output: string;
  /** The models that would have answered differently. */
  readonly excludes: readonly Excluded[];
}

/** A model that does not match, and the answer that it would have given. */
export interface Excluded {
  readonly label: string;
  /** The options of the node from which the model was learned. */
  readonly settings: string;
  readonly output: string;
}

/** The label when no model matches. */
export const UNKNOWN = 'unknown';

export interface Identification {
  /** The implementation; `A or B` when no allowed input distinguishes two; {@link UNKNOWN} when none matches. */
  readonly label: string;
  /** What the node's `version` announces; it has no influence on {@link label}. */
  readonly claimed: Omit<NodeFacts, 'v2'>;
  readonly questions: readonly Question[];
  /** Duration including the opening of the connection, milliseconds. */
  readonly ms: number;
}

/** A model that matches all answers so far. */
interface Candidate extends Place {
  readonly label: string;
  readonly settings: string;
  readonly greeting: string;
}

/** Limits of the silence that ends an answer, milliseconds. */
const LEAST_MS = 250;
const MOST_MS = 2_000;

/**
 * The silence that ends an answer: four times as long as the opening of the connection or its slowest answer so far, so that a slow
 * or busy node has the time that it needs.
 */
const settleAfter = (longest: number): number => Math.min(MOST_MS, Math.max(LEAST_MS, 4 * longest));

/** How long the rest of an incomplete expected answer is awaited, milliseconds. */
const REST_MS = 2_000;
/** Maximum number of inputs in a word that distinguishes models. */
const LONGEST = 4;

/** Rejects with a `VerackError` when the connection or its v2 key exchange fails; after that it resolves whatever the node does. */
export async function identify(options: IdentifyOptions): Promise<Identification> {
  const { connections, chain, clock, transport = 'v1' } = options;
  const begin = clock.now();
  const link = await connections.open();
  const settle = settleAfter(clock.now() - begin);
  try {
    const run = new WordRun(link, {
      connections,
      chain,
      clock,
      transport,
      settle,
      greetingTimeout: settle,
    });
    const { label, questions } = await new Identifier(run, options.models).run();
    return { label, claimed: factsOf(run), questions, ms: Math.round(clock.now() - begin) };
  } finally {
    link.destroy();
  }
}

const INPUTS: readonly Input[] = inputsOf('v1');
const numberOf = (name: string): number => INPUTS.findIndex((input) => input.name === name);

class Identifier {
  readonly #questions: Question[] = [];
  readonly #sent: string[] = [];
  #candidates: readonly Candidate[];

  constructor(
    private readonly connection: WordRun,
    models: readonly KnownModel[],
  ) {
    this.#candidates = models.map(candidateOf);
  }

  /** Sends first the inputs that distinguish the candidates, then all other polite inputs to check the remaining candidates. */
  async run(): Promise<Pick<Identification, 'label' | 'questions'>> {
    const greeting = await this.connection.greet();
    this.#adapt();
    this.#keep('', solicited(greeting), (one) => ({ output: one.greeting, next: one }));
    for (let word = this.#next(); word.length > 0; word = this.#next())
      for (const input of word) if (this.#candidates.length > 0) await this.#ask(input);
    const labels = [...new Set(this.#candidates.map(({ label }) => label))];
    return { label: labels.length === 0 ? UNKNOWN : labels.join(' or '), questions: this.#questions };
  }

  /** The next inputs; empty when all were sent or no candidate is left. */
  #next(): Word {
    if (this.#candidates.length === 0) return [];
    const allowed = (word: Word): number[] => this.#allowed(word.map((n) => INPUTS[n]?.name ?? ''));
    const word = splittingWord(this.#candidates, { allowed, isFinal, longest: LONGEST });
    return word ?? this.#harmless(allowed([]));
  }

  /** The first input on which no candidate closes the connection. */
  #harmless(inputs: readonly number[]): Word {
    const isHarmless = (input: number): boolean =>
      this.#candidates.every(({ machine, state }) => !isFinal(transitionOf(machine, state, input).output));
    const input = inputs.find(isHarmless);
    return input === undefined ? [] : [input];
  }

  #allowed(more: readonly string[]): number[] {
    return politeAfter([...this.#sent, ...more]).map(numberOf);
  }

  async #ask(number: number): Promise<void> {
    const input = INPUTS[number];
    if (!input) return;
    const expected = this.#candidates.map(
      ({ machine, state }) => transitionOf(machine, state, number).output,
    );
    this.#sent.push(input.name);
    const output = await this.#whole(await this.connection.ask(input), expected);
    this.#adapt();
    this.#keep(input.name, output, (one) => {
      const transition = transitionOf(one.machine, one.state, number);
      return { output: transition.output, next: { ...one, state: transition.target } };
    });
  }

  #adapt(): void {
    const { settle, latency } = this.connection;
    this.connection.settle = Math.max(settle, settleAfter(latency));
  }

  /** Waits for the rest of an answer that so far is only the beginning of an expected one. */
  async #whole(first: string, expected: readonly string[]): Promise<string> {
    let output = solicited(first);
    while (!expected.includes(output) && expected.some((one) => one.startsWith(output)) && !isFinal(output)) {
      const rest = solicited(await this.connection.listen(REST_MS));
      if (rest === '') break;
      output = [output, rest].filter((part) => part !== '').join(' ');
    }
    return output;
  }

  /** Keeps the candidates that give this answer, and records the others as excluded. */
  #keep(
    input: string,
    output: string,
    answerOf: (one: Candidate) => { readonly output: string; readonly next: Candidate },
  ): void {
    const answers = this.#candidates.map(answerOf);
    const excludes = answers
      .filter((answer) => answer.output !== output)
      .map(({ next: { label, settings }, output: other }) => ({ label, settings, output: other }));
    this.#questions.push({ input, output, excludes });
    this.#candidates = answers.filter((answer) => answer.output === output).map(({ next }) => next);
  }
}

const candidateOf = ({ label, settings, model }: KnownModel): Candidate => ({
  label,
  settings,
  greeting: solicited(model.greeting),
  machine: solicitedOnly(model.machine),
  state: 0,
});

/** The machine without unsolicited messages in its outputs. */
const solicitedOnly = ({ inputs, states }: Mealy): Mealy => ({
  inputs,
  states: states.map((transitions) =>
    transitions.map((transition) => ({ ...transition, output: solicited(transition.output) })),
  ),
});
