/** Reads the cases and the known differences from the files beside this one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

function parse(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Malformed(`${name} is no JSON: ${(error as Error).message}`);
  }
}

/** Every case of the tree, by file name, in the order of the files. Throws {@link Malformed}. */
export function loadCases(folder = pathOf('cases')): readonly Case[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return withoutDuplicates(files.sort().flatMap((name) => readCases(parse(`${folder}/${name}`, name), name)));
}

/** The known differences of other implementations. Throws {@link Malformed}. */
export function loadKnown(path = pathOf('known-differences.json')): readonly KnownDifferences[] {
  return readKnown(parse(path, 'known-differences.json'));
}
