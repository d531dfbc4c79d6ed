/** Words that distinguish the states of a Mealy machine. */
import { type Transition, transitionOf, type Mealy, outputsOf, type Word } from './mealy.js';

/** A shortest word on which two states answer differently; undefined when there is none. */
export function separatingWord(machine: Mealy, one: number, other: number): Word | undefined {
  const seen = new Set<string>();
  const queue: { pair: readonly [number, number]; word: Word }[] = [{ pair: [one, other], word: [] }];
  for (const { pair, word } of queue) {
    for (const input of machine.inputs.keys()) {
      const [a, b] = pair.map((state) => transitionOf(machine, state, input)) as [Transition, Transition];
      if (a.output !== b.output) return [...word, input];
      const key = a.target < b.target ? `${a.target} ${b.target}` : `${b.target} ${a.target}`;
      if (a.target === b.target || seen.has(key)) continue;
      seen.add(key);
      queue.push({ pair: [a.target, b.target], word: [...word, input] });
    }
  }
  return undefined;
}

/** Words that distinguish the states of a machine. */
interface Separation {
  /** All words, in the order in which they were found. */
  readonly words: readonly Word[];
  /** For each state the words that distinguish it from every other state. */
  readonly sets: readonly Word[][];
}

/**
 * Finds words that distinguish all pairs of states. A word that distinguishes several pairs is used for all of them, so that the
 * sets stay small; `preferred` words are tried before new ones.
 */
export function separation(machine: Mealy, preferred: readonly Word[] = []): Separation {
  const words = [...preferred];
  const sets = machine.states.map(() => [] as Word[]);
  for (const one of machine.states.keys()) {
    for (let other = 0; other < one; other++) separate(machine, [one, other], sets, words);
  }
  return { words, sets };
}

/** For each state a set of words that distinguishes it from every other state (the state identifiers of the Wp method). */
export const identifiers = (machine: Mealy): readonly Word[][] => separation(machine).sets;

/** Adds a word that distinguishes one pair of states: an existing one if possible, else a new one. */
function separate(
  machine: Mealy,
  pair: readonly [number, number],
  sets: readonly Word[][],
  shared: Word[],
): void {
  const isSeparating = (word: Word): boolean => distinguishes(machine, word, pair);
  let word = shared.find(isSeparating);
  if (!word) {
    word = separatingWord(machine, ...pair);
    if (!word) return;
    shared.push(word);
  }
  for (const state of pair) {
    const set = sets[state];
    if (set && !set.some(isSeparating)) set.push(word);
  }
}

function distinguishes(machine: Mealy, word: Word, [one, other]: readonly [number, number]): boolean {
  const [a, b] = [outputsOf(machine, word, one), outputsOf(machine, word, other)];
  return a.some((output, n) => output !== b[n]);
}
