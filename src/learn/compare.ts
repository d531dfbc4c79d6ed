/** Lists the differences of two models, each as a shortest input word with the outputs of both, and the rule for its last input. */
import { ruleOf } from './alphabet.js';
import { differences, outputsOf } from './automata/index.js';
import { type Behaviour } from './chart-model.js';
import { isFinal } from './output.js';

export interface ModelDifference {
  /** A shortest word (names of inputs) whose last input is answered differently. Empty: the output before any input differs. */
  readonly word: readonly string[];
  /** The outputs of the first model, one per input; the last one differs. */
  readonly expected: readonly string[];
  /** The outputs of the second model. */
  readonly actual: readonly string[];
  /** The BIP or Core function that specifies the reaction to the last input. */
  readonly rule: string;
  /** The state of the first model before the last input: its name in the chart, else `s` and its number. */
  readonly state: string;
}

/** The differences of `other` from `one`. Both must have the same inputs in the same order. */
export function compare(one: Behaviour, other: Behaviour): ModelDifference[] {
  const found = differences(one.machine, other.machine, isFinal).map(({ word, states }): ModelDifference => {
    const names = word.map((input) => one.machine.inputs[input] ?? '');
    return {
      word: names,
      expected: outputsOf(one.machine, word),
      actual: outputsOf(other.machine, word),
      rule: ruleOf(names.at(-1) ?? ''),
      state: one.names?.[states[0]] ?? `s${states[0]}`,
    };
  });
  return [...greetingDifference(one, other), ...found];
}

function greetingDifference(one: Behaviour, other: Behaviour): ModelDifference[] {
  if (one.greeting === other.greeting) return [];
  const rule = 'the side that dialled sends its version first';
  return [{ word: [], expected: [one.greeting], actual: [other.greeting], rule, state: 'open' }];
}
