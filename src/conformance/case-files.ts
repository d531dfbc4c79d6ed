/** Reads the cases and the known differences from the files in this directory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { boundaryCases } from './boundaries/boundary-cases.js';
import { readVerdicts, type Verdicts } from './boundaries/verdicts.js';
import type { Case } from './case.js';
import { Malformed, readCases, withoutDuplicates } from './case-schema.js';
import { type KnownDifferences, readKnown } from './known-differences.js';

/** The data files are in `src` only; the compiled program in `dist/src` reads them from there. */
const DIRECTORIES = ['./', '../../../src/conformance/'];

function pathOf(name: string): string {
  const paths = DIRECTORIES.map((place) => fileURLToPath(new URL(place + name, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is missing from the installation`);
  return found;
}

/** The text of a file in this directory. */
export const textOfFile = (name: string): string => readFileSync(pathOf(name), 'utf8');

function parse(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Malformed(`${name} is not JSON: ${(error as Error).message}`);
  }
}

/** Every case: those of the files, in the order of their names, then the boundaries of the messages. Throws {@link Malformed}. */
export const loadCases = (): readonly Case[] =>
  withoutDuplicates([...loadCaseFiles(), ...boundaryCases(loadVerdicts())]);

/** The cases in the files of a directory. Throws {@link Malformed}. */
export function loadCaseFiles(directory = pathOf('cases')): readonly Case[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return withoutDuplicates(
    files.sort().flatMap((name) => readCases(parse(`${directory}/${name}`, name), name)),
  );
}

/** The expected outcomes of the boundaries. Throws {@link Malformed}. */
export function loadVerdicts(path = pathOf('boundaries/verdicts.json')): Verdicts {
  return readVerdicts(parse(path, 'verdicts.json'), 'verdicts.json');
}

/** The known differences of other implementations. Throws {@link Malformed}. */
export function loadKnown(path = pathOf('known-differences.json')): readonly KnownDifferences[] {
  return readKnown(parse(path, 'known-differences.json'));
}
