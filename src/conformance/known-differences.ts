/** Known differences: cases that other implementations are known to fail, with the reasons. */
import { matchesId } from './case-ids.js';
import { Malformed } from './case-schema.js';
import { listOf, object, recordOf, type Validator, text } from '../json/validators.js';

/** The differences of one implementation. */
export interface KnownDifferences {
  readonly implementation: string;
  /** A regular expression for its user agent. */
  readonly agent: string;
  /** The reason why a case fails, by the id of the case or a glob of ids. */
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

/** Validates the list of known differences. Throws {@link Malformed}. */
export function readKnown(value: unknown): readonly KnownDifferences[] {
  const wrong = form(value, 'known-differences.json');
  if (wrong !== undefined) throw new Malformed(wrong);
  return value as readonly KnownDifferences[];
}

/** The known differences of a node with this user agent: reasons by id or glob. */
export function knownOf(known: readonly KnownDifferences[], subver: string): ReadonlyMap<string, string> {
  const mine = known.filter(({ agent }) => new RegExp(agent).test(subver));
  return new Map(mine.flatMap(({ cases }) => Object.entries(cases)));
}

/** The reason why a case is known to fail; undefined if it is not. An exact id takes precedence over globs. */
export function reasonFor(known: ReadonlyMap<string, string>, id: string): string | undefined {
  const pattern = [...known.keys()].find((one) => matchesId(id, one));
  return known.get(id) ?? (pattern === undefined ? undefined : known.get(pattern));
}
