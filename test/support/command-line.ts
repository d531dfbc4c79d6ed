/** The command line in this process: what it prints, and what a verb receives. */
import type { CliCommand, Invocation } from '../../src/cli/command.js';
import { CLI_COMMANDS } from '../../src/cli/commands.js';
import type { Flags } from '../../src/cli/options.js';
import type { TextOutput } from '../../src/cli/output.js';
import { run } from '../../src/cli/program.js';

export class CapturedOutput implements TextOutput {
  text = '';
  constructor(
    readonly isTTY = false,
    readonly columns = 40,
  ) {}
  write(text: string): void {
    this.text += text;
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly jobs: readonly Invocation[];
}

/** A verb that only records how it was called. */
const recordingVerb =
  (jobs: Invocation[]) =>
  (verb: CliCommand): CliCommand => ({
    ...verb,
    run: (job) => {
      jobs.push(job);
      return Promise.resolve(0);
    },
  });

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly interrupted?: AbortSignal;
  readonly stdout?: CapturedOutput;
}

/** Runs a command line in this process. */
export async function ran(
  line: string,
  verbs?: readonly CliCommand[],
  { env = {}, interrupted = new AbortController().signal, stdout = new CapturedOutput() }: RunOptions = {},
): Promise<Ran> {
  const jobs: Invocation[] = [];
  const stderr = new CapturedOutput();
  const words = line === '' ? [] : line.split(' ');
  const code = await run(words, verbs ?? CLI_COMMANDS.map(recordingVerb(jobs)), {
    stdout,
    stderr,
    env,
    interrupted,
  });
  return { code, stdout: stdout.text, stderr: stderr.text, jobs };
}

/** Operands and options as the verb receives them; throws what would be printed on stderr. */
export async function read(
  line: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ operands: readonly string[]; flags: Flags }> {
  const { jobs, stderr } = await ran(line, undefined, { env });
  if (!jobs[0]) throw new Error(stderr);
  return jobs[0];
}
