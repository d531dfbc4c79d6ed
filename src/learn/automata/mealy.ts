/** Mealy machines as data: finite, complete, deterministic. State 0 is the initial one. */

/** A sequence of inputs, each as its index in `inputs`. */
export type Word = readonly number[];

/** The reaction of a state to one input: the output, and the index of the next state. */
export interface Transition {
  readonly output: string;
  readonly target: number;
}

/** `states[s][i]` is the transition of state `s` on input `inputs[i]`. JSON-safe. */
export interface Mealy {
  readonly inputs: readonly string[];
  readonly states: readonly (readonly Transition[])[];
}

/** The output when the system sends nothing. */
export const SILENCE = '';

/** The outputs of a word, one per symbol. */
export function outputsOf(machine: Mealy, word: Word, from = 0): string[] {
  const outputs: string[] = [];
  let state = from;
  for (const input of word) {
    const transition = transitionOf(machine, state, input);
    outputs.push(transition.output);
    state = transition.target;
  }
  return outputs;
}

/** The state that a word leads to. */
export const stateAfter = (machine: Mealy, word: Word, from = 0): number =>
  word.reduce((state, input) => transitionOf(machine, state, input).target, from);

/** The transition of a state on an input. Throws `RangeError` when the machine has none. */
export function transitionOf(machine: Mealy, state: number, input: number): Transition {
  const transition = machine.states[state]?.[input];
  if (!transition) throw new RangeError(`no transition from state ${state} on input ${input}`);
  return transition;
}

/** A shortest word to each state; undefined for a state that cannot be reached. */
export function accessWords(machine: Mealy): (Word | undefined)[] {
  const words = new Array<Word | undefined>(machine.states.length).fill(undefined);
  words[0] = [];
  const queue = [0];
  for (const state of queue) {
    machine.states[state]?.forEach(({ target }, input) => {
      if (words[target]) return;
      words[target] = [...(words[state] ?? []), input];
      queue.push(target);
    });
  }
  return words;
}

/** The equivalent machine with the fewest states, numbered in breadth-first order. */
export const minimized = (machine: Mealy): Mealy => minimizedWithNumbers(machine).machine;

/** As {@link minimized}, with the new number of each state of the given machine; -1 for a state that cannot be reached. */
export function minimizedWithNumbers(machine: Mealy): {
  readonly machine: Mealy;
  readonly numbers: readonly number[];
} {
  const classes = coarsestClasses(machine);
  const order = [0];
  const numbers = new Map([[classes[0], 0]]);
  const states: Transition[][] = [];
  for (const state of order) {
    const transitions = (machine.states[state] ?? []).map(({ output, target }) => {
      const known = numbers.get(classes[target]);
      if (known !== undefined) return { output, target: known };
      numbers.set(classes[target], order.length);
      order.push(target);
      return { output, target: order.length - 1 };
    });
    states.push(transitions);
  }
  return {
    machine: { inputs: machine.inputs, states },
    numbers: classes.map((one) => numbers.get(one) ?? -1),
  };
}

/** Moore's partition refinement: the equivalence class of each state. */
function coarsestClasses(machine: Mealy): number[] {
  let classes = machine.states.map(() => 0);
  for (let count = 0; ;) {
    const keys = machine.states.map((transitions, state) =>
      JSON.stringify([classes[state], transitions.map(({ output, target }) => [output, classes[target]])]),
    );
    const numbers = new Map([...new Set(keys)].map((key, n) => [key, n]));
    classes = keys.map((key) => numbers.get(key) ?? 0);
    if (numbers.size === count) return classes;
    count = numbers.size;
  }
}
