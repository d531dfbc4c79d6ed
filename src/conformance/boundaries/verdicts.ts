/**
 * The verdicts (expected outcomes) of the boundaries: recorded from a run of Bitcoin Core or Knots, or taken from Core's
 * source or a BIP if no program with the behaviour could be run. `npm run verdicts` writes the recorded part.
 */
import { EVIDENCE, type Evidence } from '../case.js';
import { Malformed } from '../case-schema.js';
import { object, oneOf, recordOf, text } from '../../json/validators.js';

/** A verdict that was not recorded from a run. */
export interface StatedVerdict {
  readonly outcome: string;
  readonly evidence: Exclude<Evidence, 'run'>;
  /** The BIP, or the function of Core. */
  readonly source: string;
}

/** The contents of `verdicts.json`. */
export interface Verdicts {
  readonly about: string;
  /** The program that was run: its name and version. */
  readonly program: string;
  /** By id: the digest of what was sent, and the outcome. */
  readonly run: Readonly<Record<string, string>>;
  readonly stated: Readonly<Record<string, StatedVerdict>>;
}

const stated = object({
  outcome: text,
  evidence: oneOf(...EVIDENCE.filter((word) => word !== 'run')),
  source: text,
});
const file = object({ about: text, program: text, run: recordOf(text), stated: recordOf(stated) });

/** Validates the contents of the file. Throws {@link Malformed}. */
export function readVerdicts(value: unknown, name: string): Verdicts {
  const wrong = file(value, name);
  if (wrong !== undefined) throw new Malformed(wrong);
  return value as Verdicts;
}
