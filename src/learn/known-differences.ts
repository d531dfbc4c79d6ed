/** Differences of other implementations from our chart that are known, each with its explanation. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelDifference } from './compare.js';

/** Some arrows of one implementation. */
export interface KnownDifference {
  /** A regular expression for its user agent. */
  readonly agent: string;
  /** The last input of the dialogue. */
  readonly input: string;
  /** What the implementation does instead; absent for any output. */
  readonly actual?: string;
  /** Which side is right, and why. */
  readonly explanation: string;
}

/** Data stay in `src`, also for the compiled program in `dist/src`. */
const PLACES = ['./known-differences.json', '../../../src/learn/known-differences.json'];

/** The list of the tree. */
export function loadKnownDifferences(): readonly KnownDifference[] {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) throw new Error('known-differences.json is missing from the installation');
  return JSON.parse(readFileSync(path, 'utf8')) as readonly KnownDifference[];
}

/** The explanation of a difference of a node with this user agent; undefined when there is none. */
export function explanationOf(
  { witness, actual }: ModelDifference,
  subver: string,
  known: readonly KnownDifference[],
): string | undefined {
  const input = witness.at(-1) ?? 'greeting';
  const fits = (one: KnownDifference): boolean =>
    one.input === input &&
    new RegExp(one.agent).test(subver) &&
    (one.actual === undefined || one.actual === actual.at(-1));
  return known.find(fits)?.explanation;
}
