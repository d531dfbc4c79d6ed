/** Loads the learned models that come with the package: the implementations that `identify` can recognise. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Model, readModel } from './model.js';

/** A model with the name of its implementation. */
export interface KnownModel {
  /** Implementation and version, `bcoin 1.0`; several models may share one. */
  readonly label: string;
  /** The options with which the node was started, in addition to those that all learned nodes had. */
  readonly settings: string;
  readonly model: Model;
}

/** The data files are not copied to `dist/src`, so the compiled program reads them from `src`. */
const PLACES = ['./models/', '../../../src/learn/models/'];

/** The directory of the models, one JSON file each. Throws an `Error` when it is missing. */
export function modelFolder(): string {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) throw new Error('the learned models are missing from the installation');
  return path;
}

/** The models of a directory, in the order of their file names. Throws an `Error` for a file that is not a model. */
export function loadKnownModels(folder = modelFolder()): readonly KnownModel[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => read(join(folder, file)));
}

function read(path: string): KnownModel {
  const { label, settings, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const model = readModel(rest, path);
  if (typeof model === 'string') throw new Error(model);
  return { label: String(label), settings: String(settings), model };
}
