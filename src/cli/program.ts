/** The verbs as one command line: help, errors in one sentence, exit codes. */
import { Command, CommanderError } from 'commander';
import { NAME, VERSION } from '../version.js';
import { bugReport, EXIT, EXIT_HELP, isUsage, Usage, usageSentence } from './exit-codes.js';
import type { Flags } from './options.js';
import { Output, type TextOutput } from './output.js';
import { normalised } from './core-option-syntax.js';
import { type VariableWord, wordsOfVariables } from './variables.js';
import type { Invocation, CliCommand } from './command.js';
import { helpFormat, type HelpTexts, widthOf, wrapped } from './help.js';
import { graceAfter } from './signals.js';

/** What the program takes from its process. */
export interface Surroundings {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: NodeJS.ProcessEnv;
  readonly interrupted: AbortSignal;
}

const EXAMPLES = [
  ['verack demo', 'a network on this machine: healthy peers, broken peers, and why each one ends'],
  ['verack probe node.example.org', 'is that node reachable, what does it say, how fast?'],
  ['verack connect --regtest 127.0.0.1', 'shake hands with your own node and stay connected'],
  ['verack listen --regtest --fault no-verack', 'be a peer that misbehaves'],
] as const;

const NOTES =
  'Every option can be a variable: VERACK_TIMEOUT=2000 is --timeout 2000. Flags win. ' +
  "Bitcoin Core's syntax is accepted: -regtest -timeout=2000 -connect=127.0.0.1 -norelay.";

/**
 * Runs a command line.
 *
 * @returns the exit code; nothing is thrown
 */
export async function run(
  args: readonly string[],
  verbs: readonly CliCommand[],
  around: Surroundings,
): Promise<number> {
  const result = { code: EXIT.ok as number };
  const program = programOf(verbs, around, result);
  let verb = '';
  let variables: VariableWord[] = [];
  try {
    const [first = '', ...rest] = withoutHelpVerb(normalised(args, program), verbs);
    if (first === '') return help(program, around);
    const command = program.commands.find((one) => one.name() === first);
    verb = command?.name() ?? '';
    if (command) variables = wordsOfVariables(around.env, command, rest);
    await program.parseAsync([first, ...variables.map(({ word }) => word), ...rest], { from: 'user' });
    return result.code;
  } catch (error) {
    return explain(error, `${NAME} ${verb}`.trim(), variables, around);
  }
}

/** `help foo` is `foo` when there is no such verb: an unknown command. */
function withoutHelpVerb(words: string[], verbs: readonly CliCommand[]): string[] {
  const [first, second = ''] = words;
  const isUnknown = second !== '' && second !== 'help' && !verbs.some(({ name }) => name === second);
  return first === 'help' && isUnknown ? words.slice(1) : words;
}

function help(program: Command, { stderr }: Surroundings): number {
  stderr.write(`${program.helpInformation({ error: true })}\n${EXIT_HELP}\n`);
  return EXIT.usage;
}

function explain(
  error: unknown,
  command: string,
  variables: readonly VariableWord[],
  { stderr }: Surroundings,
): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (isUsage(error)) {
    const sentence = printable(usageSentence(error)).replace(/([^.?])$/, '$1.');
    const source = variables.find(({ option }) => sentence.includes(`option '${option.flags}'`));
    const from = source === undefined ? '' : ` The value is from ${source.variable}.`;
    stderr.write(`${command}: ${sentence}${from} See "${command} --help".\n`);
    return EXIT.usage;
  }
  stderr.write(`${bugReport(error)}\n`);
  return EXIT.bug;
}

/** Arguments may come from anywhere too. */
// eslint-disable-next-line no-control-regex
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

/** The definition of the whole command line, from which help and completion come. */
function programOf(verbs: readonly CliCommand[], around: Surroundings, result: { code: number }): Command {
  const program = new Command(NAME);
  program
    .description('The Bitcoin peer-to-peer handshake as an explicit state machine.')
    .usage('VERB [targets] [options]')
    .version(`${NAME} ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print the help, of a verb too')
    .addHelpText(
      'after',
      ({ error: isError }) =>
        `\n${EXIT_HELP}\n\n${wrapped(NOTES, widthOf(isError ? around.stderr : around.stdout))}`,
    );
  configure(program, around, { examples: EXAMPLES });
  for (const verb of verbs) {
    const command = commandOf(verb).action((...received: unknown[]) =>
      perform(verb, jobOf(verb, received, program, around), result),
    );
    configure(command, around, verb);
    program.addCommand(command);
  }
  return program;
}

/** Help on stdout, nothing on its own on stderr, exceptions instead of exits. */
function configure(command: Command, { stdout, stderr }: Surroundings, texts: HelpTexts): void {
  command
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => widthOf(stdout),
      getErrHelpWidth: () => widthOf(stderr),
    })
    .configureHelp(helpFormat(texts))
    .exitOverride((error) => {
      if (error.exitCode === 0) throw error;
      throw new Usage(sentenceOf(error, command));
    });
}

/** "error: unknown option '--onse'\n(Did you mean --once?)" becomes "connect: unknown option '--onse', did you mean --once?" */
function sentenceOf({ message }: CommanderError, command: Command): string {
  const [what = '', suggestion = ''] = message.replace(/^error: /, '').split('\n');
  const meant = suggestion.replace(/^\((.*)\)$/, '$1').replace(/^Did/, 'did');
  const verbs =
    what.startsWith('unknown command') && meant === ''
      ? `the verbs are ${command.commands.map((verb) => verb.name()).join(', ')}`
      : meant;
  return `${what.replace(/\.$/, '')}${verbs === '' ? '' : `; ${verbs}`}`;
}

function commandOf(verb: CliCommand): Command {
  const command = new Command(verb.name).description(verb.about);
  for (const operand of verb.operands) command.addArgument(operand);
  for (const option of verb.options) command.addOption(option);
  return command;
}

/** Commander hands over the operands one by one, then the options, then the command. */
function jobOf(
  verb: CliCommand,
  received: readonly unknown[],
  program: Command,
  { interrupted, ...around }: Surroundings,
): Invocation {
  const flags = received.at(-2) as Flags;
  const operands = received
    .slice(0, -2)
    .flat()
    .filter((word): word is string => typeof word === 'string');
  const { json = false, quiet = false, verbose = 0, color = 'auto', log = 'pretty' } = flags;
  return {
    operands,
    flags,
    out: new Output({ ...around, json, quiet, verbose, color, log, isFinite: verb.isOneShot(flags) }),
    interrupted,
    program,
  };
}

async function perform(verb: CliCommand, job: Invocation, result: { code: number }): Promise<void> {
  const isOneShot = verb.isOneShot(job.flags);
  try {
    result.code = await Promise.race([verb.run(job), graceAfter(job.interrupted).then(() => EXIT.ok)]);
  } catch (error) {
    if (!(isOneShot && job.interrupted.aborted)) throw error;
  }
  if (isOneShot && job.interrupted.aborted) result.code = EXIT.interrupted;
}
