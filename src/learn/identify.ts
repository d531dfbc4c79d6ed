/**
 * Identifies the implementation of a node by its behaviour alone: on one connection it sends the inputs that the learned models
 * answer differently.
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
   * The implementations to choose from: models of listeners over v1. A node answers the inputs that are used here in the same
   * way over v2.
   */
  readonly models: readonly KnownModel[];
  /** Default `v1`. */
  readonly transport?: TransportName;
}

/** One message that was sent, and what it shows. */
export interface Question {
  /** A name of the alphabet; empty for what the node sent before any message. */
  readonly input: string;
  /** The commands that came back; empty for none. */
  readonly output: string;
  /** The models that this answer excludes, with what they would have answered. */
  readonly excludes: readonly Excluded[];
}

/** A model that does not fit, and the answer that it would have given. */
export interface Excluded {
  readonly label: string;
  /** The options of the node that it was learned from. */
  readonly settings: string;
  readonly output: string;
}

/** No model fits. */
export const UNKNOWN = 'unknown';

export interface Identification {
  /** The implementation, `A or B` where no question distinguishes two, or {@link UNKNOWN}. */
  readonly label: string;
  /** What the node announces; no part of the decision. */
  readonly claimed: Omit<NodeFacts, 'v2'>;
  readonly questions: readonly Question[];
  /** From the open connection to the answer, milliseconds. */
  readonly ms: number;
}

/** A model that fits so far. */
interface Candidate extends Place {
  readonly label: string;
  readonly settings: string;
  readonly greeting: string;
}

/** Silence that ends an answer: so many milliseconds, and four times what opening the connection took; at most two seconds. */
const LEAST_MS = 250;
const MOST_MS = 2_000;
/** A part of an expected answer has come: the rest is waited for so long. */
const REST_MS = 2_000;
/** Inputs of the longest word that is tried to distinguish models. */
const LONGEST = 4;

/** Rejects with a `VerackError` when there is no connection, or no v2 on it; whatever the node does then, it resolves. */
export async function identify(options: IdentifyOptions): Promise<Identification> {
  const { connections, chain, clock, transport = 'v1' } = options;
  const begin = clock.now();
  const link = await connections.open();
  const settle = Math.min(MOST_MS, Math.max(LEAST_MS, 4 * (clock.now() - begin)));
  try {
    const run = new WordRun(link, {
      ...{ connections, chain, clock, transport, settle, greetingTimeout: settle },
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

  /** First the inputs that distinguish the candidates; then all other polite inputs, to check those that are left. */
  async run(): Promise<Pick<Identification, 'label' | 'questions'>> {
    const greeting = await this.connection.greet();
    this.#keep('', solicited(greeting), (one) => ({ output: one.greeting, next: one }));
    for (let word = this.#next(); word.length > 0; word = this.#next())
      for (const input of word) if (this.#candidates.length > 0) await this.#ask(input);
    const labels = [...new Set(this.#candidates.map(({ label }) => label))];
    return { label: labels.length === 0 ? UNKNOWN : labels.join(' or '), questions: this.#questions };
  }

  /** The next inputs; empty when all are asked or no candidate is left. */
  #next(): Word {
    if (this.#candidates.length === 0) return [];
    const allowed = (word: Word): number[] => this.#allowed(word.map((n) => INPUTS[n]?.name ?? ''));
    const word = splittingWord(this.#candidates, { allowed, isFinal, longest: LONGEST });
    return word ?? this.#harmless(allowed([]));
  }

  /** The first input that no candidate answers with the end of the connection. */
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
    this.#keep(input.name, output, (one) => {
      const transition = transitionOf(one.machine, one.state, number);
      return { output: transition.output, next: { ...one, state: transition.target } };
    });
  }

  /** Waits for the rest of an answer of which a part has come. */
  async #whole(first: string, expected: readonly string[]): Promise<string> {
    let output = solicited(first);
    while (!expected.includes(output) && expected.some((one) => one.startsWith(output)) && !isFinal(output)) {
      const rest = solicited(await this.connection.listen(REST_MS));
      if (rest === '') break;
      output = [output, rest].filter((part) => part !== '').join(' ');
    }
    return output;
  }

  /** Keeps the candidates that answer so. */
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
  ...{
    label,
    settings,
    greeting: solicited(model.greeting),
    machine: solicitedOnly(model.machine),
    state: 0,
  },
});

/** A machine without what comes unasked. */
const solicitedOnly = ({ inputs, states }: Mealy): Mealy => ({
  inputs,
  states: states.map((transitions) =>
    transitions.map((transition) => ({ ...transition, output: solicited(transition.output) })),
  ),
});
