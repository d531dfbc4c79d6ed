/** Checks the names of options, and values out of a list, at run time, for callers who use JavaScript without TypeScript's checks. */
import { VerackError } from '../reasons.js';

/** The Levenshtein distance: the number of characters to insert, delete or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j += 1) {
      const replace = row[j - 1]! + (letter === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replace));
    }
    row = next;
  }
  return row.at(-1)!;
}

/** The name with the smallest edit distance from `word`; undefined when that is above 2 and above a third of the word's length. */
export function nearestName<N extends string>(word: string, names: readonly N[]): N | undefined {
  const ranked = names.map((name) => ({ name, edits: distance(word, name) }));
  ranked.sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best && best.edits <= Math.max(2, word.length / 3) ? best.name : undefined;
}

/** Throws `ERR_LOCAL_ARGUMENT` for a text that is not in a list, with the nearest one, or with all of them when none is near. */
function refuse(text: string, why: string, listed: string, names: readonly string[]): never {
  const value = text.slice(0, 80);
  const near = nearestName(value.slice(0, 40), names);
  const hint = near === undefined ? `the ${listed} are ${names.join(', ')}` : `did you mean ${near}?`;
  throw new VerackError('ERR_LOCAL_ARGUMENT', { value, why: `${why}; ${hint}` });
}

/**
 * @param known - an object whose keys are the names of all options
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` and `why` for the first key of `options` that is not in `known`
 */
export function checkOptionNames(options: object, known: object): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) refuse(unknown, 'there is no such option', 'options', Object.keys(known));
}

/**
 * Checks the value of an option that has a list of values; undefined stands for the default.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` with facts `value` and `why` when `value` is not one of `choices`
 */
export function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value))
    refuse(String(value), `${name} has no such value`, 'values', choices);
}
