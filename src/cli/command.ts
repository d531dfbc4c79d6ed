/** The definition of a verb: data for help and completion, and the function that executes it. */
import type { Argument, Command, Option } from 'commander';
import type { HelpTexts } from './help.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';

/** One call of a verb: its arguments and what it uses of the process. */
export interface Invocation {
  /** The arguments that are not options: hosts, hex digits, a name. */
  readonly operands: readonly string[];
  readonly flags: Flags;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts on the first Ctrl-C or SIGTERM; the verb then has two seconds to stop. */
  readonly interrupted: AbortSignal;
  /** The definition of all verbs and options, for completion. */
  readonly program: Command;
}

/** A verb. `details`, `examples` and `appendix` are printed by its own `--help`. */
export interface CliCommand extends HelpTexts {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly about: string;
  readonly operands: readonly Argument[];
  readonly options: readonly Option[];
  /** Whether the verb ends by itself. An interruption then leaves it without a result: exit code 130 instead of 0. */
  readonly isOneShot: (flags: Flags) => boolean;
  /** Resolves to the exit code. Rejecting with `Usage` or a `VerackError` `ERR_LOCAL_ARGUMENT` prints one sentence and gives exit code 2. */
  readonly run: (job: Invocation) => Promise<number>;
}
