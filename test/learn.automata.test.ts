/** The learner against machines that are known: random ones, final states, answers that vary, references that are wrong. */
import { describe, expect, test } from '@jest/globals';
import {
  counterexample,
  differences,
  learn,
  type Mealy,
  minimized,
  outputsOf,
  type Teacher,
  type Word,
  wpWords,
} from '../src/learn/automata/index.js';
import { nightly } from './support/nightly.js';

const CLOSED = 'closed';

/** A small linear congruential generator: the same machines every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomMachine(seed: number): Mealy {
  const draw = generator(seed);
  const inputs = Array.from({ length: 2 + draw(7) }, (_, n) => `i${n}`);
  const count = 1 + draw(30);
  const states = Array.from({ length: count }, () =>
    inputs.map(() => ({ output: `o${draw(2 + (seed % 3))}`, target: draw(count) })),
  );
  return minimized({ inputs, states });
}

/** Some transitions end: they lead to a state that is silent for ever. */
function randomMachineWithEnds(seed: number): Mealy {
  const draw = generator(seed);
  const { inputs, states } = randomMachine(seed);
  const end = states.length;
  const silent = inputs.map(() => ({ output: '', target: end }));
  const ended = states.map((transitions) =>
    transitions.map((transition) => (draw(3) === 0 ? { output: CLOSED, target: end } : transition)),
  );
  return minimized({ inputs, states: [...ended, silent] });
}

const teacherOf = (machine: Mealy): Teacher => ({
  inputs: machine.inputs,
  isFinal: (output) => output === CLOSED,
  ask: (words) => Promise.resolve(words.map((word) => untilClosed(outputsOf(machine, word)))),
});

function untilClosed(outputs: string[]): string[] {
  const end = outputs.indexOf(CLOSED);
  return end < 0 ? outputs : outputs.slice(0, end + 1);
}

/** Tests that find every fault. */
const perfect =
  (machine: Mealy) =>
  (hypothesis: Mealy): Word[] => {
    const word = counterexample(machine, hypothesis);
    return word ? [word] : [];
  };

describe('the learner', () => {
  const MACHINES = nightly(200, 80);

  test(`learns ${MACHINES} random machines of up to 30 states exactly`, async () => {
    for (let seed = 1; seed <= MACHINES; seed++) {
      const machine = seed % 2 === 0 ? randomMachine(seed) : randomMachineWithEnds(seed);
      const learned = await learn({ teacher: teacherOf(machine), test: perfect(machine) });
      expect([seed, minimized(learned.machine)]).toEqual([seed, machine]);
      expect(learned.machine.states).toHaveLength(machine.states.length);
    }
  });

  test('with a reference asks little more than the words that test the reference', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const machine = randomMachineWithEnds(seed);
      const { words, machine: learned } = await learn({ teacher: teacherOf(machine), reference: machine });
      expect(minimized(learned)).toEqual(machine);
      expect(words).toBeLessThanOrEqual(wpWords(machine, 0).length);
    }
  });

  test('finds a hidden state with the Wp method of depth 1', async () => {
    // From the third `a` on, `b` answers differently.
    const transition = (output: string, target: number) => ({ output, target });
    const states = [
      [transition('x', 1), transition('y', 0)],
      [transition('x', 2), transition('y', 0)],
      [transition('x', 2), transition('z', 0)],
    ];
    const machine = { inputs: ['a', 'b'], states };
    const shallow = await learn({ teacher: teacherOf(machine) });
    const deep = await learn({ teacher: teacherOf(machine), depth: 2 });
    expect(shallow.machine.states).toHaveLength(1);
    expect(minimized(deep.machine)).toEqual(minimized(machine));
  });

  test('asks nothing beyond a final output', async () => {
    const machine = randomMachineWithEnds(7);
    const teacher = teacherOf(machine);
    const asked: Word[] = [];
    const ask = (words: readonly Word[]) => (asked.push(...words), teacher.ask(words, 0));
    await learn({ teacher: { ...teacher, ask }, test: perfect(machine) });
    const beyond = asked.filter((word) => outputsOf(machine, word).slice(0, -2).includes(CLOSED));
    // Words that separate states may run on: the teacher ends them. None begins behind an end.
    for (const word of beyond) expect(untilClosed(outputsOf(machine, word)).length).toBeLessThan(word.length);
    expect(asked.length).toBeGreaterThan(0);
  });
});

describe('answers that vary', () => {
  const machine = randomMachine(4);

  /** Every `period`-th answer to a first symbol is wrong. */
  function unreliable(period: number, isWrong: (attempt: number) => boolean): Teacher {
    let count = 0;
    const honest = teacherOf(machine);
    return {
      ...honest,
      ask: async (words, attempt) => {
        const answers = await honest.ask(words, attempt);
        return answers.map((answer) =>
          ++count % period === 0 && isWrong(attempt) ? ['noise', ...answer.slice(1)] : answer,
        );
      },
    };
  }

  test('are asked again, and noise that does not repeat leaves no trace', async () => {
    const teacher = unreliable(5, (attempt) => attempt === 0);
    const learned = await learn({ teacher, test: perfect(machine) });
    expect(minimized(learned.machine)).toEqual(machine);
    expect(learned.nondeterminism).toEqual([]);
    expect(learned.repeated).toBeGreaterThan(0);
  });

  test('are reported with every output when they go on varying', async () => {
    let count = 0;
    const coin: Teacher = {
      inputs: ['toss', 'look'],
      isFinal: () => false,
      ask: (words) =>
        Promise.resolve(
          words.map((word) => word.map((input) => (input === 1 ? 'coin' : ++count % 2 ? 'heads' : 'tails'))),
        ),
    };
    const { nondeterminism, machine: learned } = await learn({ teacher: coin, depth: 1 });
    expect(nondeterminism).toContainEqual({ word: [0], outputs: ['heads', 'tails'] });
    expect(learned.states).toHaveLength(1);
  });
});

describe('differences', () => {
  test('show each differing transition by a shortest word, also behind another difference', () => {
    const one = randomMachine(12);
    const [first = []] = one.states;
    const other: Mealy = {
      inputs: one.inputs,
      states: one.states.map((transitions) =>
        transitions.map((transition, input) =>
          input === 0 ? { ...transition, output: 'changed' } : transition,
        ),
      ),
    };
    const found = differences(one, other, () => false);
    expect(found).toHaveLength(one.states.length);
    expect(found[0]).toEqual({ word: [0], states: [0, 0], outputs: [first[0]?.output, 'changed'] });
    for (const { word } of found) {
      const [a, b] = [outputsOf(one, word), outputsOf(other, word)];
      expect(a.at(-1)).not.toBe(b.at(-1));
    }
  });

  test('are none between machines that behave the same', () => {
    const machine = randomMachine(12);
    const twice: Mealy = {
      inputs: machine.inputs,
      states: [...machine.states, ...machine.states].map((transitions) =>
        transitions.map(({ output, target }) => ({ output, target: target + machine.states.length })),
      ),
    };
    const wrapped = {
      ...twice,
      states: twice.states.map((transitions) =>
        transitions.map(({ output, target }) => ({ output, target: target % (2 * machine.states.length) })),
      ),
    };
    expect(differences(machine, wrapped, () => false)).toEqual([]);
  });
});
