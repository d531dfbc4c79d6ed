/** The completion scripts offer what the options and operands of each verb may be; bash runs its script in e2e/cli.commands. */
import { expect, test } from '@jest/globals';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { SHELLS, type Shell } from '../src/cli/completion-scripts.js';
import { V2_FAULT_NAMES } from '../src/connection/v2-faults.js';
import { FAULT_NAMES } from '../src/net/faults/faults.js';
import { ran } from './support/command-line.js';

const scripts = new Map<Shell, string>();
for (const shell of SHELLS) scripts.set(shell, (await ran(`completion ${shell}`, CLI_COMMANDS)).stdout);

/** The lines of a verb: in zsh those between its pattern and the next, in the others those that name it. */
function linesOf(shell: Shell, verb: string): string[] {
  const script = scripts.get(shell) ?? '';
  const [, block = ''] = shell === 'zsh' ? script.split(`\n    ${verb})\n`) : [];
  if (shell === 'zsh') return (block.split(';;\n')[0] ?? '').split('\n');
  const named = shell === 'fish' ? `__fish_seen_subcommand_from ${verb}'` : `${verb},`;
  return script.split('\n').filter((line) => line.includes(named));
}

/** What an option completes to: its line. */
function lineOf(shell: Shell, verb: string, option: string): string {
  const named = { bash: `${verb},--${option}`, zsh: `*--${option}=`, fish: ` -l ${option} ` }[shell];
  return linesOf(shell, verb).find((line) => line.includes(named)) ?? '';
}

test.each(SHELLS)('%s offers every fault', (shell) => {
  for (const verb of ['connect', 'listen'])
    for (const fault of [...FAULT_NAMES, ...V2_FAULT_NAMES])
      expect(lineOf(shell, verb, 'fault')).toMatch(new RegExp(`[ '(]${fault}[= ')]`));
});

test.each(SHELLS)('%s offers every machine', (shell) => {
  expect(linesOf(shell, 'diagram').join('\n')).toContain('crawl outbound peer supervisor transport');
});

const FILES = { bash: '_verack_files', zsh: '_files', fish: ' -F' };

test.each(SHELLS)('%s offers files for each option and operand that takes one', (shell) => {
  const options = CLI_COMMANDS.flatMap(({ name, options }) =>
    options
      .filter(({ flags }) => /<(files?|directory)\W/.test(flags))
      .map(({ long }) => lineOf(shell, name, long?.slice(2) ?? '')),
  );
  expect(options.length).toBeGreaterThan(15);
  for (const line of options) expect(line).toContain(FILES[shell]);
  for (const verb of ['replay', 'crawl'])
    expect(linesOf(shell, verb).some((line) => !/--|-l /.test(line) && line.includes(FILES[shell]))).toBe(
      true,
    );
});

/** The values that an option accepts, from its refusal of any other; empty when they are not a closed list. */
function acceptedBy(parse: ((value: string, before: never) => unknown) | undefined): string[] {
  try {
    parse?.('?', undefined as never);
    return [];
  } catch (error) {
    return /takes one of (.*)\.$/.exec(String(error))?.[1]?.split(', ') ?? [];
  }
}

test('options that accept a closed list of values complete to it', () => {
  const closed = CLI_COMMANDS.flatMap(({ name, options }) =>
    options
      .filter(({ parseArg }) => acceptedBy(parseArg).length > 0)
      .map(({ long, parseArg, argChoices }) => [name, long, acceptedBy(parseArg), argChoices] as const),
  );
  expect(closed.length).toBeGreaterThan(20);
  expect(closed.filter(([, , values, choices]) => String(values) !== String(choices))).toEqual([]);
});
