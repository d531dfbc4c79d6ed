/** `verack diagram`: shows a machine. The pictures are compiled from the machines and shipped with the package. */
import { Argument } from 'commander';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT, Usage } from './exit-codes.js';
import { offering, outputOptions, valued } from './options.js';
import { oneOf } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';

const ENDINGS = { mermaid: 'mmd', svg: 'svg', json: 'json' } as const;
type Format = keyof typeof ENDINGS;

/** From `dist/src/cli` and from `src/cli` alike, next to package.json. */
function directory(): string {
  const places = ['../../diagrams/', '../../../diagrams/'].map((up) =>
    fileURLToPath(new URL(up, import.meta.url)),
  );
  const found = places.find((place) => existsSync(`${place}peer.json`));
  if (found === undefined) throw new Error('the diagrams are missing from the installation');
  return found;
}

const machines = (): string[] =>
  readdirSync(directory())
    .filter((file) => file.endsWith('.mmd'))
    .map((file) => file.slice(0, -'.mmd'.length));

export const diagramCommand: CliCommand = {
  name: 'diagram',
  about: 'show a state machine',
  examples: [
    ['verack diagram', 'the peer machine as Mermaid text'],
    ['verack diagram supervisor --format svg > supervisor.svg', 'a picture'],
  ],
  operands: [new Argument('[machine]', 'peer (the default), supervisor, …')],
  options: [
    offering(
      valued('--format <format>', 'mermaid (the default), svg or json', oneOf('mermaid', 'svg', 'json')),
      'mermaid',
      'svg',
      'json',
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
    throw new Usage(`no machine "${machine}"; the machines are ${machines().join(', ')}`);
  const format = flags.json ? 'json' : ((flags.format ?? 'mermaid') as Format);
  const text = readFileSync(`${directory()}${machine}.${ENDINGS[format]}`, 'utf8');
  if (flags.json) out.object(JSON.parse(text) as object);
  else out.raw(text);
  return EXIT.ok;
}
