#!/usr/bin/env node
/** The program `verack`: ties the command line to this process. */
import { bugReport, EXIT } from './exit-codes.js';
import { graceAfter, interruptions } from './signals.js';
import { OutputStream } from './output-stream.js';
import { whenReaderIsGone } from './pipe-reader.js';
import { run } from './program.js';
import { CLI_COMMANDS } from './commands.js';
import { systemCodeText } from './system-codes.js';

const stderr = new OutputStream(process.stderr);
const stdout = new OutputStream(process.stdout, { failed: stdoutFailed });

/** A reader such as `head` that closes the pipe is no error. */
function stdoutFailed(fault: string): void {
  if (fault === 'EPIPE') process.exit(EXIT.ok);
  const why = fault === 'stalled' ? 'its reader does not read' : systemCodeText(fault);
  stderr.write(`verack: standard output cannot be written: ${why}; lines are lost.\n`);
}

/** Ends at once, after the last lines: sockets that linger are left to the system. */
async function exit(code: number): Promise<void> {
  const drained = Promise.all([stdout.drain(), stderr.drain()]);
  await Promise.race([drained, graceAfter(interrupted)]);
  const isLost = (stdout.writeError ?? stderr.writeError) !== undefined;
  process.exit(code === EXIT.ok && isLost ? EXIT.output : code);
}

function reportBug(error: unknown): void {
  stderr.write(`${bugReport(error)}\n`);
  void exit(EXIT.bug);
}

process.once('uncaughtException', reportBug);
whenReaderIsGone(process.stdout.fd, () => process.exit(EXIT.ok));
const reopen = (): boolean => [stdout.reopen(), stderr.reopen()].includes(true);
const interrupted = interruptions(process, () => process.exit(EXIT.interrupted), Date.now, reopen);
await exit(await run(process.argv.slice(2), CLI_COMMANDS, { stdout, stderr, env: process.env, interrupted }));
