/** Known differences: what other implementations are known to do in another way, and why. */
import { matchesId } from './case-ids.js';
import { Malformed } from './case-schema.js';
import { listOf, object, recordOf, type Validator, text } from '../json/validators.js';

/** The differences of one implementation. */
export interface KnownDifferences {
  readonly implementation: string;
  /** Matches its user agent. */
  readonly agent: string;
  /** Why a case fails there, by its id or by a pattern of ids. */
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

/** The differences that are known of a node with this user agent, reasons by pattern of case ids. */
export function knownOf(known: readonly KnownDifferences[], subver: string): ReadonlyMap<string, string> {
  const mine = known.filter(({ agent }) => new RegExp(agent).test(subver));
  return new Map(mine.flatMap(({ cases }) => Object.entries(cases)));
}

/** Why this case is known to fail; undefined when it is not. An id itself counts before the patterns that match it. */
export function reasonFor(known: ReadonlyMap<string, string>, id: string): string | undefined {
  const pattern = [...known.keys()].find((one) => matchesId(id, one));
  return known.get(id) ?? (pattern === undefined ? undefined : known.get(pattern));
}
