/** The command line: parsing, help, error messages and exit codes of all verbs. */
import { Command, CommanderError } from 'commander';
import { hintOf, NAME, REASONS, reasonOf, VerackError, VERSION } from '../index.js';
import { bugReport, EXIT, EXIT_HELP, isUsage, Usage, usageSentence } from './exit-codes.js';
import type { Flags } from './options.js';
import { Output, type TextOutput } from './output.js';
import { normalized } from './core-option-syntax.js';
import { type VariableWord, wordsOfVariables } from './variables.js';
import type { Invocation, CliCommand } from './command.js';
import { helpFormat, type HelpTexts, listText, widthOf, wrapped } from './help.js';
import { graceAfter } from './signals.js';
import { fileRefusalOf } from './system-codes.js';
import { withoutControls } from './terminal-text.js';

/** The parts of the process that the program uses. */
export interface ProcessContext {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: NodeJS.ProcessEnv;
  readonly interrupted: AbortSignal;
}

const EXAMPLES = [
  ['verack demo', 'run healthy and faulty peers on this machine, and show why each connection ends'],
  [
    'verack probe node.example.org',
    'test whether a node is reachable, what it announces and how fast it answers',
  ],
  ['verack connect --regtest 127.0.0.1', 'connect to your own node and stay connected'],
  ['verack listen --regtest --fault no-verack', 'accept connections and inject a fault'],
] as const;

const NOTES =
  'Each option can be set by an environment variable: VERACK_TIMEOUT=2000 is --timeout 2000. The command line takes precedence. ' +
  "Bitcoin Core's syntax is accepted: -regtest -timeout=2000 -connect=127.0.0.1 -norelay.";

/**
 * Runs a command line.
 *
 * @returns the exit code; never rejects
 */
export async function run(
  args: readonly string[],
  verbs: readonly CliCommand[],
  context: ProcessContext,
): Promise<number> {
  const outcome = { code: EXIT.ok as number };
  const program = programOf(verbs, context, outcome);
  let verb = '';
  let variables: VariableWord[] = [];
  try {
    const [first = '', ...rest] = withoutHelpVerb(normalized(args, program), verbs);
    if (first === '') return help(program, context);
    const command = program.commands.find((one) => one.name() === first);
    verb = command?.name() ?? '';
    if (command) variables = wordsOfVariables(context.env, command, rest);
    await program.parseAsync([first, ...variables.map(({ word }) => word), ...rest], { from: 'user' });
    return outcome.code;
  } catch (error) {
    return reportError(error, `${NAME} ${verb}`.trim(), variables, context);
  }
}

/**
 * Rewrites `help foo` to `foo` when there is no such verb, so that the error is about an unknown command, and `help help`
 * to `help`.
 */
function withoutHelpVerb(words: string[], verbs: readonly CliCommand[]): string[] {
  const [first, second = ''] = words;
  const isUnknown = second !== '' && !verbs.some(({ name }) => name === second);
  return first === 'help' && isUnknown ? words.slice(1) : words;
}

function help(program: Command, { stderr }: ProcessContext): number {
  const codes = listText(EXIT_HELP, widthOf(stderr));
  stderr.write(`${program.helpInformation({ error: true })}\n${codes}\n`);
  return EXIT.usage;
}

function reportError(
  error: unknown,
  command: string,
  variables: readonly VariableWord[],
  { stderr }: ProcessContext,
): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (isUsage(error)) {
    const sentence = withoutControls(usageSentence(error)).replace(/([^.?])$/, '$1.');
    const source = variables.find(({ option }) => sentence.includes(`option '${option.flags}'`));
    const from = source === undefined ? '' : ` The value is from ${source.variable}.`;
    stderr.write(`${command}: ${sentence}${from} See "${command} --help".\n`);
    return EXIT.usage;
  }
  const refusal = fileRefusalOf(error);
  if (refusal) {
    stderr.write(`${command}: ${withoutControls(refusal.sentence)}\n`);
    return refusal.isOutput ? EXIT.output : EXIT.usage;
  }
  if (isNetworkFailure(error)) {
    stderr.write(`${command}: ${withoutControls(error.message)}. ${hintOf(reasonOf(error))}\n`);
    return REASONS[error.code].exit;
  }
  stderr.write(`${bugReport(error)}\n`);
  return EXIT.bug;
}

/** Whether the network is the cause, for example when the name of a proxy has no address. */
const isNetworkFailure = (error: unknown): error is VerackError =>
  error instanceof VerackError && REASONS[error.code].family === 'dial';

const notes = (width: number): string => `\n${listText(EXIT_HELP, width)}\n\n${wrapped(NOTES, width)}`;

/** The definition of the whole command line; help and completion are generated from it. */
function programOf(
  verbs: readonly CliCommand[],
  context: ProcessContext,
  outcome: { code: number },
): Command {
  const program = new Command(NAME);
  program
    .description('The Bitcoin peer-to-peer handshake as an explicit state machine.')
    .usage('VERB [targets] [options]')
    .commandsGroup('Verbs:')
    .version(`${NAME} ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or the help of a verb')
    .helpCommand('help [verb]', 'print the help of a verb')
    .addHelpText('after', ({ error: isError }) => notes(widthOf(isError ? context.stderr : context.stdout)));
  configure(program, context, { examples: EXAMPLES });
  for (const verb of verbs) {
    const command = commandOf(verb).action((...received: unknown[]) =>
      perform(verb, invocationOf(verb, received, program, context), outcome),
    );
    configure(command, context, verb);
    program.addCommand(command);
  }
  return program;
}

/** Help goes to stdout; commander writes nothing to stderr and throws instead of exiting. */
function configure(command: Command, { stdout, stderr }: ProcessContext, texts: HelpTexts): void {
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

/** "error: unknown option '--onse'\n(Did you mean --once?)" becomes "unknown option '--onse'; did you mean --once?" */
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
  const command = new Command(verb.name).description(verb.about).helpOption('-h, --help', 'print the help');
  for (const operand of verb.operands) command.addArgument(operand);
  for (const option of verb.options) command.addOption(option);
  return command;
}

/** Commander passes the operands one by one, then the options, then the command. */
function invocationOf(
  verb: CliCommand,
  received: readonly unknown[],
  program: Command,
  { interrupted, ...context }: ProcessContext,
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
    env: context.env,
    out: new Output({ ...context, json, quiet, verbose, color, log, isFinite: verb.isOneShot(flags) }),
    interrupted,
    program,
  };
}

const isCancellation = (error: unknown): boolean =>
  error instanceof VerackError && error.code === 'ERR_LOCAL_CANCELLED';

async function perform(verb: CliCommand, job: Invocation, outcome: { code: number }): Promise<void> {
  const isOneShot = verb.isOneShot(job.flags);
  try {
    outcome.code = await Promise.race([verb.run(job), graceAfter(job.interrupted).then(() => EXIT.ok)]);
  } catch (error) {
    if (!job.interrupted.aborted || !(isOneShot || isCancellation(error))) throw error;
    outcome.code = EXIT.interrupted;
  } finally {
    job.out.end();
  }
  if (job.out.isIncomplete && outcome.code === EXIT.ok) outcome.code = EXIT.output;
  if (isOneShot && job.interrupted.aborted) outcome.code = EXIT.interrupted;
}
