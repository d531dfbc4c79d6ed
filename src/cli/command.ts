/** The definition of a verb: data for help and completion, and the function that executes it. */
import type { Argument, Command, Option } from 'commander';
import type { HelpTexts } from './help.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';

/** One call of a verb. */
export interface Invocation {
  /** The arguments that are no options: hosts, hex, a name. */
  readonly operands: readonly string[];
  readonly flags: Flags;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts on the first Ctrl-C or SIGTERM; a verb then has two seconds to end in order. */
  readonly interrupted: AbortSignal;
  /** The whole command line, for completion. */
  readonly program: Command;
}

/** A verb; `details`, `examples` and `appendix` are for its own help. */
export interface CliCommand extends HelpTexts {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly about: string;
  readonly operands: readonly Argument[];
  readonly options: readonly Option[];
  /** Whether an interruption leaves the verb without a result: exit code 130 instead of 0. */
  readonly isOneShot: (flags: Flags) => boolean;
  /** Resolves to the exit code. A `VerackError` `ERR_LOCAL_ARGUMENT` or a `Usage` becomes one sentence and exit code 2. */
  readonly run: (job: Invocation) => Promise<number>;
}
