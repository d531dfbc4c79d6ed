/** Reads the cases and the known differences from the files beside this one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { boundaryCases } from './boundaries/boundary-cases.js';
import { readVerdicts, type Verdicts } from './boundaries/verdicts.js';
import type { Case } from './case.js';
import { Malformed, readCases, withoutDuplicates } from './case-schema.js';
import { type KnownDifferences, readKnown } from './known-differences.js';

/** Data stay in `src`, also for the compiled program in `dist/src`. */
const DIRECTORIES = ['./', '../../../src/conformance/'];

function pathOf(name: string): string {
  const paths = DIRECTORIES.map((place) => fileURLToPath(new URL(place + name, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is missing from the installation`);
  return found;
}

/** The text of a file of this folder. */
export const textBeside = (name: string): string => readFileSync(pathOf(name), 'utf8');

function parse(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Malformed(`${name} is no JSON: ${(error as Error).message}`);
  }
}

/** Every case: those of the files, in the order of their names, then the boundaries of the messages. Throws {@link Malformed}. */
export const loadCases = (): readonly Case[] =>
  withoutDuplicates([...loadCaseFiles(), ...boundaryCases(loadVerdicts())]);

/** The cases of a folder's files. Throws {@link Malformed}. */
export function loadCaseFiles(folder = pathOf('cases')): readonly Case[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return withoutDuplicates(files.sort().flatMap((name) => readCases(parse(`${folder}/${name}`, name), name)));
}

/** The verdicts on the boundaries. Throws {@link Malformed}. */
export function loadVerdicts(path = pathOf('boundaries/verdicts.json')): Verdicts {
  return readVerdicts(parse(path, 'verdicts.json'), 'verdicts.json');
}

/** The known differences of other implementations. Throws {@link Malformed}. */
export function loadKnown(path = pathOf('known-differences.json')): readonly KnownDifferences[] {
  return readKnown(parse(path, 'known-differences.json'));
}
