#!/usr/bin/env node
/** The program `verack`: ties the command line to this process. */
import { bugReport, EXIT } from './exit-codes.js';
import { interruptions } from './signals.js';
import { run } from './program.js';
import { CLI_COMMANDS } from './commands.js';

/** `| head` closes our output: nobody reads on, which is no error. */
function leaveWhenUnread(stream: NodeJS.WriteStream, code: number): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(code);
    throw error;
  });
}

function reportBug(error: unknown): never {
  process.stderr.write(`${bugReport(error)}\n`);
  process.exit(EXIT.bug);
}

leaveWhenUnread(process.stdout, EXIT.ok);
leaveWhenUnread(process.stderr, EXIT.ok);
process.on('uncaughtException', reportBug);

const { stdout, stderr, env } = process;
const interrupted = interruptions(process, () => process.exit(EXIT.interrupted));
// Ends at once: sockets that linger are the system's affair now.
process.exit(await run(process.argv.slice(2), CLI_COMMANDS, { stdout, stderr, env, interrupted }));
