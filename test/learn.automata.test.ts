/** The learner against machines that are known: random ones, final states, answers that vary, references that are wrong. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  accessWords,
  differences,
  learn,
  LearningError,
  type Mealy,
  minimized,
  outputsOf,
  type Teacher,
  type Word,
  wpWords,
} from '../src/learn/automata/index.js';
import {
  changed,
  CLOSED,
  generator,
  learnsExactly,
  learnsExactlyFromAnother,
  perfect,
  randomMachine,
  randomMachineWithEnds,
  teacherOf,
  untilClosed,
} from './support/random-machines.js';

describe('the learner', () => {
  const MACHINES = 40;

  test(`learns ${MACHINES} random machines of up to 30 states exactly (200 of them: test/e2e/learn.automata.test.ts)`, async () => {
    for (let seed = 1; seed <= MACHINES; seed++) await learnsExactly(seed);
  });

  test('with a reference asks little more than the words that test the reference', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const machine = randomMachineWithEnds(seed);
      const { words, machine: learned } = await learn({ teacher: teacherOf(machine), reference: machine });
      expect(minimized(learned)).toEqual(machine);
      expect(words).toBeLessThanOrEqual(wpWords(machine, 0).length);
    }
  });

  test.each([1, 2])(
    'finds %d hidden states with the Wp method of that depth, and not below',
    async (depth) => {
      // `b` answers differently behind so many `a`.
      const transition = (output: string, target: number) => ({ output, target });
      const before = Array.from({ length: depth }, (_, n) => [transition('x', n + 1), transition('y', 0)]);
      const machine = {
        inputs: ['a', 'b'],
        states: [...before, [transition('x', depth), transition('z', 0)]],
      };
      const shallow = await learn({ teacher: teacherOf(machine), depth: depth - 1 });
      const deep = await learn({ teacher: teacherOf(machine), depth });
      expect(shallow.machine.states).toHaveLength(1);
      expect(minimized(deep.machine)).toEqual(minimized(machine));
    },
  );

  test('with a reference that is wrong in some places, or of another system, learns the machine and not the reference', async () => {
    for (let seed = 1; seed <= 20; seed++) await learnsExactlyFromAnother(seed);
  });

  /** The words that learning alone takes, with an oracle that knows the machine. */
  const wordsOf = async (machine: Mealy, reference?: Mealy): Promise<number> => {
    const options = { teacher: teacherOf(machine), test: perfect(machine) };
    return (await learn({ ...options, ...(reference && { reference }) })).words;
  };

  test('asks fewer words with a reference that is wrong in one place than without one', async () => {
    const saved: number[] = [];
    for (let seed = 1; seed <= 15; seed++) {
      const reference = randomMachineWithEnds(seed);
      const machine = changed(reference, generator(seed), 1);
      saved.push(1 - (await wordsOf(machine, reference)) / (await wordsOf(machine)));
    }
    expect(saved.sort((one, other) => one - other)[7]).toBeGreaterThan(0.2);
  });

  test('begins with the words that lead to the states of the reference', async () => {
    const reference = randomMachineWithEnds(3);
    const teacher = teacherOf(reference);
    let first: readonly Word[] | undefined;
    const ask: Teacher['ask'] = (words, ...rest) => teacher.ask((first ??= words), ...rest);
    const cover = accessWords(reference).map((word) => word?.join(' '));
    await learn({ teacher: { ...teacher, ask }, reference, test: () => [] });
    for (const [input] of first ?? []) expect(cover).toContain(String(input));
  });

  test('passes the outputs that are known, up to the first new symbol', async () => {
    const machine = randomMachineWithEnds(3);
    const teacher = teacherOf(machine);
    let count = 0;
    const ask: Teacher['ask'] = (words, attempt, known) => {
      for (const [n, word] of words.entries()) {
        const outputs = known[n] ?? [];
        count += outputs.length;
        expect(outputs).toEqual(outputsOf(machine, word).slice(0, outputs.length));
      }
      return teacher.ask(words, attempt, known);
    };
    await learn({ teacher: { ...teacher, ask }, test: perfect(machine) });
    expect(count).toBeGreaterThan(0);
  });

  test('asks one of several words through an unknown transition, and the others only when it is not final', async () => {
    const machine = (output: string): Mealy => {
      const [loop, on] = [
        { output, target: 0 },
        { output, target: 1 },
      ];
      return {
        inputs: ['a', 'b'],
        states: [
          [loop, on],
          [on, { output: 'other', target: 0 }],
        ],
      };
    };
    const teacher = teacherOf(machine(CLOSED));
    const asked: Word[] = [];
    const ask: Teacher['ask'] = (words, attempt, known) => {
      if (attempt === 0) asked.push(...words);
      return teacher.ask(words, attempt, known);
    };
    await learn({ teacher: { ...teacher, ask }, reference: machine('open') });
    expect(asked.map(([first]) => first).sort()).toEqual([0, 1]);
  });

  test('asks nothing beyond a final output', async () => {
    const machine = randomMachineWithEnds(7);
    const teacher = teacherOf(machine);
    const asked: Word[] = [];
    const ask: Teacher['ask'] = (words, ...rest) => (asked.push(...words), teacher.ask(words, ...rest));
    await learn({ teacher: { ...teacher, ask }, test: perfect(machine) });
    const beyond = asked.filter((word) => outputsOf(machine, word).slice(0, -2).includes(CLOSED));
    // Words that separate states may run on: the teacher ends them. None begins behind an end.
    for (const word of beyond) expect(untilClosed(outputsOf(machine, word)).length).toBeLessThan(word.length);
    expect(asked.length).toBeGreaterThan(0);
  });
});

describe('published models', () => {
  test.each([
    ['openssl-1.0.2-server', 7, 75, 48],
    ['mosquitto', 18, 524, 317],
  ])(
    '%s is learned exactly: %d states in %d words, with a reference in %d',
    async (name, states, most, least) => {
      const text = readFileSync(`test/data/mealy/${name}.json`, 'utf8');
      const { inputs, states: all } = JSON.parse(text) as Mealy;
      const machine = minimized({ inputs, states: all });
      const learned = await learn({ teacher: teacherOf(machine), test: perfect(machine) });
      expect(learned.machine.states).toHaveLength(states);
      expect(minimized(learned.machine)).toEqual(machine);
      expect(learned.words).toBeLessThanOrEqual(most);
      const adaptive = await learn({ teacher: teacherOf(machine), reference: machine });
      expect(minimized(adaptive.machine)).toEqual(machine);
      expect(adaptive.words).toBeLessThanOrEqual(least);
    },
  );
});

describe('answers that vary', () => {
  const machine = randomMachine(4);

  /** Every `period`-th answer to a first symbol is wrong. */
  function unreliable(period: number, isWrong: (attempt: number) => boolean): Teacher {
    let count = 0;
    const correct = teacherOf(machine);
    return {
      ...correct,
      ask: async (words, attempt, known) => {
        const answers = await correct.ask(words, attempt, known);
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

  test('too often fail, after 500 contradictions', async () => {
    const teacher = unreliable(2, (attempt) => attempt === 0);
    const everyWord = (length: number): Word[] =>
      length === 0
        ? [[]]
        : everyWord(length - 1).flatMap((word) => machine.inputs.map((_, n) => [...word, n]));
    await expect(learn({ teacher, test: () => everyWord(7) })).rejects.toThrow(
      new LearningError('its answers vary too much to be learned'),
    );
  });
});

test('a system with endless states fails at the limit of words, which are all that is sent', async () => {
  let sent = 0;
  const endless: Teacher = {
    inputs: ['count'],
    isFinal: () => false,
    ask: (words) => {
      sent += words.length;
      return Promise.resolve(words.map((word) => word.map((_, n) => String(n))));
    },
  };
  await expect(learn({ teacher: endless, depth: 1, maxWords: 40 })).rejects.toThrow(
    new LearningError('its state machine was not found with 40 words'),
  );
  expect(sent).toBeGreaterThan(20);
  expect(sent).toBeLessThanOrEqual(40);
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
