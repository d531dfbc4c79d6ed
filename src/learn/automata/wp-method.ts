/**
 * Words that test a hypothesis: the Wp method (Fujiwara et al. 1991). They find every fault of a system with at most
 * `depth` states more than the hypothesis.
 */
import { accessWords, type Mealy, stateAfter, type Word } from './mealy.js';
import { separation } from './separating-words.js';

/**
 * Phase 1: every state, `depth` inputs, the whole characterisation set. Phase 2: every transition, `depth` inputs, the identifier
 * of the state that is expected there. Final states end a word. Of `preferred` words, those that separate states are used first.
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

/** `access` followed by up to `length` inputs; nothing follows a final state, which only has transitions to itself. */
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

/** A state that does nothing and cannot be left. */
export const isFinal = (machine: Mealy, state: number): boolean =>
  (machine.states[state] ?? []).every(({ output, target }) => output === '' && target === state);

/** A word that begins another one is answered with it. */
export function withoutPrefixes(words: readonly Word[]): Word[] {
  const prefixes = new Set<string>();
  for (const word of words)
    for (let end = 1; end < word.length; end++) prefixes.add(word.slice(0, end).join(' '));
  return words.filter((word) => !prefixes.has(word.join(' ')));
}
