/**
 * The verbs, in the order in which the help lists them.
 *
 * They are imported one after the other: Node.js opens all modules of a static import at the same time, and the program
 * would not start under a limit of 64 open files.
 */
import type { CliCommand } from './command.js';

export const CLI_COMMANDS: readonly CliCommand[] = [
  (await import('./demo.js')).demoCommand,
  (await import('./connect.js')).connectCommand,
  (await import('./listen.js')).listenCommand,
  (await import('./probe.js')).probeCommand,
  (await import('./conform.js')).conformCommand,
  (await import('./matrix.js')).matrixCommand,
  (await import('./addresses.js')).addressesCommand,
  (await import('./crawl.js')).crawlCommand,
  (await import('./learn.js')).learnCommand,
  (await import('./identify.js')).identifyCommand,
  (await import('./replay.js')).replayCommand,
  (await import('./decode.js')).decodeCommand,
  (await import('./diagram.js')).diagramCommand,
  (await import('./completion.js')).completionCommand,
];
