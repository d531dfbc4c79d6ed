/**
 * The Wp method (Fujiwara et al. 1991): words that test a hypothesis. They find every difference of a system that has at most
 * `depth` states more than the hypothesis.
 */
import { accessWords, type Mealy, stateAfter, type Word } from './mealy.js';
import { separation } from './separating-words.js';

/**
 * Phase 1: an access word of each state, up to `depth` inputs, each word of the characterisation set. Phase 2: each transition, up
 * to `depth` inputs, the identifier of the expected state. A word ends at a final state. `preferred` words are used first to
 * distinguish states.
 */
export function wpWords(machine: Mealy, depth: number, preferred: readonly Word[] = []): Word[] {
  const { sets } = separation(machine, preferred);
  const all = sets.flat();
  const words = new Map<string, Word>();
  const add = (word: Word): void => void words.set(word.join(' '), word);
  for (const access of accessWords(machine)) {
    if (!access) continue;
    for (const middle of middles(machine, access, depth)) for (const word of all) add([...middle, ...word]);
    for (const middle of middles(machine, access, depth + 1)) {
      const set = sets[stateAfter(machine, middle)] ?? [];
      if (set.length === 0) add(middle);
      for (const word of set) add([...middle, ...word]);
    }
  }
  return withoutPrefixes([...words.values()]);
}

/** `access` followed by up to `length` inputs; nothing is appended at a final state, which has transitions to itself only. */
function middles(machine: Mealy, access: Word, length: number): Word[] {
  const words: Word[] = [access];
  let last: Word[] = [access];
  for (let n = 0; n < length; n++) {
    last = last.flatMap((word) =>
      isFinal(machine, stateAfter(machine, word)) ? [] : [...machine.inputs.keys()].map((i) => [...word, i]),
    );
    words.push(...last);
  }
  return words;
}

/** Whether a state sends nothing and has no transition to another state. */
export const isFinal = (machine: Mealy, state: number): boolean =>
  (machine.states[state] ?? []).every(({ output, target }) => output === '' && target === state);

/** Removes words that are prefixes of others: the answer to the longer word contains theirs. */
export function withoutPrefixes(words: readonly Word[]): Word[] {
  const prefixes = new Set<string>();
  for (const word of words)
    for (let end = 1; end < word.length; end++) prefixes.add(word.slice(0, end).join(' '));
  return words.filter((word) => !prefixes.has(word.join(' ')));
}
