/** Selects the next inputs for a system, so that its answers distinguish several candidate machines. */
import { transitionOf, type Mealy, type Word } from './mealy.js';

/** A candidate machine and its current state. */
export interface Place {
  readonly machine: Mealy;
  readonly state: number;
}

export interface SplitOptions {
  /** The inputs that may follow a word. */
  readonly allowed: (word: Word) => readonly number[];
  /** Inputs that one of the machines would answer with a final output are not used. */
  readonly isFinal: (output: string) => boolean;
  /** Maximum length of the word. */
  readonly longest: number;
}

/**
 * A shortest allowed word whose last input the machines answer in at least two ways; among several, the one with the most
 * different answers. Undefined when no allowed word distinguishes the machines. All machines must have the same inputs.
 */
export function splittingWord(places: readonly Place[], options: SplitOptions): Word | undefined {
  let words: { word: Word; places: readonly Place[] }[] = [{ word: [], places }];
  for (let length = 1; length <= options.longest && words.length > 0; length++) {
    const longer = words.flatMap((each) => extended(each, options));
    const best = longer.reduce((one, other) => (other.answers > one.answers ? other : one), NONE);
    if (best.answers > 1) return best.word;
    words = longer;
  }
  return undefined;
}

interface Extended {
  readonly word: Word;
  readonly places: readonly Place[];
  /** Number of different answers to the last input. */
  readonly answers: number;
}

const NONE: Extended = { word: [], places: [], answers: 0 };

function extended(before: { word: Word; places: readonly Place[] }, options: SplitOptions): Extended[] {
  return options.allowed(before.word).flatMap((input) => {
    const transitions = before.places.map(({ machine, state }) => transitionOf(machine, state, input));
    if (transitions.some(({ output }) => options.isFinal(output))) return [];
    const places = before.places.map(({ machine }, n) => ({ machine, state: transitions[n]?.target ?? 0 }));
    const answers = new Set(transitions.map(({ output }) => output)).size;
    return [{ word: [...before.word, input], places, answers }];
  });
}
