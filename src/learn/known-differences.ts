/** Differences of other implementations from our chart that are known, each with its explanation. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelDifference } from './compare.js';
import type { Model } from './model.js';

/** Some transitions of one implementation. All that is given must fit. */
export interface KnownDifference {
  /** A regular expression for its user agent. */
  readonly agent: string;
  /** Default: every connection. */
  readonly connection_type?: Model['connection_type'];
  readonly transport?: Model['transport'];
  /** The states of our chart before the last input. */
  readonly states: readonly string[];
  /** The last input of the transcript; empty for what is sent before any input. */
  readonly inputs: readonly string[];
  /** An input that the transcript must contain before the last one. */
  readonly after?: string;
  /** What our chart does. */
  readonly expected: readonly string[];
  /** What the implementation does instead. */
  readonly actual: readonly string[];
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

/** The explanation of a difference of a node; undefined when there is none. */
export function explanationOf(
  { witness, expected, actual, state }: ModelDifference,
  { node, connection_type, transport }: Pick<Model, 'node' | 'connection_type' | 'transport'>,
  known: readonly KnownDifference[],
): string | undefined {
  const isOfNode = (one: KnownDifference): boolean =>
    new RegExp(one.agent).test(node.subver) &&
    (one.connection_type ?? connection_type) === connection_type &&
    (one.transport ?? transport) === transport;
  const fits = (one: KnownDifference): boolean =>
    one.states.includes(state) &&
    one.inputs.includes(witness.at(-1) ?? '') &&
    one.expected.includes(expected.at(-1) ?? '') &&
    one.actual.includes(actual.at(-1) ?? '') &&
    (one.after === undefined || witness.slice(0, -1).includes(one.after));
  return known.find((one) => isOfNode(one) && fits(one))?.explanation;
}
