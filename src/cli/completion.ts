/** `verack completion`: prints a shell script that completes verbs, options and their values. */
import { Argument, type Command, type Option } from 'commander';
import { EXIT, Usage } from './exit-codes.js';
import { outputOptions } from './options.js';
import { type CompletedOption, type CompletedVerb, completionScript, SHELLS } from './completion-scripts.js';
import type { Invocation, CliCommand } from './command.js';

const shell = new Argument('<shell>', SHELLS.join(', '));
shell.argChoices = [...SHELLS];

export const completionCommand: CliCommand = {
  name: 'completion',
  about: 'print the completion script of a shell',
  examples: [
    ['source <(verack completion bash)', 'for this shell; or write it to /etc/bash_completion.d/verack'],
    ['verack completion fish > ~/.config/fish/completions/verack.fish', 'for every new shell'],
  ],
  operands: [shell],
  options: [...outputOptions()],
  isOneShot: () => true,
  run,
};

// eslint-disable-next-line @typescript-eslint/require-await
async function run({ operands, program, out }: Invocation): Promise<number> {
  const wanted = SHELLS.find((name) => name === operands[0]);
  if (wanted === undefined)
    throw new Usage(`there is no completion for "${operands[0] ?? ''}"; the shells are ${SHELLS.join(', ')}`);
  out.raw(completionScript(wanted, program.name(), program.commands.map(described)));
  return EXIT.ok;
}

const described = (command: Command): CompletedVerb => ({
  name: command.name(),
  about: command.description(),
  options: [...command.options.filter(({ hidden }) => !hidden).map(option), HELP],
  operands: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  takesFiles: command.registeredArguments.some((argument) => /^files?$/.test(argument.name())),
});

const HELP: CompletedOption = {
  names: ['-h', '--help'],
  about: 'print the help',
  takesValue: false,
  takesFile: false,
  values: [],
};

const option = ({ short, long, flags, description, required, argChoices = [] }: Option): CompletedOption => ({
  names: [short, long].filter((name) => name !== undefined),
  about: description,
  takesValue: required,
  takesFile: /<(files?|directory)(\.\.\.)?>/.test(flags),
  values: argChoices,
});
