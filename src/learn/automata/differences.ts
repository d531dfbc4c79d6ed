/** Compares two Mealy machines over the same inputs: a shortest word for each transition that differs. */
import { transitionOf, type Mealy, type Word } from './mealy.js';

export interface Difference {
  /** The machines answer its last symbol differently. */
  readonly word: Word;
  /** The states of the two machines before the last symbol. */
  readonly states: readonly [number, number];
  readonly outputs: readonly [string, string];
}

/**
 * All pairs of transitions with different outputs, found by breadth-first search over the pairs of states that a word leads to.
 * The search continues after a difference, unless an output there is final.
 */
export function differences(one: Mealy, other: Mealy, isFinal: (output: string) => boolean): Difference[] {
  const found = new Map<string, Difference>();
  const seen = new Set(['0 0']);
  const queue: { states: readonly [number, number]; word: Word }[] = [{ states: [0, 0], word: [] }];
  for (const { states, word } of queue) {
    for (const input of one.inputs.keys()) {
      const transitions = [
        transitionOf(one, states[0], input),
        transitionOf(other, states[1], input),
      ] as const;
      const outputs = [transitions[0].output, transitions[1].output] as const;
      const difference = { word: [...word, input], states, outputs };
      if (outputs[0] !== outputs[1]) keep(found, difference);
      if (outputs.some(isFinal)) continue;
      const targets = [transitions[0].target, transitions[1].target] as const;
      if (seen.has(targets.join(' '))) continue;
      seen.add(targets.join(' '));
      queue.push({ states: targets, word: difference.word });
    }
  }
  return [...found.values()];
}

/** Keeps only the first, which is the shortest, of the differences on the same transition with the same outputs. */
function keep(found: Map<string, Difference>, difference: Difference): void {
  const key = JSON.stringify([difference.states[0], difference.word.at(-1), difference.outputs]);
  if (!found.has(key)) found.set(key, difference);
}

/** A shortest word that two machines answer differently; undefined when they are equivalent. */
export function counterexample(one: Mealy, other: Mealy): Word | undefined {
  return differences(one, other, () => false)[0]?.word;
}
