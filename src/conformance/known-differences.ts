/** Known differences: what other implementations are known to do in another way, and why. */
import { Malformed } from './case-schema.js';
import { listOf, object, recordOf, type Validator, text } from './json-schema.js';

/** The differences of one implementation. */
export interface KnownDifferences {
  readonly implementation: string;
  /** Matches its user agent. */
  readonly agent: string;
  /** Why a case fails there, by its id. */
  readonly cases: Readonly<Record<string, string>>;
}

const pattern: Validator = (value, at) => {
  try {
    return text(value, at) ?? (new RegExp(String(value)), undefined);
  } catch {
    return `${at} should be a regular expression`;
  }
};

const form = listOf(object({ implementation: text, agent: pattern, cases: recordOf(text) }));

/** Throws {@link Malformed}. */
export function readKnown(value: unknown): readonly KnownDifferences[] {
  const wrong = form(value, 'known-differences.json');
  if (wrong !== undefined) throw new Malformed(wrong);
  return value as readonly KnownDifferences[];
}

/** The differences that are known of a node with this user agent, reasons by case id. */
export function knownOf(known: readonly KnownDifferences[], subver: string): ReadonlyMap<string, string> {
  const mine = known.filter(({ agent }) => new RegExp(agent).test(subver));
  return new Map(mine.flatMap(({ cases }) => Object.entries(cases)));
}
