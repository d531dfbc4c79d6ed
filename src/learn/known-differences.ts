/** Known differences of other implementations from our chart, each with an explanation. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelDifference } from './compare.js';
import type { Model } from './model.js';

/** An entry of the list. It applies to a difference that matches all of its fields. */
export interface KnownDifference {
  /** A regular expression for the user agent of the implementation. */
  readonly agent: string;
  /** Default: every connection. */
  readonly connection_type?: Model['connection_type'];
  readonly transport?: Model['transport'];
  /** The states of our chart before the last input. */
  readonly states: readonly string[];
  /** The last input of the word; empty text for the output before any input. */
  readonly inputs: readonly string[];
  /** An input that the word must contain before the last one. */
  readonly after?: string;
  /** The outputs of our chart. */
  readonly expected: readonly string[];
  /** The outputs of the implementation. */
  readonly actual: readonly string[];
  /** Which side is right, and why. */
  readonly explanation: string;
}

/** The data files are not copied to `dist/src`, so the compiled program reads them from `src`. */
const PLACES = ['./known-differences.json', '../../../src/learn/known-differences.json'];

/** Reads `known-differences.json`. Throws an `Error` when the file is missing or is not JSON. */
export function loadKnownDifferences(): readonly KnownDifference[] {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) throw new Error('known-differences.json is missing from the installation');
  return JSON.parse(readFileSync(path, 'utf8')) as readonly KnownDifference[];
}

/** The explanation of a difference between our chart and a node; undefined when no entry matches. */
export function explanationOf(
  { word, expected, actual, state }: ModelDifference,
  { node, connection_type, transport }: Pick<Model, 'node' | 'connection_type' | 'transport'>,
  known: readonly KnownDifference[],
): string | undefined {
  const isOfNode = (one: KnownDifference): boolean =>
    new RegExp(one.agent).test(node.subver) &&
    (one.connection_type ?? connection_type) === connection_type &&
    (one.transport ?? transport) === transport;
  const fits = (one: KnownDifference): boolean =>
    one.states.includes(state) &&
    one.inputs.includes(word.at(-1) ?? '') &&
    one.expected.includes(expected.at(-1) ?? '') &&
    one.actual.includes(actual.at(-1) ?? '') &&
    (one.after === undefined || word.slice(0, -1).includes(one.after));
  return known.find((one) => isOfNode(one) && fits(one))?.explanation;
}
