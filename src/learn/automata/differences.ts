/** Where two Mealy machines over the same inputs differ: for each differing transition a shortest word that shows it. */
import { transitionOf, type Mealy, type Word } from './mealy.js';

export interface Difference {
  /** Its last symbol is answered differently. */
  readonly word: Word;
  /** The states of the two machines before the last symbol. */
  readonly states: readonly [number, number];
  readonly outputs: readonly [string, string];
}

/**
 * Every pair of transitions that differ, in breadth-first order of the pairs of states that a word leads to. Behind a difference
 * the comparison goes on, unless one machine is at its end there.
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

/** Keeps the first, which is the shortest, of those on the same transition with the same outputs. */
function keep(found: Map<string, Difference>, difference: Difference): void {
  const key = JSON.stringify([difference.states[0], difference.word.at(-1), difference.outputs]);
  if (!found.has(key)) found.set(key, difference);
}

/** A shortest word that two machines answer differently; undefined when they behave the same. */
export function counterexample(one: Mealy, other: Mealy): Word | undefined {
  return differences(one, other, () => false)[0]?.word;
}
