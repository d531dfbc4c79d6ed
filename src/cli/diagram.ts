/** `verack diagram`: prints a state machine in one of several formats, from files that are generated from the machines. */
import { Argument } from 'commander';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT, Usage } from './exit-codes.js';
import { withChoices, outputOptions, valued } from './options.js';
import { oneOf } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';

/** Format → file name extension. */
const EXTENSIONS = {
  mermaid: 'mmd',
  svg: 'svg',
  overview: 'overview.svg',
  json: 'json',
  xstate: 'xstate.json',
} as const;
type Format = keyof typeof EXTENSIONS;
const FORMATS = Object.keys(EXTENSIONS) as Format[];

/** The directory `diagrams` next to package.json, whether this file runs from `dist/src/cli` or `src/cli`. */
function directory(): string | undefined {
  const places = ['../../diagrams/', '../../../diagrams/'].map((up) =>
    fileURLToPath(new URL(up, import.meta.url)),
  );
  return places.find((place) => existsSync(`${place}peer.json`));
}

/** The names of the machines; none in a bundle, which does not contain the files. */
const machines = (path = directory()): string[] =>
  (path === undefined ? [] : readdirSync(path))
    .filter((file) => file.endsWith('.mmd'))
    .map((file) => file.slice(0, -'.mmd'.length));

const machine = new Argument('[machine]', 'peer (the default), supervisor, …');
machine.argChoices = machines();

export const diagramCommand: CliCommand = {
  name: 'diagram',
  about: 'print a state machine',
  examples: [
    ['verack diagram', 'the peer machine as Mermaid text'],
    ['verack diagram supervisor --format svg > supervisor.svg', 'an image'],
    ['verack diagram peer --format xstate', 'the config as JSON, for the Stately editor'],
  ],
  operands: [machine],
  options: [
    withChoices(
      valued(
        '--format <format>',
        'mermaid (the default); svg; overview: an SVG with less text; json: states and transitions with their messages and ' +
          'reason codes; xstate: the config, as createMachine and the Stately editor accept it',
        oneOf(...FORMATS),
      ),
      ...FORMATS,
    ),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run,
};

// eslint-disable-next-line @typescript-eslint/require-await
async function run({ operands, flags, out }: Invocation): Promise<number> {
  const [machine = 'peer'] = operands;
  if (!machines().includes(machine))
    throw new Usage(`there is no machine "${machine}"; the machines are ${machines().join(', ')}`);
  const format = flags.json ? 'json' : ((flags.format ?? 'mermaid') as Format);
  const text = readFileSync(`${directory() ?? ''}${machine}.${EXTENSIONS[format]}`, 'utf8');
  if (flags.json) out.object(JSON.parse(text) as object);
  else out.raw(text);
  return EXIT.ok;
}
