/** The learned models of the nodes that could be installed: the implementations that `identify` can name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Model, readModel } from './model.js';

/** A model with the name of its implementation. */
export interface KnownModel {
  /** Implementation and version, `bcoin 1.0`; several models may share one. */
  readonly label: string;
  /** The options that it was started with, beyond those of every node that is learned. */
  readonly settings: string;
  readonly model: Model;
}

/** Data stay in `src`, also for the compiled program in `dist/src`. */
const PLACES = ['./models/', '../../../src/learn/models/'];

/** Where the models of the package are: one JSON file each. */
export function modelFolder(): string {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) throw new Error('the learned models are missing from the installation');
  return path;
}

/** The models of the package, in the order of their file names. */
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
