/** Random Mealy machines, the same for the same seed, and a teacher that answers as such a machine does. */
import { expect } from '@jest/globals';
import {
  counterexample,
  learn,
  type Mealy,
  minimized,
  outputsOf,
  type Teacher,
  type Word,
} from '../../src/learn/automata/index.js';

/** The final output. */
export const CLOSED = 'closed';

/** A small linear congruential generator: the same machines every time. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** At most 30 states and 8 inputs. */
export function randomMachine(seed: number): Mealy {
  const draw = generator(seed);
  const inputs = Array.from({ length: 2 + draw(7) }, (_, n) => `i${n}`);
  const count = 1 + draw(30);
  const states = Array.from({ length: count }, () =>
    inputs.map(() => ({ output: `o${draw(2 + (seed % 3))}`, target: draw(count) })),
  );
  return minimized({ inputs, states });
}

/** Some transitions end: they lead to a state that is silent for ever. */
export function randomMachineWithEnds(seed: number): Mealy {
  const draw = generator(seed);
  const { inputs, states } = randomMachine(seed);
  const end = states.length;
  const silent = inputs.map(() => ({ output: '', target: end }));
  const ended = states.map((transitions) =>
    transitions.map((transition) => (draw(3) === 0 ? { output: CLOSED, target: end } : transition)),
  );
  return minimized({ inputs, states: [...ended, silent] });
}

/** A machine with other targets of some of its transitions; its final state stays the only one. */
export function changed({ inputs, states }: Mealy, draw: (below: number) => number, count: number): Mealy {
  const isFinal = (state: number): boolean => states[state]?.every(({ output }) => output === '') ?? false;
  const copy = states.map((transitions) => [...transitions]);
  for (let n = 0; n < count; n++) {
    const [state, input, target] = [draw(states.length), draw(inputs.length), draw(states.length)];
    const transition = copy[state]?.[input];
    if (!transition || isFinal(state) || isFinal(target) || transition.output === CLOSED) continue;
    copy[state]![input] = { ...transition, target };
  }
  return minimized({ inputs, states: copy });
}

/** Answers as the machine does; nothing is answered beyond a final output. */
export const teacherOf = (machine: Mealy): Teacher => ({
  inputs: machine.inputs,
  isFinal: (output) => output === CLOSED,
  ask: (words) => Promise.resolve(words.map((word) => untilClosed(outputsOf(machine, word)))),
});

/** Outputs up to the final one. */
export function untilClosed(outputs: string[]): string[] {
  const end = outputs.indexOf(CLOSED);
  return end < 0 ? outputs : outputs.slice(0, end + 1);
}

/** Tests that find every fault. */
export const perfect =
  (machine: Mealy) =>
  (hypothesis: Mealy): Word[] => {
    const word = counterexample(machine, hypothesis);
    return word ? [word] : [];
  };

/** Learns the random machine of a seed, every second one with final states, and compares the two. */
export async function learnsExactly(seed: number): Promise<void> {
  const machine = seed % 2 === 0 ? randomMachine(seed) : randomMachineWithEnds(seed);
  const learned = await learn({ teacher: teacherOf(machine), test: perfect(machine) });
  expect([seed, minimized(learned.machine)]).toEqual([seed, machine]);
  expect(learned.machine.states).toHaveLength(machine.states.length);
}

/** Learns a random machine with a reference that differs from it in some places, or everywhere. */
export async function learnsExactlyFromAnother(seed: number): Promise<void> {
  const reference = randomMachineWithEnds(seed);
  const machine = changed(reference, generator(seed), [1, 3, 10, 300][seed % 4] ?? 0);
  const learned = await learn({ teacher: teacherOf(machine), reference, test: perfect(machine) });
  expect([seed, minimized(learned.machine)]).toEqual([seed, machine]);
}
