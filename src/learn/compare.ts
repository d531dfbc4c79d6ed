/** What differs between two models, as transcripts: the inputs, what each of the two does, and the rule behind the last input. */
import { ruleOf } from './alphabet.js';
import { differences, outputsOf } from './automata/index.js';
import { type Behaviour } from './chart-model.js';
import { isFinal } from './output.js';

export interface ModelDifference {
  /** The inputs, as short as can be; the last one is answered differently. Empty: what is sent before any input. */
  readonly witness: readonly string[];
  /** The outputs of the first model, one per input; the last one is the difference. */
  readonly expected: readonly string[];
  /** Those of the second. */
  readonly actual: readonly string[];
  readonly rule: string;
  /** The state of the first model before the last input: the chart's name of it, else `s` and its number. */
  readonly state: string;
}

/** Differences of `other` from `one`; both must have the same inputs. */
export function compare(one: Behaviour, other: Behaviour): ModelDifference[] {
  const found = differences(one.machine, other.machine, isFinal).map(({ word, states }): ModelDifference => {
    const names = word.map((input) => one.machine.inputs[input] ?? '');
    return {
      witness: names,
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
  const rule = 'who sends its version first: the side that dialled';
  return [{ witness: [], expected: [one.greeting], actual: [other.greeting], rule, state: 'open' }];
}
